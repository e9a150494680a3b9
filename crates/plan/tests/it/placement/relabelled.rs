//! Hosts whose labels change: what a host that begins anew would refuse is not left on it.

use plan::placement::{Misplacement, check_placement, check_share, unplaced};

use super::lab::{Lab, app_name, host_name, parse_labels};

/// `web` on one of these hosts, which asks for `tier=web`; gives the lattice and that host.
fn lab(hosts: &[(&str, &[&str])], group: &str) -> (Lab, String) {
    let mut lab = Lab::with(hosts);
    lab.up("shop", &[group, "log"]);
    lab.settle();
    let on = lab.on("shop", "web")[0].to_owned();
    (lab, on)
}

/// The host loses its labels; where it begins anew it runs nothing and remembers nothing but its state.
fn relabel(lab: &mut Lab, name: &str, begins_anew: bool) {
    let host = lab.host(name);
    host.labels = parse_labels(&[]);
    if begins_anew {
        host.ready.clear();
    }
}

/// Whether a host that has begun anew takes what it is given.
fn takes(lab: &Lab, name: &str) -> bool {
    let (app, name) = (app_name("shop"), host_name(name));
    let placed = &lab.placement.applications[&app];
    check_share(&name, &lab.hosts[&name], &lab.demands[&app], None, placed).is_ok()
}

const TWO: &[(&str, &[&str])] = &[("a", &["tier=web"]), ("b", &["tier=web"]), ("c", &[])];
const ONE: &[(&str, &[&str])] = &[("a", &["tier=web"]), ("c", &[])];

#[test]
fn a_host_that_begins_anew_without_a_label_gets_only_what_it_takes() {
    for hosts in [TWO, ONE] {
        let (mut lab, on) = lab(hosts, "web@tier=web");
        relabel(&mut lab, &on, true);
        assert!(!takes(&lab, &on), "it would refuse what it had");
        lab.place();
        let now = lab.on("shop", "web");
        assert!(!now.contains(&on.as_str()), "{now:?}");
        assert_eq!(now.len(), hosts.len() - 2);
        assert!(hosts.iter().all(|(host, _)| takes(&lab, host)));
        assert_eq!(unplaced(&lab.demands, &lab.placement, &lab.hosts).is_empty(), hosts.len() > 2);
    }
}

#[test]
fn one_that_still_serves_it_keeps_it_until_another_does() {
    for hosts in [TWO, ONE] {
        let (mut lab, on) = lab(hosts, "web@tier=web");
        relabel(&mut lab, &on, false);
        lab.place();
        assert!(lab.on("shop", "web").contains(&on.as_str()), "the old place serves");
        lab.run();
        lab.settle();
        let stays = lab.on("shop", "web").contains(&on.as_str());
        assert_eq!(stays, hosts.len() == 2, "it stays where nobody else can take it");
        relabel(&mut lab, &on, true);
        lab.settle();
        assert!(!lab.on("shop", "web").contains(&on.as_str()));
    }
}

#[test]
fn local_state_stays_where_it_is_and_its_host_takes_it() {
    let (mut lab, on) = lab(TWO, "web+kv!@tier=web");
    relabel(&mut lab, &on, true);
    lab.place();
    assert_eq!(lab.on("shop", "web"), [&on]);
    assert!(takes(&lab, &on));
    // Where nothing was kept there yet, the host has nothing to go by.
    lab.host(&on).states.clear();
    assert!(!takes(&lab, &on));
    lab.place();
    assert_eq!(lab.on("shop", "web"), [""; 0]);
    assert_eq!(lab.on("shop", "kv"), [&on], "it is remembered");
    assert!(takes(&lab, &on));
}

#[test]
fn the_checker_finds_what_a_host_would_refuse() {
    for (group, stateless) in [("web@tier=web", false), ("web+kv!@tier=web", true)] {
        let (mut lab, on) = lab(TWO, group);
        relabel(&mut lab, &on, true);
        if stateless {
            lab.host(&on).states.clear();
        }
        let found = check_placement(&lab.demands, &lab.placement, &lab.placement, &lab.hosts).unwrap_err();
        let is_label = |found: &Misplacement| matches!(found, Misplacement::Label { host, .. } if host.as_str() == on);
        assert!(found.iter().any(is_label), "{group}: {found:?}");
    }
}
