//! Placements over random histories: sound, stable, equal on every planner, and moving only what must move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::HostName;
use model::placement::{AppPlacement, Placement, Replicas};
use plan::placement::{Demand, Group, HostView, check_share, place, unplaced};
use proptest::prelude::*;
use proptest::sample::Index;

use super::lab::{Lab, app_name, demand, host, host_name};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A host is there, new or returned, with labels, and with all kinds of provider or one only.
    Join(usize, Vec<String>, bool),
    Lose(usize),
    Drain(usize),
    Forget(usize),
    Up(usize, Vec<String>),
    Down(usize),
    /// Live hosts run what they are given; or only one of them does.
    Run,
    RunOne(Index),
}

fn labels() -> impl Strategy<Value = Vec<String>> {
    let zone = prop_oneof![Just(vec![]), (0..3_u8).prop_map(|zone| vec![format!("zone=z{zone}")])];
    let tier = prop_oneof![Just(vec![]), (0..2_u8).prop_map(|tier| vec![format!("tier=t{tier}")])];
    (zone, tier).prop_map(|(zone, tier)| [zone, tier].concat())
}

/// The groups of an application over the actors `a` to `e`, each in one group, and two providers of each kind.
fn groups() -> impl Strategy<Value = Vec<String>> {
    let one = (
        prop_oneof![1 => Just("*all".to_owned()), 5 => (1..5_u8).prop_map(|count| format!("*{count}"))],
        any::<bool>(),
        0..4_u8,
        0..6_u8,
    );
    (prop::collection::vec(one, 1..4), prop::collection::vec(0..3_usize, 5)).prop_map(|(rules, homes)| {
        let mut texts = Vec::new();
        for (index, (count, spread, tier, providers)) in rules.into_iter().enumerate() {
            let actors = ["a", "b", "c", "d", "e"].iter().zip(&homes).filter(|(_, home)| **home == index);
            let mut parts: Vec<_> = actors.map(|(actor, _)| (*actor).to_owned()).collect();
            if parts.is_empty() {
                continue;
            }
            let local = providers == 0;
            match providers {
                0 => parts.push(format!("l{index}!")),
                1 | 2 => parts.push("s~".to_owned()),
                _ => {}
            }
            let count = if local { String::new() } else { count };
            let spread = if spread { "/zone" } else { "" };
            let on = if tier < 2 { format!("@tier=t{tier}") } else { String::new() };
            texts.push(format!("{}{count}{spread}{on}", parts.join("+")));
        }
        texts
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..8_usize, labels(), 0..6_u8).prop_map(|(host, labels, kinds)| Event::Join(host, labels, kinds > 0)),
        3 => (0..8_usize).prop_map(Event::Lose),
        3 => (0..8_usize).prop_map(Event::Drain),
        1 => (0..8_usize).prop_map(Event::Forget),
        4 => (0..3_usize, groups()).prop_map(|(app, groups)| Event::Up(app, groups)),
        1 => (0..3_usize).prop_map(Event::Down),
        4 => Just(Event::Run),
        3 => any::<Index>().prop_map(Event::RunOne),
    ]
}

fn name_of(host: usize) -> HostName {
    host_name(&format!("h{host}"))
}

fn apply(lab: &mut Lab, event: &Event) {
    let app = |number: &usize| format!("app{number}");
    match event {
        Event::Join(number, labels, whole) => {
            let known = lab.hosts.remove(&name_of(*number)).unwrap_or_default();
            let labels: Vec<_> = labels.iter().map(String::as_str).collect();
            let mut view = HostView { states: known.states, ready: known.ready, ..host(&labels) };
            view.kinds.retain(|kind| *whole || kind == "keyvalue/nats");
            lab.hosts.insert(name_of(*number), view);
        }
        Event::Lose(number) => {
            if let Some(view) = lab.hosts.get_mut(&name_of(*number)) {
                (view.alive, view.ready) = (false, BTreeMap::new());
            }
        }
        Event::Drain(number) => {
            if let Some(view) = lab.hosts.get_mut(&name_of(*number)) {
                view.draining = true;
            }
        }
        Event::Forget(number) => {
            lab.hosts.remove(&name_of(*number));
        }
        Event::Up(number, groups) => lab.up(&app(number), &groups.iter().map(String::as_str).collect::<Vec<_>>()),
        Event::Down(number) => {
            lab.demands.remove(&app_name(&app(number)));
        }
        Event::Run => lab.run(),
        Event::RunOne(index) => {
            let live: Vec<_> = lab.hosts.iter().filter(|(_, view)| view.alive).map(|(name, _)| name.clone()).collect();
            if !live.is_empty() {
                lab.run_host(index.get(&live));
            }
        }
    }
}

fn hosts_of<'p>(group: &Group, placed: &'p AppPlacement) -> &'p BTreeSet<HostName> {
    group.actors.first().map_or_else(|| &placed.providers[group.local.first().unwrap()], |actor| &placed.actors[actor])
}

fn is_ready(lab: &Lab, demand: &Demand, group: &Group, host: &HostName) -> bool {
    lab.hosts.get(host).filter(|view| view.alive).and_then(|view| view.ready.get(&demand.application)).is_some_and(
        |ready| {
            ready.version == demand.version
                && group.actors.is_subset(&ready.actors)
                && group.providers.is_subset(&ready.providers)
        },
    )
}

fn fits(group: &Group, view: &HostView) -> bool {
    view.alive
        && !view.draining
        && group.kinds.is_subset(&view.kinds)
        && group.on.iter().all(|(key, value)| view.labels.get(key) == Some(value))
}

/// No step takes away ready replicas before others are ready in their place, where others can be.
fn check_ready(lab: &Lab, before: &Placement) -> Result<(), TestCaseError> {
    for (application, demand) in &lab.demands {
        let (Some(was), Some(is)) = (before.applications.get(application), lab.placement.applications.get(application))
        else {
            continue;
        };
        for group in demand.groups.iter().filter(|group| !group.pinned()) {
            let old: BTreeSet<_> = group.actors.iter().filter_map(|actor| was.actors.get(actor)).flatten().collect();
            let ready = |host: &HostName| is_ready(lab, demand, group, host);
            let ready_before = old.iter().filter(|host| ready(host)).count();
            let ready_after = hosts_of(group, is).iter().filter(|host| ready(host)).count();
            let able = lab.hosts.values().filter(|view| fits(group, view)).count();
            let due = match group.replicas {
                _ if able == 0 => ready_before,
                Replicas::Everywhere => ready_before.min(1),
                Replicas::Count(count) => ready_before.min(count.get() as usize).min(able),
            };
            prop_assert!(ready_after >= due, "{group:?}: {ready_before} ready before, {ready_after} after");
        }
    }
    Ok(())
}

/// Every host agrees to what it is given.
fn check_shares(lab: &Lab, before: &Placement) -> Result<(), TestCaseError> {
    for (name, view) in lab.hosts.iter().filter(|(_, view)| view.alive) {
        for (application, placed) in &lab.placement.applications {
            let was = before.applications.get(application).map(Arc::as_ref);
            let judged = check_share(name, view, &lab.demands[application], was, placed);
            // The state of a provider is remembered on a host that cannot run it any more.
            prop_assert!(judged.is_ok(), "{judged:?}");
        }
    }
    Ok(())
}

/// Something lacks hosts exactly where it has fewer than it asks for and could not have more.
fn check_told(lab: &Lab) -> Result<(), TestCaseError> {
    let told = unplaced(&lab.demands, &lab.placement, &lab.hosts);
    for (application, demand) in &lab.demands {
        for group in &demand.groups {
            let on = hosts_of(group, &lab.placement.applications[application]);
            let good = on.iter().filter(|host| lab.hosts.get(*host).is_some_and(|view| fits(group, view))).count();
            let enough = match group.replicas {
                Replicas::Everywhere => good > 0,
                Replicas::Count(count) => good >= count.get() as usize,
            };
            let said = told.iter().any(|lack| {
                lack.application == *application && lack.actors == group.actors && lack.providers == group.providers
            });
            prop_assert_eq!(enough, !said, "{:?} on {:?}", group, on);
        }
    }
    prop_assert!(told.iter().all(|lack| !lack.mend().is_empty() && !lack.to_string().is_empty()));
    Ok(())
}

/// A lost host moves only groups that were on it.
fn check_loss(lab: &Lab) -> Result<(), TestCaseError> {
    let mut settled = lab.clone();
    settled.run();
    settled.settle();
    for lost in settled.hosts.iter().filter(|(_, view)| view.alive).map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        let mut after = settled.clone();
        let view = after.hosts.get_mut(&lost).unwrap();
        (view.alive, view.ready) = (false, BTreeMap::new());
        let before = after.place();
        for (application, was) in &before.applications {
            let is = &after.placement.applications[application];
            if !was.hosts().contains(&lost) {
                prop_assert!(Arc::ptr_eq(was, is), "{application} is not concerned");
            }
            for (actor, hosts) in was.actors.iter().filter(|(_, hosts)| !hosts.contains(&lost)) {
                prop_assert_eq!(hosts, &is.actors[actor]);
            }
            for (actor, hosts) in &was.actors {
                let kept: BTreeSet<_> = hosts.iter().filter(|host| **host != lost).cloned().collect();
                prop_assert!(kept.is_subset(&is.actors[actor]));
            }
        }
        // Nothing moves back.
        after.run();
        after.settle();
        after.hosts.get_mut(&lost).unwrap().alive = true;
        let held = after.place();
        for (application, was) in &held.applications {
            let is = &after.placement.applications[application];
            prop_assert!(was.actors.iter().all(|(actor, hosts)| hosts.is_subset(&is.actors[actor])));
        }
    }
    Ok(())
}

/// What is placed anew is spread as evenly as can be.
fn check_spread(lab: &Lab) -> Result<(), TestCaseError> {
    let mut fresh = Lab { placement: Placement::default(), ..lab.clone() };
    for view in fresh.hosts.values_mut() {
        view.states.clear();
    }
    fresh.place();
    for (application, demand) in &fresh.demands {
        for group in demand.groups.iter().filter(|group| group.spread.is_some() && !group.pinned()) {
            if group.replicas == Replicas::Everywhere {
                continue;
            }
            let label = group.spread.as_ref().unwrap();
            let on = hosts_of(group, &fresh.placement.applications[application]);
            let mut counts: BTreeMap<_, (usize, usize)> = BTreeMap::new();
            for (name, view) in fresh.hosts.iter().filter(|(_, view)| fits(group, view)) {
                let Some(value) = view.labels.get(label) else { continue };
                let (used, able) = counts.entry(value).or_default();
                (*used, *able) = (*used + usize::from(on.contains(name)), *able + 1);
            }
            let fullest = counts.values().map(|(used, _)| *used).max().unwrap_or_default();
            for (used, able) in counts.values() {
                prop_assert!(used + 1 >= fullest || used == able, "{counts:?}");
            }
        }
    }
    Ok(())
}

/// Two planners that know the same say the same.
fn check_equal(lab: &Lab) -> Result<(), TestCaseError> {
    let (hosts, demands) =
        (lab.hosts.clone(), lab.demands.iter().map(|(name, demand)| (name.clone(), Arc::new((**demand).clone()))));
    let other = place(&demands.collect(), &lab.placement.clone(), &hosts);
    prop_assert_eq!(other, place(&lab.demands, &lab.placement, &lab.hosts));
    Ok(())
}

fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("LATH_LONG").is_some() { 5_000 } else { 192 };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn histories_are_sound(events in prop::collection::vec(event(), 1..40)) {
        let mut lab = Lab::default();
        for event in &events {
            apply(&mut lab, event);
            check_equal(&lab)?;
            let before = lab.place();
            check_ready(&lab, &before)?;
            check_shares(&lab, &before)?;
        }
        let mut settled = lab.clone();
        settled.run();
        settled.settle();
        check_told(&settled)?;
        check_loss(&lab)?;
        check_spread(&lab)?;
    }
}

#[test]
fn ties_are_broken_by_names_alone() {
    let hosts: Vec<String> = (0..40).map(|number| format!("h{number}")).collect();
    let names: Vec<_> = hosts.iter().map(|name| (name.as_str(), &[][..])).collect();
    let mut lab = Lab::with(&names);
    for app in 0..10 {
        let name = format!("app{app}");
        lab.demands.insert(app_name(&name), Arc::new(demand(&name, 1, &["a", "b*2"])));
    }
    lab.place();
    let told: Vec<_> = (0..10).map(|app| lab.on(&format!("app{app}"), "a").join(",")).collect();
    // Another result here is another hash: planners of two versions would move everything to and fro.
    insta::assert_snapshot!(told.join(" "));
}
