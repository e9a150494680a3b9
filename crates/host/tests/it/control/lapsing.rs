//! When a planner declares a host dead.

use host::control::{Event, Report};
use host::limits::{LEASE_LAPSE, LEASE_RENEWAL, MASS_LAPSE_HOSTS_MIN};
use lattice::store::Revision;

use super::scene::{Scene, millis, name, record, reports};

fn died(scene: &Scene) -> Vec<String> {
    let death = |report: &Report| match report {
        Report::Died(host) => Some(host.to_string()),
        _ => None,
    };
    reports(&scene.done).iter().filter_map(death).collect()
}

#[test]
fn a_host_is_dead_three_seconds_after_its_last_renewal() {
    let mut scene = Scene::joined(&["h2", "h3"]);
    scene.pass(LEASE_RENEWAL * 3, &["h2", "h3"]);
    let alive = ["h3"];
    scene.pass(LEASE_LAPSE - millis(600), &alive);
    assert_eq!(died(&scene), Vec::<String>::new());
    scene.pass(millis(1_200), &alive);
    assert_eq!(died(&scene), ["h2"]);
}

#[test]
fn nobody_is_dead_while_the_own_renewals_do_not_go_through() {
    let mut scene = Scene::joined(&["h2", "h3"]);
    scene.pass(LEASE_RENEWAL * 3, &["h2", "h3"]);
    scene.answers = false;
    scene.pass(LEASE_LAPSE * 5, &[]);
    assert_eq!(died(&scene), Vec::<String>::new());
    // Once they do, everybody gets a whole period.
    scene.answers = true;
    scene.pass(LEASE_LAPSE, &[]);
    assert_eq!(died(&scene), Vec::<String>::new());
    scene.pass(LEASE_LAPSE, &[]);
    assert_eq!(died(&scene), ["h2", "h3"]);
}

#[test]
fn more_than_half_at_once_get_one_more_period() {
    // Hosts besides this one, those that go on, and the periods after which the others are dead.
    let rows: [(usize, usize, u32); 4] = [
        (MASS_LAPSE_HOSTS_MIN - 2, 0, 1),
        (MASS_LAPSE_HOSTS_MIN - 1, 0, 2),
        (MASS_LAPSE_HOSTS_MIN, 0, 2),
        (MASS_LAPSE_HOSTS_MIN, 2, 1),
    ];
    for (others, alive, periods) in rows {
        let names: Vec<String> = (2..others + 2).map(|number| format!("h{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scene = Scene::joined(&names);
        scene.pass(LEASE_RENEWAL * 3, &names);
        let (alive, dead) = names.split_at(alive);
        scene.pass(LEASE_LAPSE * periods - millis(600), alive);
        assert_eq!(died(&scene), Vec::<String>::new(), "{others} others, {alive:?} alive");
        scene.pass(millis(1_400), alive);
        assert_eq!(died(&scene), dead, "{others} others, {alive:?} alive");
        let waited = reports(&scene.done).iter().any(|report| matches!(report, Report::MassLapse { .. }));
        assert_eq!(waited, periods > 1);
    }
}

#[test]
fn one_that_comes_back_is_reported() {
    let mut scene = Scene::joined(&["h2"]);
    scene.pass(LEASE_LAPSE * 2, &[]);
    assert_eq!(died(&scene), ["h2"]);
    scene.done.clear();
    scene.renewed("h2", 10);
    assert!(matches!(reports(&scene.done).as_slice(), [Report::Returned { .. }]));
    scene.done.clear();
    scene.renewed("h2", 11);
    assert_eq!(reports(&scene.done), []);
}

#[test]
fn a_lease_that_lapses_in_the_store_says_nothing_and_one_of_a_leaving_host_says_all() {
    let mut scene = Scene::joined(&["h2", "h3"]);
    let gone =
        |host: &str, revision| Event::Lease { host: name(host), revision: Revision(revision), incarnation: None };
    let demand = super::scene::free("shop", super::scene::document(1), 2);
    scene.intend(1, &demand);
    scene.pass(LEASE_RENEWAL, &["h2", "h3"]);
    scene.tell(gone("h2", 1_000));
    scene.told_record(lattice::document::HostRecord { draining: true, ..record("h3", 10) });
    scene.pass(LEASE_RENEWAL, &["h2"]);
    scene.done.clear();
    scene.tell(gone("h3", 1_001));
    scene.pass(LEASE_RENEWAL, &["h2"]);
    let on = |scene: &Scene| {
        let adopted = scene.state.adopted().apps.values().next().cloned();
        adopted.map(|placement| placement.hosts().into_iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(on(&scene), Some(vec!["h1".to_owned(), "h2".to_owned()]));
    assert_eq!(died(&scene), Vec::<String>::new());
}

#[test]
fn what_a_new_watch_tells_again_is_no_renewal() {
    let mut scene = Scene::joined(&["h2"]);
    let lease = Event::Lease {
        host: name("h2"),
        revision: Revision(5_000),
        incarnation: Some(lattice::document::Incarnation(10)),
    };
    scene.tell(lease.clone());
    for _ in 0..40 {
        scene.tell(lease.clone());
        scene.tick();
    }
    assert_eq!(died(&scene), ["h2"]);
}
