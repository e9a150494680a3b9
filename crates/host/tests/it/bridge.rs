//! `wasi:keyvalue` with a provider on another host: what a component does travels as plain values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use adapter::text::{self, Notation};
use adapter::value::Value;
use bytes::Bytes;
use engine::keyvalue::{Answer, Answering, Operation};
use host::node::NodeSettings;
use lattice::bus::{Bus as _, Message};
use lattice::call::{Call, Incarnation};
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::contract::Contract;
use provider::keyvalue::plain::{Question, Stores, service};
use provider::process::{Process, ProcessSettings};
use provider::service::Backend;
use testkit::application::guest;
use testkit::caller::{contract, word};
use testkit::lattice::{AMPLE, Lattice};

use crate::keyvalue::{APP, outcome, rows};
use crate::scene::{assert_get, start};

/// The actor on hosts of tier `web`, with a link to provider `kv`.
fn app(place: &str, link: &str, provider: &str) -> String {
    format!(
        "[application]\nname = \"test\"\ndeadline = \"50s\"\n[actors.app]\ncomponent = \"{APP}\"\nplace = {place}\n\
         limits = {{ execution = \"60s\" }}\nlinks.\"wasi:keyvalue\" = {link}\n[[routes]]\npath = \"/*\"\nto = \"app\"\n\
         [clients.probe]\nmay = [\"app/test:keyvalue/probe\"]\n[providers]\nkv = {provider}\n"
    )
}

const WEB: &str = "{ on = { tier = \"web\" } }";
const FAR: &str = "{ to = \"kv\", reach = \"lattice\", deadline = \"40s\" }";
const EMBEDDED: &str = "{ use = \"keyvalue/embedded\" }";

fn web(settings: &mut NodeSettings) {
    settings.labels = [("tier".parse().unwrap(), "web".parse().unwrap())].into();
}

/// Host `back` has the provider, since it came first; the actor waits for host `web`.
async fn apart(link: &str) -> Lattice {
    let mut lattice = Lattice::new();
    lattice.join("back", |_| {}).await.unwrap();
    lattice.up_text(&app(WEB, link, EMBEDDED)).await.unwrap();
    lattice.until("the provider runs", |lattice| provides(lattice, "back")).await.unwrap();
    lattice.join("web", web).await.unwrap();
    lattice.until("the actor runs", |lattice| lattice.host("web").unwrap().runs("test")).await.unwrap();
    assert!(!provides(&lattice, "web") && !lattice.host("back").unwrap().runs("test"));
    lattice
}

fn provides(lattice: &Lattice, host: &str) -> bool {
    let status = lattice.host(host).unwrap().node.status();
    status.borrow().apps.values().any(|app| !app.providers.is_empty())
}

/// A program outside that calls the actor's functions.
struct Probe {
    bus: MemoryBus,
    contract: Contract,
    asked: AtomicU64,
}

impl Probe {
    fn new(lattice: &Lattice) -> Self {
        let contract = contract(&guest("wasm32-wasip2", "keyvalue_app"), "probe").unwrap();
        Self { bus: lattice.bus(), contract, asked: AtomicU64::new(0) }
    }

    /// What the actor answers, as soon as some host takes the call.
    async fn call(&self, name: &str, params: &[Value]) -> String {
        let give_up = Instant::now() + AMPLE;
        loop {
            let answer = self.ask(name, params).await;
            let started = !answer.no_responders && answer.headers.get("lath-progress") != Some("not-started");
            if started || Instant::now() > give_up {
                return self.told(name, &answer);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, name: &str, params: &[Value]) -> Message {
        let json = text::params_to(Notation::Json, &self.contract.functions[name], params).unwrap();
        let subject = Subjects::new(&word("test")).client_call(&word("test"), &word("app"), &word("probe"));
        let inbox = format!("_INBOX.client.test.probe.{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let mut answers = self.bus.subscribe(inbox.parse().unwrap()).await.unwrap();
        let message = Message::new(subject, json).with("lath-function", name.to_owned());
        self.bus.publish(message.wanting(inbox.parse().unwrap())).unwrap();
        tokio::time::timeout(AMPLE, answers.next()).await.unwrap().unwrap()
    }

    fn told(&self, name: &str, answer: &Message) -> String {
        let text = String::from_utf8(answer.payload.to_vec()).unwrap();
        match answer.headers.get("lath-error") {
            Some(case) => format!("{case}: {text}"),
            None => outcome(Ok(text::result_from_json(&self.contract.functions[name], &text).unwrap())),
        }
    }

    /// The outcome once the provider's host is heard of: what is told before did not reach it.
    async fn settled(&self, name: &str, params: &[Value]) -> String {
        let give_up = Instant::now() + AMPLE;
        loop {
            let found = self.call(name, params).await;
            if !found.starts_with("err \"other: no host that has") || Instant::now() > give_up {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The outcome once it begins like that.
    async fn until(&self, name: &str, params: &[Value], start: &str) -> String {
        let give_up = Instant::now() + AMPLE;
        loop {
            let found = self.call(name, params).await;
            if found.starts_with(start) || Instant::now() > give_up {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The body of an answer of this host, once it has heard of the provider's.
async fn body(lattice: &Lattice, host: &str, path: &str) -> String {
    let give_up = Instant::now() + AMPLE;
    loop {
        let body = lattice.answer(host, path).await.unwrap().body;
        if !body.contains("no host that has") || Instant::now() > give_up {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn key(store: &str, key: &str) -> [Value; 2] {
    [string(store), string(key)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_finds_a_store_on_another_host_as_one_beside_it() {
    let lattice = apart(FAR).await;
    let probe = Probe::new(&lattice);
    assert_eq!(probe.until("get", &key("", "a"), "ok").await, "ok none");
    for (step, (function, params, expected)) in rows().into_iter().enumerate() {
        assert_eq!(probe.settled(function, &params).await, expected, "step {step}: {function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_replicas_share_one_embedded_store() {
    let lattice = Lattice::of(&["a", "b", "c"]).await.unwrap();
    let version = lattice.up_text(&app("{ replicas = 3 }", FAR, EMBEDDED)).await.unwrap();
    lattice.running("test", version, 3).await.unwrap();
    let homes: Vec<_> = ["a", "b", "c"].into_iter().filter(|host| provides(&lattice, host)).collect();
    assert_eq!(homes.len(), 1, "{homes:?}");
    for (count, host) in (1..=6).zip(["a", "b", "c", "a", "b", "c"]) {
        assert_eq!(body(&lattice, host, "/default/k").await, count.to_string(), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_host_is_gone_fails_in_words_and_comes_back() {
    let mut lattice = apart("{ to = \"kv\", reach = \"lattice\", deadline = \"3s\" }").await;
    let probe = Probe::new(&lattice);
    assert_eq!(probe.until("set", &[string(""), string("k"), Value::Bytes(b"kept".to_vec())], "ok").await, "ok");
    let data = lattice.crash("back").unwrap();
    let gone = probe.until("get", &key("", "k"), "err \"other: no host that has").await;
    assert!(gone.contains("test/kv answers now; see the status of its hosts, or call again"), "{gone}");
    // A change fails as well, and is not made twice.
    let gone = probe.call("increment", &[string(""), string("n"), Value::S64(1)]).await;
    assert!(gone.starts_with("err \"other: "), "{gone}");
    lattice.join_with("back", data, |_| {}).await.unwrap();
    assert_eq!(probe.until("get", &key("", "k"), "ok").await, "ok some \"kept\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_name_that_the_link_does_not_open_goes_nowhere() {
    let lattice = apart("{ to = \"kv\", reach = \"lattice\", open = { carts = \"kv\" } }").await;
    let probe = Probe::new(&lattice);
    assert_eq!(probe.until("get", &key("carts", "a"), "ok").await, "ok none");
    assert_eq!(probe.call("get", &key("sessions", "a")).await, "err \"no-such-store\"");
    assert_eq!(probe.call("set", &[string("carts"), string("a"), Value::Bytes(b"1".to_vec())]).await, "ok");
    assert_eq!(probe.call("get", &key("", "a")).await, "ok none");
}

/// Calls as a host that has been taken over sends them. Its last life is over by that.
async fn forger(lattice: &Lattice, host: &str) -> Caller {
    let subjects = Subjects::new(&word("test"));
    Caller::start(Arc::new(lattice.bus()), subjects, word(host), Incarnation(u64::MAX)).await.unwrap()
}

/// A call in the name of the actor, whatever that opens.
async fn forged(caller: &Caller, store: &str, operation: Operation) -> String {
    let question = Question::of(store, operation).unwrap().remove(0);
    let call = Call {
        target: word("test/kv"),
        origin: word("test/app"),
        link: Some(word("wasi:keyvalue/store@0.2.0-draft2")),
        contract: word("lath:keyvalue/store@0.1.0"),
        method: word(question.method),
        wire: word("lath/1"),
        deadline: Instant::now() + AMPLE,
        chain: 7,
        depth: 1,
        generation: 0,
        trace: None,
        payload: question.payload.clone().into(),
    };
    match caller.call(&word("back"), call).await {
        Ok(answer) => format!("{:?}", question.answer(&answer)),
        Err(failure) => failure.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_call_gets_no_more_than_the_link_of_its_host() {
    let lattice = apart("{ to = \"kv\", reach = \"lattice\", open = { carts = \"kv\" } }").await;
    let probe = Probe::new(&lattice);
    let set = [string("carts"), string("k"), Value::Bytes(b"1".to_vec())];
    assert_eq!(probe.until("set", &set, "ok").await, "ok");
    let read = || Operation::Read(vec!["k".to_owned()]);
    let write = || Operation::Write(vec![("k".to_owned(), None)]);
    let (web, edge) = (forger(&lattice, "web").await, forger(&lattice, "edge").await);
    assert!(forged(&web, "carts", read()).await.contains("Values([Some("));
    for store in ["sessions", "secrets", "default2", "carts\0k"] {
        for operation in [read(), write(), Operation::List { cursor: None }] {
            assert_eq!(forged(&web, store, operation).await, "Err(NoSuchStore)", "{store:?}");
        }
    }
    // A host that does not run the actor has nothing of its link.
    let denied = forged(&edge, "carts", write()).await;
    assert!(denied.contains("the caller is not placed on that host"), "{denied}");
    assert!(forged(&web, "carts", read()).await.contains("Values([Some("));
}

const PLAIN: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/plain_app.wasm";

/// What the contract's own actor answers: to the default store, to one that is opened, to one that is not.
const PLAIN_ROWS: [(&str, &str); 5] = [
    ("/default/k", "1 1"),
    ("/default/k", "2 2"),
    ("/carts/k", "1 1"),
    ("//k", "3 3"),
    ("/other/k", "Error::NoSuchStore"),
];

fn plain(place: &str, reach: &str) -> String {
    app(place, &format!("{{ to = \"kv\", reach = \"{reach}\", open = {{ carts = \"kv\" }} }}"), EMBEDDED)
        .replace(APP, PLAIN)
        .replace("links.\"wasi:keyvalue\"", "links.\"lath:keyvalue/store\"")
        .replace("[clients.probe]\nmay = [\"app/test:keyvalue/probe\"]\n", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_speaks_the_contract_itself() {
    for reach in ["host", "lattice"] {
        let running = start(&plain("{}", reach)).await;
        for (path, body) in PLAIN_ROWS {
            assert_get(&running, path, 200, body).await;
        }
        running.host.drain().await.unwrap();
    }
    let lattice = Lattice::of(&["a", "b"]).await.unwrap();
    let version = lattice.up_text(&plain("{ replicas = 2 }", "lattice")).await.unwrap();
    lattice.running("test", version, 2).await.unwrap();
    for ((path, expected), host) in PLAIN_ROWS.into_iter().zip(["a", "b", "b", "a", "b"]) {
        assert_eq!(body(&lattice, host, path).await, expected, "{host} {path}");
    }
}

/// A store of values that nobody wrote, in a process of its own; or one that fails whatever it is asked.
struct Constant {
    fails: bool,
}

impl Backend for Constant {}

impl Stores for Constant {
    fn run<'a>(&'a self, store: &'a str, operation: Operation, _: Instant) -> Answering<'a> {
        assert!(!self.fails, "as it must");
        let answer = match operation {
            Operation::Read(keys) => {
                let value = |key: String| Some(Bytes::from(format!("{key} of {store}")));
                Answer::Values(keys.into_iter().map(value).collect())
            }
            Operation::Exists(_) => Answer::Exists(true),
            Operation::List { .. } => Answer::Page(Default::default()),
            Operation::Write(_) => Answer::Done,
            Operation::Add { delta, .. } => Answer::Number(delta),
            Operation::Swap { .. } => Answer::Swapped(true),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

async fn serve(lattice: &Lattice, instance: &str, fails: bool) -> Process {
    let settings = ProcessSettings { application: word("test"), provider: word("kv"), instance: word(instance) };
    let stores = service(Arc::new(Constant { fails })).unwrap();
    Process::start(stores, &settings, Arc::new(lattice.bus()), Subjects::new(&word("test"))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_tried_again_elsewhere_and_a_change_is_not() {
    let mut lattice = Lattice::new();
    lattice.join("web", web).await.unwrap();
    let external = "{ use = \"external\", contract = \"lath:keyvalue/store\" }";
    lattice.up_text(&app(WEB, FAR, external)).await.unwrap();
    let probe = Probe::new(&lattice);
    let (_good, _bad) = (serve(&lattice, "good", false).await, serve(&lattice, "bad", true).await);
    let set = [string(""), string("k"), Value::Bytes(b"1".to_vec())];
    let failed = probe.until("set", &set, "err \"other: ").await;
    assert!(failed.contains("the provider's function panicked"), "{failed}");
    for _ in 0..8 {
        assert_eq!(probe.call("get", &key("", "a")).await, "ok some \"a of default\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_its_own_has_the_stores() {
    let mut lattice = Lattice::new();
    lattice.join("web", web).await.unwrap();
    let link = "{ to = \"kv\", reach = \"lattice\", open = { carts = \"kv\" } }";
    let external = "{ use = \"external\", contract = \"lath:keyvalue/store\" }";
    lattice.up_text(&app(WEB, link, external)).await.unwrap();
    let probe = Probe::new(&lattice);
    let nobody = probe.call("get", &key("", "a")).await;
    assert!(nobody.starts_with("err \"other: no process of provider test/kv"), "{nobody}");
    assert!(nobody.contains("was heard of late; start one"), "{nobody}");
    let process = serve(&lattice, "one", false).await;
    assert_eq!(probe.until("get", &key("", "a"), "ok").await, "ok some \"a of default\"");
    assert_eq!(probe.call("get", &key("carts", "b")).await, "ok some \"b of carts\"");
    assert_eq!(probe.call("get", &key("other", "b")).await, "err \"no-such-store\"");
    assert_eq!(probe.call("set-large", &[string(""), string("l"), Value::U32(1_000_000)]).await, "ok");
    process.drain(Instant::now() + AMPLE).await;
}
