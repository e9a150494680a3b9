//! The checker refuses each way in which a placement can be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::digest::Digest;
use model::ids::HostName;
use model::placement::{AppPlacement, Placement};
use plan::placement::{Misplacement, Ready, check_placement, check_share};

use super::lab::{Lab, app_name, host_name};

/// Two zones of three hosts and a lone one; an application with every kind of group, settled.
fn lab() -> Lab {
    let mut lab = Lab::with(&[
        ("a1", &["zone=a"]),
        ("a2", &["zone=a"]),
        ("a3", &["zone=a"]),
        ("b1", &["zone=b"]),
        ("b2", &["zone=b", "tier=web"]),
        ("x1", &[]),
    ]);
    lab.up("shop", &["cart+tax+nats~*2/zone", "web@tier=web", "log*all", "store+kv!", "far!"]);
    lab.up("blog", &["page"]);
    lab.settle();
    lab
}

/// A placement that may follow, and what is done to it or to the lattice.
type Corruption = fn(&mut Lab, &mut Placement);

fn shop(placement: &mut Placement) -> &mut AppPlacement {
    Arc::make_mut(placement.applications.get_mut(&app_name("shop")).unwrap())
}

fn actor<'p>(placement: &'p mut Placement, name: &str) -> &'p mut BTreeSet<HostName> {
    shop(placement).actors.get_mut(&name.parse().unwrap()).unwrap()
}

fn provider<'p>(placement: &'p mut Placement, name: &str) -> &'p mut BTreeSet<HostName> {
    shop(placement).providers.get_mut(&name.parse().unwrap()).unwrap()
}

/// Gives `cart` and all that stands with it these hosts.
fn cart(placement: &mut Placement, hosts: &[&str]) {
    let hosts: BTreeSet<_> = hosts.iter().map(|name| host_name(name)).collect();
    *actor(placement, "cart") = hosts.clone();
    *actor(placement, "tax") = hosts.clone();
    *provider(placement, "nats") = hosts;
}

fn store(placement: &mut Placement, hosts: &[&str]) {
    let hosts: BTreeSet<_> = hosts.iter().map(|name| host_name(name)).collect();
    *actor(placement, "store") = hosts.clone();
    *provider(placement, "kv") = hosts;
}

/// The hosts of an actor as the lab has them.
fn on(lab: &Lab, part: &str) -> Vec<String> {
    lab.on("shop", part).into_iter().map(str::to_owned).collect()
}

/// A host of the zone that `part` is not on.
fn free(lab: &Lab, part: &str, zone: &str) -> String {
    let taken = on(lab, part);
    let mut names = lab.hosts.keys().map(HostName::as_str);
    names.find(|name| name.starts_with(zone) && !taken.contains(&(*name).to_owned())).unwrap().to_owned()
}

const CORRUPTIONS: &[(&str, Corruption)] = &[
    ("StrayApplication", |lab, _| {
        lab.demands.remove(&app_name("blog"));
    }),
    ("AbsentApplication", |_, next| {
        next.applications.remove(&app_name("blog"));
    }),
    ("Intent", |_, next| shop(next).version += 1),
    ("Intent", |_, next| shop(next).intent = Digest::of(b"another")),
    ("Stray", |_, next| {
        let hosts = actor(next, "cart").clone();
        shop(next).actors.insert("stranger".parse().unwrap(), hosts);
    }),
    ("Stray", |_, next| {
        shop(next).providers.insert("stranger".parse().unwrap(), BTreeSet::new());
    }),
    ("Absent", |_, next| {
        shop(next).actors.remove(&"web".parse().unwrap());
    }),
    ("Absent", |_, next| {
        shop(next).providers.remove(&"nats".parse().unwrap());
    }),
    ("Apart", |_, next| {
        actor(next, "tax").pop_first();
    }),
    ("Apart", |_, next| {
        provider(next, "nats").pop_first();
    }),
    ("Count", |_, next| actor(next, "store").clear()),
    ("Idle", |_, next| provider(next, "nats").extend(["x1", "a1", "a2", "a3"].map(host_name))),
    ("Dead", |lab, _| {
        let first = on(lab, "cart").remove(0);
        lab.host(&first).alive = false;
    }),
    ("Dead", |_, next| {
        actor(next, "log").insert(host_name("unknown"));
    }),
    ("Kind", |lab, _| {
        let first = on(lab, "cart").remove(0);
        lab.host(&first).kinds.clear();
    }),
    ("Label", |_, next| *actor(next, "web") = BTreeSet::from([host_name("a1")])),
    ("Draining", |lab, next| {
        let free = free(lab, "cart", "a");
        lab.host(&free).draining = true;
        cart(next, &[&free, &on(lab, "cart")[1]]);
    }),
    ("Count", |_, next| actor(next, "web").clear()),
    ("Count", |lab, next| cart(next, &[&on(lab, "cart")[0]])),
    ("Count", |lab, next| {
        let all: Vec<_> = lab.hosts.keys().map(HostName::as_str).collect();
        cart(next, &all);
    }),
    ("Count", |lab, next| {
        actor(next, "log").remove(&host_name("a1"));
        lab.placement = Placement::default();
    }),
    ("Count", |_, next| store(next, &["a1", "a2"])),
    ("Count", |lab, next| {
        lab.placement = Placement::default();
        lab.hosts.values_mut().for_each(|view| view.states.clear());
        store(next, &[]);
    }),
    ("Moved", |lab, next| {
        let zone = on(lab, "cart")[0][..1].to_owned();
        cart(next, &[&free(lab, "cart", &zone), &on(lab, "cart")[1]]);
    }),
    ("Lingering", |lab, next| {
        let free = free(lab, "cart", "a");
        let before = Arc::make_mut(lab.placement.applications.get_mut(&app_name("shop")).unwrap());
        for hosts in before.actors.iter_mut().filter(|(name, _)| ["cart", "tax"].contains(&name.as_str())) {
            hosts.1.insert(host_name(&free));
        }
        let (first, second) = (&on(lab, "cart")[0], &on(lab, "cart")[1]);
        let third = on(lab, "cart")[2].clone();
        lab.host(&free).draining = true;
        cart(next, &[first, second, &third]);
    }),
    ("Hasty", |lab, next| {
        let first = on(lab, "cart").remove(0);
        let free = free(lab, "cart", &first[..1]);
        lab.host(&first).draining = true;
        cart(next, &[&free, &on(lab, "cart")[1]]);
    }),
    ("Unspread", |lab, next| {
        lab.placement = Placement::default();
        cart(next, &["a1", "a2"]);
    }),
    ("Unspread", |lab, next| {
        lab.placement = Placement::default();
        cart(next, &["a1", "x1"]);
    }),
    ("State", |lab, next| {
        let other = if on(lab, "store") == ["a1"] { "a2" } else { "a1" };
        store(next, &[other]);
    }),
    ("State", |lab, next| {
        let other = if on(lab, "store") == ["a1"] { "a2" } else { "a1" };
        lab.placement = Placement::default();
        store(next, &[other]);
    }),
    ("State", |_, next| store(next, &[])),
    ("StateTwice", |_, next| store(next, &["a1", "a2"])),
    ("Generation", |_, next| shop(next).generation += 1),
    ("Generations", |_, next| next.generation += 1),
    ("Generations", |_, next| {
        actor(next, "web").clear();
    }),
];

fn kind(found: &Misplacement) -> String {
    format!("{found:?}").split(' ').next().unwrap().to_owned()
}

#[test]
fn each_corruption_is_found() {
    let mut texts = BTreeSet::new();
    for (index, (expected, corrupt)) in CORRUPTIONS.iter().enumerate() {
        let mut lab = lab();
        let mut next = lab.placement.clone();
        assert_eq!(check_placement(&lab.demands, &lab.placement, &next, &lab.hosts), Ok(()));
        corrupt(&mut lab, &mut next);
        let found = check_placement(&lab.demands, &lab.placement, &next, &lab.hosts).unwrap_err();
        let one = found.iter().find(|found| kind(found) == *expected);
        let one = one.unwrap_or_else(|| panic!("{index}: {expected} not in {found:#?}"));
        texts.insert(format!("{expected}: {one}"));
    }
    insta::assert_snapshot!(texts.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_misplacement_has_a_corruption() {
    let source = include_str!("../../../src/placement/judge/misplacement.rs").lines();
    let heads = source.filter(|line| line.starts_with("    ") && !line.contains('#'));
    let declared: BTreeSet<_> = heads.map(|line| line.trim().split([' ', ',']).next().unwrap()).collect();
    let tried: BTreeSet<_> = CORRUPTIONS.iter().map(|(found, _)| *found).collect();
    assert_eq!(tried, declared);
}

/// What a host says of a placement that was changed after it was decided.
fn shared(host: &str, labels: &[&str], change: fn(&mut Placement)) -> Vec<String> {
    let lab = lab();
    let mut next = lab.placement.clone();
    change(&mut next);
    let before = lab.placement.applications[&app_name("shop")].clone();
    let demand = &lab.demands[&app_name("shop")];
    let mut view = lab.hosts.get(&host_name(host)).cloned().unwrap_or_else(|| super::lab::host(&[]));
    if !labels.is_empty() {
        view.labels = super::lab::parse_labels(labels);
    }
    let judged = check_share(&host_name(host), &view, demand, Some(&before), &next.applications[&app_name("shop")]);
    judged.err().unwrap_or_default().iter().map(kind).collect()
}

#[test]
fn a_host_judges_its_own_share() {
    assert_eq!(shared("a1", &[], |_| {}), [""; 0]);
    assert_eq!(shared("b2", &["tier=db"], |_| {}), [""; 0], "what it had it keeps until another has it");
    assert_eq!(shared("a1", &[], |next| actor(next, "web").extend([host_name("a1")])), ["Label"]);
    assert_eq!(shared("a1", &[], |next| shop(next).intent = Digest::of(b"forged")), ["Intent"]);
    assert_eq!(shared("x1", &[], |next| store(next, &["unknown"])), ["State"]);
    assert_eq!(shared("x1", &[], |next| actor(next, "tax").clear()), ["Apart"]);
    // Two versions on, the application may have been down between.
    let later = |next: &mut Placement| {
        shop(next).version += 2;
        store(next, &["unknown"]);
    };
    assert_eq!(shared("x1", &[], later), ["Intent"]);
}

#[test]
fn a_host_without_a_kind_refuses_it() {
    let mut lab = lab();
    let first = on(&lab, "cart").remove(0);
    lab.host(&first).kinds = BTreeSet::from(["keyvalue/embedded".to_owned()]);
    let placed = &lab.placement.applications[&app_name("shop")];
    let demand = &lab.demands[&app_name("shop")];
    let found = check_share(&host_name(&first), &lab.hosts[&host_name(&first)], demand, None, placed).unwrap_err();
    assert!(
        found.iter().all(|found| matches!(found, Misplacement::Kind { .. } | Misplacement::Label { .. })),
        "{found:?}"
    );
}

#[test]
fn readiness_is_of_the_version_that_is_asked_for() {
    let mut lab = Lab::with(&[("h1", &[]), ("h2", &[])]);
    lab.up("shop", &["cart"]);
    lab.settle();
    let first = on(&lab, "cart").remove(0);
    let other = if first == "h1" { "h2" } else { "h1" };
    lab.host(&first).draining = true;
    lab.place();
    assert_eq!(lab.on("shop", "cart"), ["h1", "h2"]);
    let ready = |version| Ready {
        version,
        actors: BTreeSet::from(["cart".parse().unwrap()]),
        providers: BTreeSet::new(),
        ..Ready::default()
    };
    lab.host(other).ready = BTreeMap::from([(app_name("shop"), ready(2))]);
    lab.place();
    assert_eq!(lab.on("shop", "cart"), ["h1", "h2"], "another version is ready");
    lab.host(other).ready = BTreeMap::from([(app_name("shop"), ready(1))]);
    lab.place();
    assert_eq!(lab.on("shop", "cart"), [other]);
}
