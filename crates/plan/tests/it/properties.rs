//! Plans of generated intents: sound, equal and stable.

use std::fmt::Write as _;
use std::sync::Arc;

use model::blueprint::{Target, WireTo};
use model::contract::{Contract, Type};
use model::digest::Digest;
use model::manifest::Reach;
use plan::placement::demand;
use plan::{Place, check, explain, plan};
use proptest::prelude::*;

use crate::world::{Part, World, contract, counter, fallible, handler};

/// A link of a generated actor.
#[derive(Clone, Debug)]
struct Call {
    to: usize,
    reach: &'static str,
    minor: u64,
}

#[derive(Clone, Debug)]
struct Actor {
    calls: Vec<Call>,
    store: bool,
    /// Its environment matters to it.
    zone: Option<&'static str>,
    minor: u64,
    routed: bool,
    memories: u32,
}

fn call(count: usize) -> impl Strategy<Value = Call> {
    let reach = prop_oneof![Just("fused"), Just("host"), Just("lattice")];
    (0..count, reach, 0..4_u64).prop_map(|(to, reach, minor)| Call { to, reach, minor })
}

fn actor(count: usize) -> impl Strategy<Value = Actor> {
    let zone = prop_oneof![4 => Just(None), 1 => Just(Some("UTC")), 1 => Just(Some("CET"))];
    let calls = prop::collection::vec(call(count), 0..4);
    (calls, any::<bool>(), zone, 0..4_u64, any::<bool>(), 1..24_u32)
        .prop_map(|(calls, store, zone, minor, routed, memories)| Actor { calls, store, zone, minor, routed, memories })
}

/// Whatever can be written down.
fn wild() -> impl Strategy<Value = Vec<Actor>> {
    (1..6_usize).prop_flat_map(|count| prop::collection::vec(actor(count), count))
}

/// What can be planned: fused links lead onward, targets are new enough, nothing differs or grows too large.
fn tame() -> impl Strategy<Value = Vec<Actor>> {
    wild().prop_map(|mut actors| {
        for (index, actor) in actors.iter_mut().enumerate() {
            actor.zone = None;
            actor.minor = 3;
            actor.memories = 1;
            for call in actor.calls.iter_mut().filter(|call| call.to <= index && call.reach == "fused") {
                call.reach = "host";
            }
        }
        actors
    })
}

fn name(index: usize) -> String {
    format!("actor-{}", char::from(b'a' + u8::try_from(index).unwrap()))
}

fn api(index: usize, minor: u64) -> Arc<Contract> {
    let functions = [("ask", fallible(Type::U32)), ("tell", Type::Bool)];
    contract(
        &format!("acme:{}/api@1.{minor}.0", name(index)),
        &functions[..if index.is_multiple_of(2) { 1 } else { 2 }],
    )
}

fn world(actors: &[Actor]) -> World {
    let mut text = String::new();
    let mut parts = Vec::new();
    for (index, actor) in actors.iter().enumerate() {
        parts.push(part(index, actor, &mut text));
    }
    if actors.iter().any(|actor| actor.store) {
        text.push_str("[providers]\nkv = { use = \"keyvalue/memory\" }\n");
    }
    for (index, _) in actors.iter().enumerate().filter(|(_, actor)| actor.routed) {
        writeln!(text, "[[routes]]\npath = \"/{index}\"\nto = \"{}\"", name(index)).unwrap();
    }
    let names: Vec<_> = (0..actors.len()).map(name).collect();
    World::new(&text, names.iter().map(String::as_str).zip(parts))
}

/// The component of an actor, and its table.
fn part(index: usize, actor: &Actor, text: &mut String) -> Part {
    let name = name(index);
    writeln!(text, "[actors.{name}]\ncomponent = \"{name}.wasm\"").unwrap();
    let mut part = Part::new(&name).memories(actor.memories);
    for (nth, call) in actor.calls.iter().enumerate() {
        let failure = if call.reach == "lattice" { ", on-failure = \"trap\"" } else { "" };
        writeln!(text, "links.call{nth} = {{ to = \"{}\", reach = \"{}\"{failure} }}", self::name(call.to), call.reach)
            .unwrap();
        part = part.labelled(&format!("call{nth}"), &api(call.to, call.minor));
    }
    if actor.store {
        text.push_str("links.\"lath:keyvalue\" = { to = \"kv\" }\n");
        part = part.imports(&counter());
    }
    if let Some(zone) = actor.zone {
        writeln!(text, "grants = {{ env = {{ TZ = \"{zone}\" }} }}").unwrap();
        part = part.host("wasi:cli/environment@0.2.3");
    }
    part.exports(&api(index, actor.minor)).exports(&handler())
}

fn is_sorted(places: &[&Place]) -> bool {
    places.is_sorted()
}

proptest! {
    #[test]
    fn a_plan_is_sound_equal_and_stable(actors in wild()) {
        let world = world(&actors);
        let (first, again) = (world.plan(), world.plan());
        prop_assert_eq!(&first, &again);
        match first {
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                prop_assert!(is_sorted(&problems.iter().map(|problem| &problem.at).collect::<Vec<_>>()));
                prop_assert!(problems.iter().all(|problem| !problem.mend().is_empty()));
            }
            Ok(planned) => {
                prop_assert_eq!(check(&world.intent, &planned.blueprint, &world.inventory), Ok(()));
                let next = plan(&world.intent, Some(&planned.blueprint), &world.inventory).unwrap();
                prop_assert_eq!(&next, &planned);
                let wires = planned.blueprint.composites.values().flat_map(|composite| &composite.members);
                let explained = explain(&planned.blueprint, &planned.notes);
                prop_assert_eq!(explained.len(), wires.map(|member| member.wires.len()).sum::<usize>());
            }
        }
    }

    #[test]
    fn what_can_be_planned_is_planned(actors in tame()) {
        let world = world(&actors);
        let planned = world.plan();
        prop_assert!(planned.is_ok(), "{planned:#?}");
        prop_assert_eq!(check(&world.intent, &planned.unwrap().blueprint, &world.inventory), Ok(()));
    }

    #[test]
    fn what_calls_within_a_host_stands_together(actors in tame()) {
        let world = world(&actors);
        let blueprint = world.planned().blueprint;
        let demand = demand(&world.intent, &blueprint, &world.inventory, 1, Digest::of(b"")).unwrap();
        let grouped: Vec<_> = demand.groups.iter().flat_map(|group| &group.actors).collect();
        prop_assert!(grouped.len() == blueprint.composites.len());
        prop_assert!(blueprint.composites.keys().all(|actor| grouped.contains(&actor)), "each actor is in one group");
        let local: Vec<_> = demand.groups.iter().flat_map(|group| &group.local).collect();
        prop_assert!(local.len() == blueprint.providers.len(), "the store is in one group");
        for (root, composite) in &blueprint.composites {
            let group = demand.groups.iter().find(|group| group.actors.contains(root)).unwrap();
            let wires = composite.members.iter().flat_map(|member| &member.wires);
            let links = wires.filter_map(|wire| if let WireTo::Sender(sender) = &wire.to { Some(&sender.link) } else { None });
            for link in links.filter(|link| link.reach == Reach::Host) {
                let together = match &link.target {
                    Target::Actor { actor, .. } => group.actors.contains(actor),
                    Target::Provider(provider) => group.local.contains(provider) && group.pinned(),
                };
                prop_assert!(together);
            }
        }
    }

    #[test]
    fn a_plan_does_not_move_with_an_actor_that_nobody_calls(actors in tame()) {
        let before = world(&actors).planned().blueprint;
        let mut more = actors;
        more.push(Actor { calls: Vec::new(), store: false, zone: None, minor: 3, routed: false, memories: 1 });
        let added = name(more.len() - 1).parse().unwrap();
        let world = world(&more);
        let mut after = plan(&world.intent, Some(&before), &world.inventory).unwrap().blueprint;
        prop_assert_eq!(after.generation, before.generation + 1);
        prop_assert!(after.composites.remove(&added).is_some());
        prop_assert_eq!(after.composites, before.composites);
    }
}
