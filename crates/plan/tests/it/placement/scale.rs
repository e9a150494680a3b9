//! Many hosts and many actors. A tenth of the size runs always; with `LATH_LONG=1` the whole runs, and its times are printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::ids::HostName;
use model::placement::Placement;
use plan::placement::{HostView, check_placement, place};

use super::lab::{Lab, app_name, demand, host, host_name};

/// Applications of a hundred actors: most of one replica, some spread over three zones, some beside state.
fn lattice(hosts: usize, applications: usize) -> Lab {
    let mut lab = Lab::default();
    for number in 0..hosts {
        let zone = format!("zone=z{}", number % 5);
        lab.hosts.insert(host_name(&format!("host{number}")), host(&[&zone]));
    }
    for number in 0..applications {
        let name = format!("app{number}");
        let groups: Vec<_> = (0..95).map(group).collect();
        let demand = demand(&name, 1, &groups.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(demand.groups.iter().map(|group| group.actors.len()).sum::<usize>(), 100);
        lab.demands.insert(app_name(&name), Arc::new(demand));
    }
    let wide = demand("wide", 1, &[&format!("a*{}/zone", hosts * 9 / 10), "b*all", &format!("c*{}", hosts * 2)]);
    lab.demands.insert(app_name("wide"), Arc::new(wide));
    lab
}

fn group(number: usize) -> String {
    match number {
        0..5 => format!("a{number}+b{number}+kv{number}!"),
        5..15 => format!("a{number}*3/zone"),
        15..20 => format!("a{number}+store~*2"),
        _ => format!("a{number}"),
    }
}

/// What was done, in milliseconds.
#[expect(clippy::print_stdout, reason = "the figures are what the long run is for")]
fn timed<T>(what: &str, long: bool, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    if long {
        println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    }
    done
}

fn lose(lab: &Lab, lost: &HostName) -> BTreeMap<HostName, HostView> {
    let mut hosts = lab.hosts.clone();
    hosts.get_mut(lost).unwrap().alive = false;
    hosts
}

#[test]
fn only_what_must_move_is_touched() {
    let long = std::env::var_os("LATH_LONG").is_some();
    let size = if long { 1_000 } else { 100 };
    let mut lab = lattice(size, size);
    lab.placement = timed("a first plan", long, || place(&lab.demands, &Placement::default(), &lab.hosts));
    let judged = || check_placement(&lab.demands, &Placement::default(), &lab.placement, &lab.hosts);
    assert_eq!(timed("its check", long, judged), Ok(()));
    check_balance(&lab);
    lab.run();

    let same = timed("a plan that changes nothing", long, || place(&lab.demands, &lab.placement, &lab.hosts));
    assert_eq!(same.generation, lab.placement.generation);
    assert!(same.applications.iter().all(|(name, placed)| Arc::ptr_eq(placed, &lab.placement.applications[name])));

    let lost = host_name("host7");
    let hosts = lose(&lab, &lost);
    let next = timed("a plan after the loss of a host", long, || place(&lab.demands, &lab.placement, &hosts));
    let judged = || check_placement(&lab.demands, &lab.placement, &next, &hosts);
    assert_eq!(timed("its check", long, judged), Ok(()));
    assert_eq!(next.generation, lab.placement.generation + 1);
    check_moves(&lab, &next, &lost);
}

/// Nobody has many more groups than another.
fn check_balance(lab: &Lab) {
    let mut loads: BTreeMap<&HostName, usize> = BTreeMap::new();
    for demand in lab.demands.values() {
        let placed = &lab.placement.applications[&demand.application];
        for host in demand.groups.iter().flat_map(|group| &placed.actors[group.actors.first().unwrap()]) {
            *loads.entry(host).or_default() += 1;
        }
    }
    let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
    assert!(loads.len() == lab.hosts.len() && most - least <= 5, "{least} to {most}");
}

fn check_moves(lab: &Lab, next: &Placement, lost: &HostName) {
    let mut touched = 0;
    for (name, was) in &lab.placement.applications {
        let is = &next.applications[name];
        if was.hosts().contains(lost) {
            touched += usize::from(!Arc::ptr_eq(was, is));
        } else {
            assert!(Arc::ptr_eq(was, is), "{name} was not on it");
        }
        for (actor, hosts) in was.actors.iter().filter(|(_, hosts)| !hosts.contains(lost)) {
            assert_eq!(hosts, &is.actors[actor], "{name}/{actor} was not on it");
        }
    }
    assert!(touched > 0);
}
