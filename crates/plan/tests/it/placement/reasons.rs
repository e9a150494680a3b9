//! Why something is not where it should be, as its user reads it.

use plan::limits::OBSTACLES_LISTED_MAX;
use plan::placement::unplaced;

use super::lab::{Lab, app_name};

/// What is said of a lattice once it is settled.
fn told(lab: &mut Lab) -> String {
    lab.settle();
    let told = unplaced(&lab.demands, &lab.placement, &lab.hosts);
    told.iter().map(|lack| format!("{lack}\n  → {}\n", lack.mend())).collect()
}

fn three(groups: &[&str]) -> Lab {
    let mut lab = Lab::with(&[("h1", &["tier=web"]), ("h2", &["tier=web"]), ("h3", &["tier=db"])]);
    lab.up("shop", groups);
    lab
}

fn lose(lab: &mut Lab, host: &str) {
    lab.host(host).alive = false;
}

#[test]
fn what_has_its_hosts_is_not_told() {
    assert_eq!(told(&mut three(&["cart*3", "tax*1@tier=web", "log*all", "kv!"])), "");
}

/// What is said in each case.
#[derive(Default)]
struct Cases(String);

impl Cases {
    fn add(&mut self, title: &str, lab: &mut Lab) {
        let told = told(lab);
        assert!(!told.is_empty(), "{title}");
        self.0 += &format!("# {title}\n{told}\n");
    }
}

#[test]
fn no_host_has_what_is_asked_for() {
    let mut cases = Cases::default();
    cases.add("no label", &mut three(&["cart@tier=gpu", "tax*all@tier=gpu", "stock@tier=web@disk=ssd"]));
    let mut none = three(&["cart+tax*2", "kv!"]);
    none.hosts.clear();
    cases.add("no hosts", &mut none);
    let mut without_kinds = three(&["cart+kv~*2", "kv!"]);
    for view in without_kinds.hosts.values_mut() {
        view.kinds.clear();
    }
    cases.add("no kinds", &mut without_kinds);
    insta::assert_snapshot!(cases.0);
}

#[test]
fn too_few_hosts_can_take_it() {
    let mut cases = Cases::default();
    let mut lab = three(&["cart*4", "tax*3@tier=web", "stock+kv~*3"]);
    lab.host("h3").kinds.clear();
    cases.add("all are up", &mut lab);
    lab.run();
    lose(&mut lab, "h1");
    lab.host("h2").draining = true;
    cases.add("one is down, one is draining", &mut lab);
    insta::assert_snapshot!(cases.0);
}

#[test]
fn state_is_on_a_host_that_cannot_run_it() {
    let mut cases = Cases::default();
    let mut lab = three(&["cart+kv!@tier=db", "tax*2"]);
    lab.settle();
    lab.host("h3").draining = true;
    cases.add("it is draining", &mut lab);
    lab.host("h3").draining = false;
    lab.host("h3").labels.clear();
    cases.add("it lost its label", &mut lab);
    assert_eq!(lab.on("shop", "cart"), ["h3"], "nobody can take it over");
    lab.host("h3").labels = super::lab::parse_labels(&["tier=db"]);
    lab.host("h3").kinds.clear();
    cases.add("it does not offer the provider", &mut lab);
    assert_eq!((lab.on("shop", "cart").len(), lab.on("shop", "kv")), (0, vec!["h3"]), "it is remembered");
    lose(&mut lab, "h3");
    cases.add("it is down", &mut lab);
    lab.hosts.remove(&"h3".parse().unwrap());
    cases.add("it is gone", &mut lab);
    assert_eq!(lab.on("shop", "kv"), ["h3"], "it is remembered");
    insta::assert_snapshot!(cases.0);
}

#[test]
fn state_is_on_several_hosts() {
    let mut cases = Cases::default();
    let mut lab = three(&["cart+kv!"]);
    let state = || (app_name("shop"), "kv".parse().unwrap());
    for host in ["h1", "h3"] {
        lab.host(host).states.insert(state());
    }
    cases.add("two hosts have state of one provider", &mut lab);
    lab.up("shop", &["cart+kv!@tier=db"]);
    assert_eq!(told(&mut lab), "");
    assert_eq!(lab.on("shop", "kv"), ["h3"]);
    // What is placed stays, whatever other hosts have.
    lab.host("h2").states.insert(state());
    lab.up("shop", &["cart+kv!"]);
    assert_eq!(told(&mut lab), "");
    assert_eq!(lab.on("shop", "cart"), ["h3"]);
    let mut lab = three(&["kv!@tier=db", "cart+store!@tier=web"]);
    lab.host("h1").draining = true;
    lab.settle();
    lab.up("shop", &["cart+kv!+store!"]);
    cases.add("providers that must stand together have state on two hosts", &mut lab);
    assert_eq!((lab.on("shop", "kv"), lab.on("shop", "store")), (vec!["h3"], vec!["h2"]));
    assert_eq!(lab.on("shop", "cart").len(), 0);
    insta::assert_snapshot!(cases.0);
}

#[test]
fn only_so_many_hosts_are_listed() {
    let names: Vec<_> = (0..OBSTACLES_LISTED_MAX + 3).map(|number| format!("h{number}")).collect();
    let hosts: Vec<_> = names.iter().map(|name| (name.as_str(), &["tier=web"][..])).collect();
    let mut lab = Lab::with(&hosts);
    lab.host("h0").labels.clear();
    lab.up("shop", &["cart*2@tier=web"]);
    for name in &names {
        lab.host(name).draining = true;
    }
    let told = told(&mut lab);
    assert_eq!(told.matches("draining").count(), OBSTACLES_LISTED_MAX);
    assert!(told.contains(", and 3 more cannot take it"), "{told}");
}
