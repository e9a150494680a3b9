//! Programs outside the lattice, which speak JSON: clients of an actor, and processes that serve a contract.

mod hostile;
mod junk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::{decode_params, decode_result, encode_params, encode_result};
use adapter::value::Value;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::ingress::Routed;
use host::limits::CLIENT_CALLS_MAX;
use host::outside::gateway::Gateway;
use host::outside::processes::Processes;
use lattice::bus::{Bus as _, Message, Subscription};
use lattice::call::{Call, answer};
use lattice::calls::{Handler, Server};
use lattice::memory::MemoryBus;
use lattice::process::{Announcement, Calls, ProcessCall};
use lattice::subject::{Subject, Token};
use model::blueprint::{Blueprint, ClientGrant, ProviderPlan, WireTo};
use model::contract::{Contract, ContractName};
use model::failure::{Failure, Progress, RpcError};
use model::ids::HostName;
use model::placement::AppPlacement;
use provider::contracts;

use crate::hosts::{AMPLE, CONTRACT, Lattice, Node, composite, context, freeze, hosts, placement, shop, subjects};

const WIT: &str = "package acme:stock@1.0.0;
interface api {
    take: func(item: string, count: u32) -> result<u32, string>;
    peek: func() -> list<string>;
}";

fn stock() -> Arc<Contract> {
    contracts::from_wit(WIT, "api", &[]).unwrap()
}

/// An actor on host `b` that takes as many as it is asked for.
struct Taker;

impl Handler for Taker {
    fn call<'a>(&'a self, _: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        let contract = stock();
        let function = &contract.functions[call.method.as_str()];
        assert_eq!(call.origin.to_string(), "@client/nightly");
        let answer = match decode_params(function, &call.payload).unwrap().as_slice() {
            [Value::String(item), _] if item == "none" => Value::err(Some(Value::String("sold out".to_owned()))),
            [Value::String(item), _] if item == "slow" => return Box::pin(std::future::pending()),
            [Value::String(_), count] => Value::ok(Some(count.clone())),
            _ => Value::List(vec![Value::String("tea".to_owned())]),
        };
        Box::pin(
            async move { Ok(encode_result(&stock().functions[call.method.as_str()], Some(&answer)).unwrap().into()) },
        )
    }
}

/// The shop whose actor `cart` answers the stock's contract, and lets `nightly` call it.
fn open_shop() -> Arc<Blueprint> {
    let mut cart = composite(&[("cart", Vec::new())]);
    cart.receivers[0].contract = stock();
    let contract = CONTRACT.parse().unwrap();
    let grant = ClientGrant { actor: "cart".parse().unwrap(), receiver: "receive0".to_owned(), contract };
    Arc::new(Blueprint {
        composites: [("cart".parse().unwrap(), cart)].into(),
        clients: [("nightly".parse().unwrap(), [grant].into())].into(),
        wire: model::wire::WireVersion::V1,
        ..shop()
    })
}

fn routed(blueprint: &Arc<Blueprint>) -> Routed {
    let placed =
        AppPlacement { actors: [("cart".parse().unwrap(), hosts("b"))].into(), ..(*placement(5, "", "")).clone() };
    Routed { blueprint: blueprint.clone(), deadline: AMPLE, placement: Some(Arc::new(placed)) }
}

struct Scene {
    lattice: Lattice,
    gateway: Gateway,
    client: MemoryBus,
    _server: Server,
}

/// Host `a` with a gateway, host `b` that answers, and a client.
async fn scene() -> Scene {
    let bus = MemoryBus::new();
    let server =
        Server::start(Arc::new(bus.join()), subjects(), "b".parse::<HostName>().unwrap(), Arc::new(Taker), 2048).await;
    let lattice = Lattice { nodes: vec![Node::start("a", &bus).await], blueprint: Arc::new(shop()) };
    lattice.beat("b", |_| ());
    let a = lattice.node("a");
    let gateway = Gateway::new(a.bus.clone(), subjects(), a.switchboard.clone(), Some(a.stamp.clone())).unwrap();
    gateway.serve(&[routed(&open_shop())]).await.unwrap();
    Scene { lattice, gateway, client: bus.join(), _server: server.unwrap() }
}

impl Scene {
    fn message(&self, actor: &str, client: &str, json: &str) -> Message {
        let (actor, client) = (actor.parse().unwrap(), client.parse().unwrap());
        Message::new(subjects().client_call(&"shop".parse().unwrap(), &actor, &client), json.to_owned())
    }

    async fn send(&self, message: Message, inbox: &str) -> Subscription {
        let inbox: Subject = inbox.parse().unwrap();
        let answers = self.client.subscribe(inbox.clone()).await.unwrap();
        self.client.publish(message.wanting(inbox)).unwrap();
        answers
    }

    /// What a request is answered with: its error's case, whether anything started, and the payload.
    async fn ask(&self, message: Message) -> String {
        let client = message.subject.as_str().rsplit('.').next().unwrap().to_owned();
        let answer = self.send(message, &format!("_INBOX.client.shop.{client}.1")).await.next().await.unwrap();
        if answer.no_responders {
            return "nobody".to_owned();
        }
        let text = String::from_utf8(answer.payload.to_vec()).unwrap();
        match (answer.headers.get("lath-error"), answer.headers.get("lath-progress")) {
            (Some(case), progress) => format!("{case} {}: {text}", progress.unwrap_or("unknown")),
            (None, _) => text,
        }
    }

    async fn call(&self, function: &'static str, json: &str) -> String {
        self.ask(self.message("cart", "nightly", json).with("lath-function", function)).await
    }
}

#[tokio::test]
async fn a_client_calls_an_actor_with_json() {
    let scene = scene().await;
    let by_name = r#"{"count": 3, "item": "tea"}"#;
    for function in ["take", "api.take", "acme:stock/api#take", "acme:stock/api@1.0.0#take"] {
        assert_eq!(scene.call(function, by_name).await, r#"{"ok":3}"#, "{function}");
    }
    assert_eq!(scene.call("take", r#"["tea", 4]"#).await, r#"{"ok":4}"#);
    assert_eq!(scene.call("take", r#"["none", 4]"#).await, r#"{"err":"sold out"}"#, "the function's own error");
    assert_eq!(scene.call("peek", "").await, r#"["tea"]"#);
}

#[tokio::test]
async fn what_a_client_does_wrong_is_told() {
    let scene = scene().await;
    let mut told = Vec::new();
    for json in [r#"{"item": "tea"}"#, r#"{"item": "tea", "count": "3"}"#, "{", r#"["tea", 3, 4]"#, r#"["tea", -1]"#] {
        told.push(format!("{json}\n--> {}", scene.call("take", json).await));
    }
    told.push(format!("no such function\n--> {}", scene.call("give", "{}").await));
    let message = scene.message("cart", "nightly", "{}");
    told.push(format!("no header\n--> {}", scene.ask(message).await));
    for (header, value) in [("lath-deadline", "soon"), ("traceparent", "00-1")] {
        let message = scene.message("cart", "nightly", "[\"tea\", 3]").with("lath-function", "take");
        told.push(format!("{header}: {value}\n--> {}", scene.ask(message.with(header, value)).await));
    }
    for (actor, client) in [("cart", "daily"), ("till", "nightly")] {
        let message = scene.message(actor, client, "{}").with("lath-function", "take");
        told.push(format!("{client} calls {actor}\n--> {}", scene.ask(message).await));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}

#[tokio::test]
async fn a_client_waits_no_longer_than_it_says() {
    let scene = scene().await;
    let message = scene.message("cart", "nightly", r#"["slow", 1]"#).with("lath-function", "take");
    let told = scene.ask(message.with("lath-deadline", "50")).await;
    assert!(told.starts_with("deadline-exceeded unknown"), "{told}");
}

#[tokio::test]
async fn an_answer_goes_to_an_inbox_and_nowhere_else() {
    let scene = scene().await;
    let message = scene.message("cart", "nightly", "[\"tea\", 3]").with("lath-function", "take");
    // What a host may publish on and a client may not; another client's inbox.
    for inbox in ["lath.test.beat.a", "_INBOX.client.shop.daily.1", "_INBOX.client.shop.nightly-2.1"] {
        let mut answers = scene.send(message.clone(), inbox).await;
        assert_eq!(scene.call("peek", "").await, r#"["tea"]"#);
        assert!(tokio::time::timeout(Duration::from_millis(20), answers.next()).await.is_err(), "{inbox}");
    }
}

#[tokio::test]
async fn clients_are_refused_while_the_host_is_not_awake_and_not_heard_when_nothing_is_granted() {
    let scene = scene().await;
    freeze(&scene.lattice.node("a").stamp);
    let told = scene.call("peek", "").await;
    assert!(told.starts_with("transport not-started"), "{told}");
    scene.gateway.serve(&[]).await.unwrap();
    // Until the subscription is closed, what still comes is refused.
    let nobody = async {
        loop {
            match scene.call("peek", "").await.as_str() {
                "nobody" => break,
                told => assert!(told.starts_with("transport not-started"), "{told}"),
            }
        }
    };
    tokio::time::timeout(AMPLE, nobody).await.unwrap();
}

#[tokio::test]
async fn clients_beyond_the_bound_are_refused() {
    let scene = scene().await;
    let slow = || scene.message("cart", "nightly", r#"["slow", 1]"#).with("lath-function", "take");
    let mut waiting = Vec::new();
    for number in 0..CLIENT_CALLS_MAX {
        waiting.push(scene.send(slow(), &format!("_INBOX.client.shop.nightly.slow-{number}")).await);
    }
    let told = scene.call("peek", "").await;
    assert!(told.starts_with("host-error not-started: the host already serves 1024"), "{told}");
}

/// The shop whose `stock` is a process of its own.
fn external_shop() -> Blueprint {
    let mut blueprint = shop();
    let plan = ProviderPlan {
        kind: "external".to_owned(),
        config: [].into(),
        external: Some([CONTRACT.parse::<ContractName>().unwrap()].into()),
    };
    blueprint.providers.insert("stock".parse().unwrap(), plan);
    let cart = blueprint.composites.get_mut(&"cart".parse().unwrap()).unwrap();
    if let WireTo::Sender(sender) = &mut cart.members[0].wires[0].to {
        sender.contract = stock();
    }
    blueprint
}

/// A process that serves `stock` in a wire, and what it does with a call.
struct Outsider {
    bus: MemoryBus,
    calls: Subscription,
    instance: Token,
    wire: &'static str,
}

impl Outsider {
    async fn start(bus: &MemoryBus, instance: &str, wire: &'static str) -> Self {
        let (bus, instance): (_, Token) = (bus.join(), instance.parse().unwrap());
        let (app, provider) = ("shop".parse().unwrap(), "stock".parse().unwrap());
        let calls = bus.subscribe(subjects().provider_calls(&app, &provider, &instance)).await.unwrap();
        Self { bus, calls, instance, wire }
    }

    fn announcement(&self, leaving: bool) -> Message {
        let contracts = vec![CONTRACT.parse().unwrap()];
        let announcement = Announcement { contracts, wire: self.wire.parse().unwrap(), calls: Calls::Headers, leaving };
        let (app, provider) = ("shop".parse().unwrap(), "stock".parse().unwrap());
        announcement.to_message(subjects().provider_beat(&app, &provider, &self.instance))
    }

    /// Answers one call so.
    async fn answer(&mut self, with: Result<&str, Failure>) -> ProcessCall {
        let message = self.calls.next().await.unwrap();
        let call = ProcessCall::from_message(&message, Instant::now()).unwrap();
        let with = with.map(|text| Bytes::copy_from_slice(text.as_bytes()));
        self.bus.publish(answer(message.reply.unwrap(), with)).unwrap();
        call
    }
}

async fn external() -> (Lattice, MemoryBus, Processes) {
    let bus = MemoryBus::new();
    let lattice = Lattice { nodes: vec![Node::start("a", &bus).await], blueprint: Arc::new(external_shop()) };
    lattice.place(&placement(5, "a", ""));
    let processes = lattice.node("a").switchboard.outside().unwrap().processes.clone();
    (lattice, bus, processes)
}

fn params(item: &str, count: u32) -> Vec<u8> {
    let values = [Value::String(item.to_owned()), Value::U32(count)];
    encode_params(&stock().functions["take"], &values).unwrap()
}

/// `cart` on host `a` calls `take` of its stock.
async fn take(lattice: &Lattice) -> Result<Value, Failure> {
    take_within(lattice, AMPLE).await
}

async fn take_within(lattice: &Lattice, time: Duration) -> Result<Value, Failure> {
    use engine::{Outbound as _, Outgoing};
    let message =
        Outgoing { method: "take".to_owned(), payload: params("tea", 3), contract: CONTRACT.to_owned(), link: None };
    let context = context().within(Instant::now() + time);
    let answer = lattice.node("a").cart.send(0, message, &context).await?;
    Ok(decode_result(&stock().functions["take"], &answer).unwrap().unwrap())
}

#[tokio::test]
async fn a_process_serves_a_contract_with_json() {
    let (lattice, bus, processes) = external().await;
    let failure = take(&lattice).await.unwrap_err();
    assert!(failure.to_string().contains("no process of provider shop/stock"), "{failure}");
    assert_eq!(failure.progress, Progress::NotStarted);
    let mut outsider = Outsider::start(&bus, "one", "json").await;
    processes.hear(&outsider.announcement(false), Instant::now());
    let (answer, call) = tokio::join!(take(&lattice), outsider.answer(Ok(r#"{"ok": 2}"#)));
    assert_eq!(answer, Ok(Value::ok(Some(Value::U32(2)))));
    assert_eq!(std::str::from_utf8(&call.payload).unwrap(), r#"{"item":"tea","count":3}"#);
    assert_eq!((call.method.as_str(), call.caller.as_str(), call.depth), ("take", "shop/cart", 1));
    let (wrong, _) = tokio::join!(take(&lattice), outsider.answer(Ok(r#"{"ok": "two"}"#)));
    let wrong = wrong.unwrap_err();
    assert_eq!((wrong.error.parts().0, wrong.progress), ("deser", Progress::Unknown));
    assert!(wrong.to_string().contains("`take: func(item: string, count: u32) -> result<u32, string>`"), "{wrong}");
    processes.hear(&outsider.announcement(true), Instant::now());
    assert_eq!(take(&lattice).await.unwrap_err().progress, Progress::NotStarted, "it has left");
}

#[tokio::test]
async fn a_process_that_speaks_values_gets_them_as_they_are() {
    let (lattice, bus, processes) = external().await;
    let mut outsider = Outsider::start(&bus, "one", "lath/1").await;
    processes.hear(&outsider.announcement(false), Instant::now());
    let (answer, call) = tokio::join!(take(&lattice), outsider.answer(Ok("\0\u{7}")));
    assert_eq!(answer, Ok(Value::ok(Some(Value::U32(7)))));
    assert_eq!(call.payload, params("tea", 3));
    let other = Outsider::start(&bus, "one", "other/1").await;
    processes.hear(&other.announcement(false), Instant::now());
    let failure = take(&lattice).await.unwrap_err();
    assert!(failure.to_string().contains("speaks `other/1`, its caller `lath/1`"), "{failure}");
}

#[tokio::test]
async fn a_call_goes_to_another_process_where_nothing_started() {
    let (lattice, bus, processes) = external().await;
    let (mut one, mut two) = (Outsider::start(&bus, "one", "json").await, Outsider::start(&bus, "two", "json").await);
    for outsider in [&one, &two] {
        processes.hear(&outsider.announcement(false), Instant::now());
    }
    let refuse = || Err(Failure::not_started(RpcError::HostError("not now".to_owned())));
    let refused = async {
        tokio::select! {
            _ = one.answer(refuse()) => drop(two.answer(Ok(r#"{"ok": 1}"#)).await),
            _ = two.answer(refuse()) => drop(one.answer(Ok(r#"{"ok": 1}"#)).await),
        }
    };
    let (answer, ()) = tokio::join!(take(&lattice), refused);
    assert_eq!(answer, Ok(Value::ok(Some(Value::U32(1)))));
}

#[tokio::test]
async fn a_process_that_is_silent_or_gone_is_passed_over() {
    let (lattice, bus, processes) = external().await;
    let start = Instant::now();
    let (gone, mut here) = (Outsider::start(&bus, "gone", "json").await, Outsider::start(&bus, "here", "json").await);
    processes.hear(&gone.announcement(false), start);
    drop(gone);
    processes.hear(&here.announcement(false), start);
    let (app, provider) = ("shop".parse().unwrap(), "stock".parse().unwrap());
    assert_eq!(processes.count(&app, &provider, start), 2);
    for _ in 0..8 {
        // Nobody answers for the one that is gone: the other is tried.
        let (answer, _) = tokio::join!(take(&lattice), here.answer(Ok(r#"{"ok": 1}"#)));
        assert!(answer.is_ok(), "{answer:?}");
    }
    let later = start + Duration::from_secs(3);
    assert_eq!(processes.count(&app, &provider, later), 0);
    processes.hear(&here.announcement(false), later);
    assert_eq!(processes.count(&app, &provider, later), 1);
}
