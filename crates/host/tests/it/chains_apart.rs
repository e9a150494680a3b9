//! Actors on two hosts that call each other.

use std::sync::Arc;

use adapter::codec::{decode_result, encode_params};
use adapter::compose::labels::Labels;
use adapter::value::Value;
use engine::{Actor, ActorSettings, Engine, EngineSettings};
use host::application::Application;
use host::router::{Running, Targets};
use lattice::memory::MemoryBus;
use model::blueprint::Blueprint;
use model::ids::ActorName;
use model::placement::AppPlacement;
use testkit::application::{folder, guest, root};
use testkit::caller::contract;

use crate::hosts::{Lattice, Node, context, hosts, placement};
use crate::scene::{RELAY, assert_like, told};

/// `near` on host `a` and `far` on host `b`, which pass calls on to each other.
struct Ring {
    lattice: Lattice,
    near: Actor,
}

fn manifest(limits: &str) -> String {
    let actor = |name: &str, next: &str| {
        let next = format!("{{ to = \"{next}\", reach = \"lattice\" }}");
        format!("[actors.{name}]\ncomponent = \"{RELAY}\"\nlimits = {{ {limits} }}\nlinks.next = {next}\n")
    };
    format!("manifest = 1\n[application]\nname = \"test\"\n{}{}", actor("near", "far"), actor("far", "near"))
}

async fn ring(limits: &str) -> Ring {
    let folder = folder(&manifest(limits)).unwrap();
    let application = Application::open(folder.path(), &mut |_| {}).unwrap();
    let blueprint = Arc::new(application.plan(None).unwrap().blueprint);
    let cache_dir = Some(root().join("target/tools/compiled"));
    let engine = Engine::new(EngineSettings { cache_dir, instances_max: 50, ..EngineSettings::default() }).unwrap();
    let bus = MemoryBus::new();
    let nodes = vec![Node::start("a", &bus).await, Node::start("b", &bus).await];
    let lattice = Lattice { nodes, blueprint: blueprint.clone() };
    let mut placed: AppPlacement = (*placement(5, "", "")).clone();
    placed.actors = [("near".parse().unwrap(), hosts("a")), ("far".parse().unwrap(), hosts("b"))].into();
    let placed = Arc::new(placed);
    let start = |node: &Node, name: &str| {
        let actor = load(&engine, &application, &blueprint, &name.parse().unwrap(), node);
        node.switchboard.place(&blueprint.application, Some(placed.clone()));
        node.know(&blueprint, &placed);
        lattice.beat(node.name.as_str(), |_| ());
        actor
    };
    let near = start(lattice.node("a"), "near");
    start(lattice.node("b"), "far");
    Ring { near, lattice }
}

fn load(
    engine: &Engine,
    application: &Application,
    blueprint: &Arc<Blueprint>,
    name: &ActorName,
    node: &Node,
) -> Actor {
    let plan = &blueprint.composites[name];
    let loaded = engine.load(&application.compose(plan).unwrap()).unwrap();
    let labels = Labels::of(plan);
    let settings = ActorSettings {
        instances: plan.limits.instances as usize,
        depth: plan.limits.depth,
        receivers: labels.receivers.into_iter().map(|receiver| receiver.label).collect(),
        senders: labels.senders.into_iter().map(|sender| sender.label).collect(),
        ..ActorSettings::new(name.to_string())
    };
    let actor = engine.actor(&loaded.component, settings, node.cart.clone()).unwrap();
    let mut targets = Targets::new(blueprint.clone());
    targets.actors.insert(name.clone(), (actor.clone(), Arc::new(plan.clone())));
    let outboxes = [(name.clone(), node.cart.clone())].into();
    node.switchboard.switch(&blueprint.application, Some(Running { version: 1, targets, outboxes, tried: None }));
    actor
}

impl Ring {
    /// What comes of so many hops, the first of them on `a`.
    async fn hop(&self, count: u32) -> String {
        let relay = contract(&guest("wasm32-unknown-unknown", "relay"), "hop").unwrap();
        let function = &relay.functions["hop"];
        let payload = encode_params(function, &[Value::U32(count)]).unwrap();
        let answer = self.near.call(0, "hop", &payload, &context().at_depth(0)).await;
        told(answer.map(|answer| decode_result(function, &answer).unwrap()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_over_hosts_have_a_depth() {
    let ring = ring("depth = 4").await;
    assert_eq!(ring.hop(0).await, "Result(Ok(Some(U32(0))))");
    assert_eq!(ring.hop(3).await, "Result(Ok(Some(U32(3))))");
    let deep = "host-error: the chain of calls is longer than 4; look for a cycle of links";
    for hops in [4, 9] {
        assert_eq!(ring.hop(hops).await, format!("Result(Err(Some(String(\"{deep}\"))))"));
    }
    assert_eq!(ring.lattice.nodes.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_comes_back_does_not_wait_for_itself() {
    let ring = ring("instances = 1").await;
    assert_eq!(ring.hop(1).await, "Result(Ok(Some(U32(1))))");
    // It would wait for the only instance of `near` until its deadline, a minute away.
    let held = "host-error: actor 'near': this call would wait for an instance that its own chain holds";
    for _ in 0..3 {
        assert_like(&ring.hop(2).await, &format!("Result(Err(Some(String(\"{held}\"))))"));
    }
    assert_eq!(ring.hop(1).await, "Result(Ok(Some(U32(1))))");
}
