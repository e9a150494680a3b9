//! A provider as a process of its own, called as hosts call it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use bytes::Bytes;
use futures_util::FutureExt as _;
use lattice::bus::{Bus, Message};
use lattice::call::{Answer, Incarnation};
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use lattice::process::{Announcement, ProcessCall};
use lattice::subject::{Subject, Subjects, Token};
use model::failure::{Failure, Progress, RpcError};
use provider::contracts;
use provider::limits::PROCESS_CALLS_MAX;
use provider::process::{Process, ProcessSettings};
use provider::service::{Backend, Service};
use tokio::sync::Semaphore;

/// Holds calls for the key `held` until it is given permits.
struct Gate(Semaphore);
impl Backend for Gate {}

fn service(gate: &Arc<Gate>) -> Service<Gate> {
    Service::build(contracts::counter().unwrap(), gate.clone())
        .function("increment", async |gate: Arc<Gate>, (key, value): (String, i32), _| {
            if key == "held" {
                gate.0.acquire().await.unwrap().forget();
            }
            Ok(if key == "bad" { Err(RpcError::Other("bad".to_owned())) } else { Ok(value + 1) })
        })
        .finish()
        .unwrap()
}

struct Scene {
    bus: Arc<MemoryBus>,
    subjects: Subjects,
    caller: Caller,
    gate: Arc<Gate>,
}

impl Scene {
    async fn new() -> Self {
        let (bus, subjects) = (Arc::new(MemoryBus::new()), Subjects::new(&"test".parse().unwrap()));
        let host = "here".parse().unwrap();
        let caller = Caller::start(bus.clone(), subjects.clone(), host, Incarnation(1)).await.unwrap();
        Self { bus, subjects, caller, gate: Arc::new(Gate(Semaphore::new(0))) }
    }

    async fn process(&self, instance: &str) -> Process {
        let settings = ProcessSettings {
            application: "shop".parse().unwrap(),
            provider: "rates".parse().unwrap(),
            instance: instance.parse().unwrap(),
        };
        Process::start(service(&self.gate), &settings, self.bus.clone(), self.subjects.clone()).await.unwrap()
    }

    fn subject(&self, instance: &str) -> Subject {
        let instance: Token = instance.parse().unwrap();
        let (app, provider) = ("shop".parse().unwrap(), "rates".parse().unwrap());
        self.subjects.provider_call(&app, &provider, &instance, &"here".parse().unwrap())
    }

    fn message(&self, instance: &str, change: impl FnOnce(&mut ProcessCall)) -> Message {
        let mut call = call("a", 41);
        change(&mut call);
        call.to_message(self.subject(instance), Instant::now())
    }

    async fn ask(&self, message: Message) -> Result<Bytes, Failure> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let callee = "shop_rates".parse().unwrap();
        let answer = self.caller.request(message, &callee, deadline).await?;
        match Answer::from_message(&answer).unwrap() {
            Answer::Whole(result) => result,
            Answer::Chunks(_) => panic!("an answer in chunks"),
        }
    }
}

fn call(key: &str, value: i32) -> ProcessCall {
    let contract = contracts::counter().unwrap();
    let params = [Value::String(key.to_owned()), Value::S32(value)];
    ProcessCall {
        contract: contract.name.clone(),
        method: "increment".parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: Instant::now() + Duration::from_secs(30),
        caller: "shop/cart".parse().unwrap(),
        chain: 7,
        depth: 1,
        trace: None,
        payload: encode_params(&contract.functions["increment"], &params).unwrap().into(),
    }
}

fn decoded(bytes: &[u8]) -> Value {
    decode_result(&contracts::counter().unwrap().functions["increment"], bytes).unwrap().unwrap()
}

#[tokio::test]
async fn calls_are_answered_from_several_processes() {
    let scene = Scene::new().await;
    let processes = [scene.process("one").await, scene.process("two").await];
    for instance in ["one", "two"] {
        let answer = scene.ask(scene.message(instance, |_| {})).await.unwrap();
        assert_eq!(decoded(&answer), Value::ok(Some(Value::S32(42))));
    }
    assert_eq!(processes.each_ref().map(Process::answered), [1, 1]);
    for process in processes {
        assert_eq!(process.drain(Instant::now() + Duration::from_secs(30)).await, 0);
    }
    let failure = scene.ask(scene.message("one", |_| {})).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("transport", Progress::NotStarted), "nobody is there");
}

#[tokio::test]
async fn what_is_no_call_of_the_contract_is_refused() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    type Change = fn(&mut ProcessCall);
    let rows: [(Change, &str); 5] = [
        (|call| call.contract = "lath:other/counter@0.1.0".parse().unwrap(), "invalid-parameter"),
        (|call| call.wire = "json".parse().unwrap(), "deser"),
        (|call| call.method = "decrement".parse().unwrap(), "method-not-handled"),
        (|call| call.payload = Bytes::from_static(&[0xff; 9]), "deser"),
        (|call| call.depth = 64, "host-error"),
    ];
    for (change, case) in rows {
        let failure = scene.ask(scene.message("one", change)).await.unwrap_err();
        assert_eq!(failure.error.parts().0, case, "{failure}");
    }
    let bare = Message::new(scene.subject("one"), "{}");
    let failure = scene.ask(bare).await.unwrap_err();
    assert!(failure.to_string().contains("header `lath-deadline` is missing"), "{failure}");
}

#[tokio::test]
async fn an_answer_goes_to_the_calling_host_alone() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let mut other = scene.bus.subscribe("lath.test.re.other.*.*".parse().unwrap()).await.unwrap();
    for reply in ["lath.test.re.other.shop_rates.1-1", "lath.test.re.here.other.1-1", "elsewhere"] {
        scene.bus.publish(scene.message("one", |_| {}).wanting(reply.parse().unwrap())).unwrap();
    }
    scene.ask(scene.message("one", |_| {})).await.unwrap();
    assert_eq!(process.answered(), 1);
    let nothing = tokio::time::timeout(Duration::from_millis(20), other.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn draining_finishes_what_runs_and_says_so() {
    let scene = Scene::new().await;
    let mut beats = scene.bus.subscribe(scene.subjects.provider_beats()).await.unwrap();
    let process = scene.process("one").await;
    let first = Announcement::from_message(&beats.next().await.unwrap()).unwrap();
    assert_eq!((first.wire.as_str(), first.leaving), ("lath/1", false));
    assert!(first.serves(&"lath:keyvalue/counter@0.1.0".parse().unwrap()));
    let held = scene.ask(scene.message("one", |it| it.payload = call("held", 1).payload));
    let drained = async {
        while scene.caller.stats().pending == 0 {
            tokio::task::yield_now().await;
        }
        let drained = tokio::spawn(process.drain(Instant::now() + Duration::from_secs(30)));
        while !Announcement::from_message(&beats.next().await.unwrap()).unwrap().leaving {}
        scene.gate.0.add_permits(1);
        drained.await.unwrap()
    };
    let (answer, left) = tokio::join!(held, drained);
    assert_eq!((decoded(&answer.unwrap()), left), (Value::ok(Some(Value::S32(2))), 0));
}

#[tokio::test]
async fn calls_beyond_the_bound_are_refused() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    let held = |_: usize| scene.ask(scene.message("one", |it| it.payload = call("held", 1).payload));
    let mut waiting: Vec<_> = (0..PROCESS_CALLS_MAX).map(|at| Box::pin(held(at))).collect();
    for call in &mut waiting {
        assert!(call.now_or_never().is_none());
    }
    let failure = scene.ask(scene.message("one", |_| {})).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("host-error", Progress::NotStarted));
    scene.gate.0.add_permits(PROCESS_CALLS_MAX);
    for call in waiting {
        call.await.unwrap();
    }
}
