//! Several hosts in this process, joined by the in-memory bus: routers and servers with providers made of closures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::{CallContext, Outbound as _, Outgoing};
use futures_util::future::BoxFuture;
use host::authority::{Knowledge, Known};
use host::health::{Beat, Health, Phase};
use host::router::{Outbox, Outside, Running, Switchboard, Targets};
use host::server::{Reception, Server, Trust};
use lattice::call::Incarnation;
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use lattice::pulse::Stamp;
use lattice::subject::Subjects;
use model::blueprint::{
    AdapterPlan, Blueprint, CompositePlan, LinkPlan, Member, ProviderPlan, ReceiverPlan, SenderPlan, Target, Wire,
    WireTo,
};
use model::contract::Contract;
use model::digest::Digest;
use model::failure::{Failure, RpcError};
use model::ids::HostName;
use model::manifest::{Limits, Reach};
use model::placement::AppPlacement;
use provider::{Call, Provider};
use tokio::sync::watch;

pub const CONTRACT: &str = "acme:stock/api@1.0.0";
pub const AMPLE: Duration = Duration::from_secs(60);

pub fn contract(name: &str) -> Arc<Contract> {
    Arc::new(Contract { name: name.parse().unwrap(), functions: BTreeMap::new() })
}

/// The link of `actor` to a target: its import is called like the target.
pub fn link(actor: &str, target: Target, reach: Reach) -> LinkPlan {
    let import = match &target {
        Target::Actor { actor, .. } => actor.to_string(),
        Target::Provider(provider) => provider.to_string(),
    };
    LinkPlan {
        actor: actor.parse().unwrap(),
        import,
        contract: CONTRACT.parse().unwrap(),
        target,
        reach,
        deadline: AMPLE,
        idempotent: ["peek".to_owned()].into(),
    }
}

pub fn provider(name: &str) -> Target {
    Target::Provider(name.parse().unwrap())
}

pub fn actor(name: &str) -> Target {
    Target::Actor { actor: name.parse().unwrap(), receiver: "receive0".to_owned() }
}

/// A composite whose members have these links, each member with its own; the first is the actor itself.
pub fn composite(members: &[(&str, Vec<LinkPlan>)]) -> CompositePlan {
    let sender = |link: &LinkPlan| SenderPlan {
        label: format!("send-{}", link.import),
        contract: contract(&link.contract.to_string()),
        adapter: AdapterPlan::Generated(model::wire::WireVersion::V1),
        link: link.clone(),
        open: BTreeSet::new(),
    };
    let wire = |link: &LinkPlan| Wire { import: link.import.clone(), to: WireTo::Sender(sender(link)) };
    let member = |(actor, links): &(&str, Vec<LinkPlan>)| Member {
        actor: actor.parse().unwrap(),
        component: Digest::of(b"component"),
        wires: links.iter().map(wire).collect(),
        env: BTreeMap::new(),
        http: Vec::new(),
        network: Vec::new(),
        folders: Vec::new(),
        config: BTreeMap::new(),
    };
    let receiver = ReceiverPlan {
        label: "receive0".to_owned(),
        export: CONTRACT.to_owned(),
        via: Vec::new(),
        contract: contract(CONTRACT),
        adapter: AdapterPlan::Generated(model::wire::WireVersion::V1),
    };
    CompositePlan {
        members: members.iter().map(member).collect(),
        receivers: vec![receiver],
        http: Vec::new(),
        limits: Limits::default(),
        ready: None,
    }
}

/// Application `shop`: `cart` has a link to provider `stock` over the lattice, and to provider `till` inside the host.
pub fn shop() -> Blueprint {
    let links = vec![link("cart", provider("stock"), Reach::Lattice), link("cart", provider("till"), Reach::Host)];
    let plan = || ProviderPlan { kind: "test".to_owned(), config: BTreeMap::new(), external: None };
    Blueprint {
        generation: 1,
        application: "shop".parse().unwrap(),
        composites: [("cart".parse().unwrap(), composite(&[("cart", links)]))].into(),
        providers: [("stock".parse().unwrap(), plan()), ("till".parse().unwrap(), plan())].into(),
        routes: Vec::new(),
        clients: BTreeMap::new(),
        wire: model::wire::WireVersion::V1,
    }
}

pub fn hosts(names: &str) -> BTreeSet<HostName> {
    names.split_whitespace().map(|name| name.parse().unwrap()).collect()
}

/// `cart` and `stock` on these hosts, in this generation.
pub fn placement(generation: u64, cart: &str, stock: &str) -> Arc<AppPlacement> {
    Arc::new(AppPlacement {
        generation,
        version: 1,
        intent: Digest::of(b"intent"),
        before: None,
        share: None,
        refused: None,
        actors: [("cart".parse().unwrap(), hosts(cart))].into(),
        providers: [("stock".parse().unwrap(), hosts(stock))].into(),
    })
}

/// A call as a provider sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub payload: Vec<u8>,
    pub remaining: Duration,
}

type Answer = dyn Fn(Seen) -> BoxFuture<'static, Result<Vec<u8>, Failure>> + Send + Sync;

/// A provider made of a closure, which keeps what it saw.
pub struct Fake {
    answer: Mutex<Arc<Answer>>,
    pub seen: Mutex<Vec<Seen>>,
}

impl Fake {
    fn new(name: &str) -> Arc<Self> {
        let name = name.as_bytes().to_vec();
        let answer = move |_| -> BoxFuture<'static, _> { Box::pin(std::future::ready(Ok(name.clone()))) };
        Arc::new(Self { answer: Mutex::new(Arc::new(answer)), seen: Mutex::default() })
    }

    pub fn answers(&self, answer: Result<Vec<u8>, Failure>) {
        self.does(move |_| {
            let answer = answer.clone();
            async { answer }
        });
    }

    pub fn does<F>(&self, answer: impl Fn(Seen) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    {
        *self.answer.lock().unwrap() = Arc::new(move |seen| Box::pin(answer(seen)));
    }

    pub fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Provider for Fake {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        let remaining = call.deadline.saturating_duration_since(Instant::now());
        let seen = Seen { method: call.method.to_owned(), payload: call.payload.to_vec(), remaining };
        self.seen.lock().unwrap().push(seen.clone());
        let answer = self.answer.lock().unwrap().clone();
        answer(seen)
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// A host in this process.
pub struct Node {
    pub name: HostName,
    pub bus: Arc<MemoryBus>,
    pub health: Health,
    pub switchboard: Switchboard,
    /// The outbox of `cart`.
    pub cart: Arc<Outbox>,
    pub stock: Arc<Fake>,
    pub till: Arc<Fake>,
    pub stamp: Arc<Stamp>,
    pub knowledge: watch::Sender<Arc<Knowledge>>,
    pub server: Option<Server>,
}

/// The sequence of beats, of all hosts.
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

pub fn subjects() -> Subjects {
    Subjects::new(&"test".parse().unwrap())
}

/// A stamp that stays fresh longer than any test.
fn awake() -> Stamp {
    let stamp = Stamp::new(Instant::now(), true);
    freeze(&stamp);
    stamp.release(stamp.gaps());
    stamp
}

/// A gap, as the pulse would find it.
pub fn freeze(stamp: &Stamp) -> u64 {
    static HOURS: AtomicU64 = AtomicU64::new(1);
    let hours = HOURS.fetch_add(1, Ordering::Relaxed);
    stamp.beat(Instant::now() + Duration::from_secs(3_600 * hours)).unwrap().number
}

impl Node {
    pub async fn start(name: &str, bus: &MemoryBus) -> Self {
        let bus = Arc::new(bus.join());
        let host: HostName = name.parse().unwrap();
        let caller = Caller::start(bus.clone(), subjects(), host.clone(), Incarnation(1)).await.unwrap();
        let health = Health::seeded(host.clone(), 1);
        let stamp = Arc::new(awake());
        let outside = Outside::new(host.clone(), health.clone(), caller).guarded(stamp.clone());
        let switchboard = Switchboard::new(Some(outside));
        let (knowledge, known) = watch::channel(Arc::default());
        let requests = provider::contracts::handler().unwrap().name.clone();
        let trust = Trust::Agreement { knowledge: known, health: health.clone(), requests };
        let reception =
            Reception { host: host.clone(), switchboard: switchboard.clone(), trust, stamp: Some(stamp.clone()) };
        let server = Some(Server::start(bus.clone(), subjects(), reception).await.unwrap());
        let (stock, till) = (Fake::new(name), Fake::new(name));
        Self { name: host, bus, health, switchboard, cart: Arc::default(), stock, till, stamp, knowledge, server }
    }

    /// Takes up a placement of the shop: runs what it says, and knows it.
    pub fn take_up(&self, blueprint: &Arc<Blueprint>, placement: &Arc<AppPlacement>) {
        let mut targets = Targets::new(blueprint.clone());
        let placed = |name: &str| {
            let hosts = placement.providers.get(&name.parse().unwrap());
            hosts.is_none_or(|hosts| hosts.contains(&self.name))
        };
        for (name, fake) in [("stock", &self.stock), ("till", &self.till)] {
            if placed(name) {
                targets.providers.insert(name.parse().unwrap(), fake.clone());
            }
        }
        let app = &blueprint.application;
        let outboxes = [("cart".parse().unwrap(), self.cart.clone())].into();
        self.switchboard.place(app, Some(placement.clone()));
        self.switchboard.switch(app, Some(Running { version: 1, targets, outboxes, tried: None }));
        self.know(blueprint, placement);
    }

    pub fn know(&self, blueprint: &Arc<Blueprint>, placement: &Arc<AppPlacement>) {
        let known = Known::new(blueprint.clone(), placement.clone());
        let knowledge = [(blueprint.application.clone(), known)].into_iter().collect();
        self.knowledge.send_replace(Arc::new(knowledge));
    }

    /// Calls `stock`, the first link of `cart`, as `cart` does.
    pub async fn call(&self, method: &str) -> Result<String, Failure> {
        self.call_link(0, method, b"payload".to_vec(), context()).await
    }

    pub async fn call_link(
        &self,
        sender: usize,
        method: &str,
        payload: Vec<u8>,
        call: CallContext,
    ) -> Result<String, Failure> {
        let message = Outgoing { method: method.to_owned(), payload, contract: CONTRACT.to_owned(), link: None };
        let answer = self.cart.send(sender, message, &call).await;
        answer.map(|answer| String::from_utf8(answer).unwrap())
    }
}

/// A call that an actor makes.
pub fn context() -> CallContext {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    CallContext::new(id.into(), Instant::now() + AMPLE).at_depth(1)
}

/// Hosts `a`, `b` and `c`.
pub struct Lattice {
    pub nodes: Vec<Node>,
    pub blueprint: Arc<Blueprint>,
}

impl Lattice {
    /// The shop with `cart` on `a` and `stock` on these hosts, in generation 5; all have heard of all.
    pub async fn start(stock: &str) -> Self {
        Self::of(shop(), stock).await
    }

    pub async fn of(blueprint: Blueprint, stock: &str) -> Self {
        let bus = MemoryBus::new();
        let mut nodes = Vec::new();
        for name in ["a", "b", "c"] {
            nodes.push(Node::start(name, &bus).await);
        }
        let lattice = Self { nodes, blueprint: Arc::new(blueprint) };
        lattice.place(&placement(5, "a", stock));
        for node in &lattice.nodes {
            lattice.beat(node.name.as_str(), |_| ());
        }
        lattice
    }

    pub fn place(&self, placement: &Arc<AppPlacement>) {
        self.nodes.iter().for_each(|node| node.take_up(&self.blueprint, placement));
    }

    pub fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name.as_str() == name).unwrap()
    }

    pub fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name.as_str() == name).unwrap()
    }

    /// Every host hears a beat.
    pub fn beat(&self, host: &str, change: impl Fn(&mut Beat)) {
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let mut beat = Beat {
            host: host.parse().unwrap(),
            incarnation: Incarnation(1),
            sequence,
            running: 0,
            capacity: 100,
            phase: Phase::Open,
            generation: 5,
            not_ready: BTreeSet::new(),
        };
        change(&mut beat);
        self.nodes.iter().for_each(|node| node.health.beat(beat.clone()));
    }

    /// How many calls of `stock` came to each host.
    pub fn counts(&self) -> Vec<usize> {
        self.nodes.iter().map(|node| node.stock.calls()).collect()
    }

    /// Who answers many calls of `stock` from `a`.
    pub async fn answering(&self) -> String {
        let mut answers = BTreeSet::new();
        for _ in 0..32 {
            answers.insert(match self.node("a").call("take").await {
                Ok(answer) => answer,
                Err(failure) => format!("{:?} {}", failure.progress, failure.error.parts().0),
            });
        }
        answers.into_iter().collect::<Vec<_>>().join(" ")
    }
}

pub fn not_started() -> Result<Vec<u8>, Failure> {
    Err(Failure::not_started(RpcError::Transport("not now".to_owned())))
}

pub fn unknown() -> Result<Vec<u8>, Failure> {
    Err(Failure::unknown(RpcError::ActorHandler("it broke".to_owned())))
}
