//! A provider as a process of its own, called as hosts call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use lattice::bus::{Bus, BusError, Message, Subscription};
use lattice::call::{Answer, Call, CallId, Incarnation, Origin};
use lattice::calls::{Callee, Caller, Heard};
use lattice::limits::GAP_MAX;
use lattice::memory::MemoryBus;
use lattice::process::{Announcement, Calls};
use lattice::subject::{Subject, Subjects, Token};
use model::failure::{Failure, Progress, RpcError};
use provider::contracts;
use provider::limits::{FAREWELL_TIME_MAX, PROCESS_CALLS_MAX};
use provider::process::{Process, ProcessSettings};
use provider::service::{Backend, Service};
use tokio::sync::{Semaphore, watch};

const AMPLE: Duration = Duration::from_secs(60);

/// Holds calls for the key `held` until it is given permits, and counts.
struct Gate {
    permits: Semaphore,
    begun: AtomicUsize,
    ended: AtomicUsize,
    drained: AtomicBool,
    /// It never lets go of what it holds.
    stays: AtomicBool,
}

impl Backend for Gate {
    fn drain(&self) -> BoxFuture<'_, ()> {
        self.drained.store(true, Ordering::SeqCst);
        if self.stays.load(Ordering::SeqCst) {
            Box::pin(std::future::pending())
        } else {
            Box::pin(std::future::ready(()))
        }
    }
}

impl Gate {
    fn new() -> Arc<Self> {
        let (begun, ended, drained, stays) = Default::default();
        Arc::new(Self { permits: Semaphore::new(0), begun, ended, drained, stays })
    }

    fn open(&self, calls: usize) {
        self.permits.add_permits(calls);
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Counts the end of a call, however it comes.
struct Ended(Arc<Gate>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

fn service(gate: &Arc<Gate>) -> Service<Gate> {
    Service::build(contracts::counter().unwrap(), gate.clone())
        .function("increment", async |gate: Arc<Gate>, (key, value): (String, i32), _| {
            gate.begun.fetch_add(1, Ordering::SeqCst);
            let _ended = Ended(gate.clone());
            match key.as_str() {
                "held" => gate.permits.acquire().await.unwrap().forget(),
                "panic" => panic!("as asked"),
                _ => {}
            }
            Ok(if key == "bad" { Err(RpcError::Other("bad".to_owned())) } else { Ok(value + 1) })
        })
        .finish()
        .unwrap()
}

/// A bus that loses the echoes of a process while it is deaf.
struct Deaf {
    bus: MemoryBus,
    deaf: AtomicBool,
    lost: AtomicUsize,
}

impl Bus for Deaf {
    fn publish(&self, message: Message) -> Result<(), BusError> {
        if self.deaf.load(Ordering::SeqCst) && message.headers.get("lath-echo").is_some() {
            self.lost.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        self.bus.publish(message)
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.bus.subscribe(pattern)
    }

    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.bus.subscribe_group(pattern, group)
    }

    fn payload_max(&self) -> usize {
        self.bus.payload_max()
    }

    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>> {
        self.bus.flush(deadline)
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.bus.connected()
    }
}

struct Scene {
    bus: Arc<Deaf>,
    subjects: Subjects,
    caller: Caller,
    gate: Arc<Gate>,
}

impl Scene {
    async fn new() -> Self {
        let bus = Deaf { bus: MemoryBus::new(), deaf: AtomicBool::new(false), lost: AtomicUsize::new(0) };
        let (bus, subjects) = (Arc::new(bus), Subjects::new(&"test".parse().unwrap()));
        let host = "here".parse().unwrap();
        let caller = Caller::start(bus.clone(), subjects.clone(), host, Incarnation(2)).await.unwrap();
        Self { bus, subjects, caller, gate: Gate::new() }
    }

    async fn process(&self, instance: &str) -> Process {
        let settings = ProcessSettings {
            application: "shop".parse().unwrap(),
            provider: "rates".parse().unwrap(),
            instance: instance.parse().unwrap(),
        };
        Process::start(service(&self.gate), &settings, self.bus.clone(), self.subjects.clone()).await.unwrap()
    }

    async fn call(&self, instance: &str, call: Call) -> Result<Bytes, Failure> {
        self.caller.call_callee(&callee(instance), call, &Heard::default()).await
    }

    /// Calls in the background.
    fn calling(&self, call: Call) -> tokio::task::JoinHandle<Result<Bytes, Failure>> {
        let caller = self.caller.clone();
        tokio::spawn(async move { caller.call_callee(&callee("one"), call, &Heard::default()).await })
    }

    /// A call as another host sends it, which is to be answered as `id`.
    fn by_hand(&self, call: &Call, host: &str, id: CallId) -> Message {
        let host = host.parse().unwrap();
        let message = call.to_message(callee("one").called_by(&self.subjects, &host));
        message.wanting(self.subjects.reply(&host, &callee("one").token(), &id.token()))
    }

    async fn answers(&self, host: &str) -> Subscription {
        self.bus.subscribe(self.subjects.replies(&host.parse().unwrap())).await.unwrap()
    }
}

fn callee(instance: &str) -> Callee {
    Callee::Process {
        application: "shop".parse().unwrap(),
        provider: "rates".parse().unwrap(),
        instance: instance.parse().unwrap(),
    }
}

fn id(incarnation: u64, sequence: u64) -> CallId {
    CallId { incarnation: Incarnation(incarnation), sequence }
}

fn call(key: &str, value: i32) -> Call {
    let contract = contracts::counter().unwrap();
    let params = [Value::String(key.to_owned()), Value::S32(value)];
    Call {
        target: "shop/rates".parse().unwrap(),
        origin: Origin::Actor("shop/cart".parse().unwrap()),
        link: None,
        contract: contract.name.to_string().parse().unwrap(),
        method: "increment".parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: Instant::now() + AMPLE,
        chain: 7,
        depth: 1,
        generation: 0,
        trace: None,
        payload: encode_params(&contract.functions["increment"], &params).unwrap().into(),
    }
}

fn decoded(bytes: &[u8]) -> Value {
    decode_result(&contracts::counter().unwrap().functions["increment"], bytes).unwrap().unwrap()
}

fn counted(value: i32) -> Value {
    Value::ok(Some(Value::S32(value)))
}

/// What an answer says, in words.
fn told(answer: &Message) -> String {
    match Answer::from_message(answer).unwrap() {
        Answer::Whole(Ok(bytes)) => format!("{:?}", decoded(&bytes)),
        Answer::Whole(Err(failure)) => format!("{:?} {failure}", failure.progress),
        Answer::Chunks(_) => "chunks".to_owned(),
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + AMPLE;
    while !done() {
        assert!(Instant::now() < give_up, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn calls_are_answered_from_several_processes() {
    let scene = Scene::new().await;
    let processes = [scene.process("one").await, scene.process("two").await];
    for instance in ["one", "two"] {
        let answer = scene.call(instance, call("a", 41)).await.unwrap();
        assert_eq!(decoded(&answer), counted(42));
    }
    assert_eq!(scene.gate.begun(), 2);
    for process in processes {
        assert_eq!(process.drain(Instant::now() + AMPLE).await, 0);
    }
    let failure = scene.call("one", call("a", 41)).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("transport", Progress::NotStarted), "nobody is there");
}

#[tokio::test]
async fn a_payload_larger_than_a_message_comes_in_chunks() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    let answer = scene.call("one", call(&"k".repeat(3 << 20), 1)).await.unwrap();
    assert_eq!(decoded(&answer), counted(2));
}

#[tokio::test]
async fn what_is_no_call_of_the_contract_is_refused() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    type Change = fn(&mut Call);
    let rows: [(Change, &str); 6] = [
        (|call| call.contract = "lath:other/counter@0.1.0".parse().unwrap(), "invalid-parameter"),
        (|call| call.contract = "nothing".parse().unwrap(), "invalid-parameter"),
        (|call| call.wire = "json".parse().unwrap(), "deser"),
        (|call| call.method = "decrement".parse().unwrap(), "method-not-handled"),
        (|call| call.payload = Bytes::from_static(&[0xff; 9]), "deser"),
        (|call| call.depth = 64, "host-error"),
    ];
    for (change, case) in rows {
        let mut call = call("a", 41);
        change(&mut call);
        let failure = scene.call("one", call).await.unwrap_err();
        assert_eq!(failure.error.parts().0, case, "{failure}");
    }
    assert_eq!(scene.gate.begun(), 0);
    let mut answers = scene.answers("other").await;
    let bare = Message { headers: lattice::bus::Headers::default(), ..scene.by_hand(&call("a", 1), "other", id(1, 1)) };
    scene.bus.publish(bare).unwrap();
    let answer = told(&answers.next().await.unwrap());
    assert!(answer.contains("header `lath-call` is missing"), "{answer}");
    let failure = scene.call("one", call("panic", 1)).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("actor-handler", Progress::Unknown));
    assert_eq!(decoded(&scene.call("one", call("a", 1)).await.unwrap()), counted(2), "and goes on");
}

#[tokio::test]
async fn an_answer_goes_to_the_calling_host_alone() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let mut other = scene.answers("other").await;
    let subject = callee("one").called_by(&scene.subjects, &"here".parse().unwrap());
    for reply in ["lath.test.re.other.shop_rates.1-1", "lath.test.re.here.other.1-1", "elsewhere"] {
        scene.bus.publish(call("a", 1).to_message(subject.clone()).wanting(reply.parse().unwrap())).unwrap();
    }
    scene.call("one", call("a", 1)).await.unwrap();
    assert_eq!((scene.gate.begun(), process.stats().forged), (1, 3));
    let nothing = tokio::time::timeout(Duration::from_millis(20), other.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn work_whose_caller_has_gone_is_dropped() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let waiting = scene.calling(call("held", 1));
    until("it runs", || scene.gate.begun() == 1).await;
    waiting.abort();
    until("it is dropped", || scene.gate.ended() == 1).await;
    // So is that of a caller whose time is over, though its clock and the process's need not agree.
    let short = Call { deadline: Instant::now() + Duration::from_millis(100), ..call("held", 1) };
    let failure = scene.call("one", short).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("deadline-exceeded", Progress::Unknown));
    until("that is dropped too", || scene.gate.ended() == scene.gate.begun()).await;
    until("none runs", || process.stats().running == 0).await;
    assert!(process.stats().cancelled >= 1);
}

#[tokio::test]
async fn a_call_that_was_seen_before_is_not_run_again() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let mut answers = scene.answers("other").await;
    let send = |id| scene.bus.publish(scene.by_hand(&call("a", 1), "other", id)).unwrap();
    send(id(5, 1));
    send(id(5, 1));
    send(id(5, 2));
    // Of an earlier life of the host, and again of the latest.
    send(id(4, 7));
    send(id(5, 1));
    for _ in 0..2 {
        assert!(told(&answers.next().await.unwrap()).contains("S32(2)"));
    }
    until("all were taken", || process.stats().replayed == 3).await;
    assert_eq!(scene.gate.begun(), 2);
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_run() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    let mut answers = scene.answers("other").await;
    let late = Call { deadline: Instant::now(), ..call("a", 1) };
    scene.bus.publish(scene.by_hand(&late, "other", id(1, 1))).unwrap();
    let answer = told(&answers.next().await.unwrap());
    assert_eq!(answer, "NotStarted deadline-exceeded: the deadline had passed when the call came");
    assert_eq!(scene.gate.begun(), 0);
}

#[tokio::test]
async fn a_process_that_stood_still_refuses_what_piled_up_until_it_has_heard_itself() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let beat: Token = "one".parse().unwrap();
    let beat = scene.subjects.provider_beat(&"shop".parse().unwrap(), &"rates".parse().unwrap(), &beat);
    let mut beats = scene.bus.subscribe(beat).await.unwrap();
    scene.bus.deaf.store(true, Ordering::SeqCst);
    let gap = process.stamp().beat(Instant::now() + GAP_MAX * 2);
    assert!(gap.is_some());
    for _ in 0..100 {
        let failure = scene.call("one", call("a", 1)).await.unwrap_err();
        assert_eq!((failure.error.parts().0, failure.progress), ("transport", Progress::NotStarted), "{failure}");
    }
    // Its echo does not come back: it says nothing, and takes nothing.
    until("it asked for echoes", || scene.bus.lost.load(Ordering::SeqCst) >= 2).await;
    assert!(scene.call("one", call("a", 1)).await.is_err());
    while tokio::time::timeout(Duration::ZERO, beats.next()).await.is_ok() {}
    assert_eq!(scene.gate.begun(), 0);
    scene.bus.deaf.store(false, Ordering::SeqCst);
    let heard = tokio::time::timeout(AMPLE, beats.next()).await.unwrap().unwrap();
    assert!(!Announcement::from_message(&heard).unwrap().leaving);
    assert_eq!(decoded(&scene.call("one", call("a", 1)).await.unwrap()), counted(2));
}

#[tokio::test]
async fn draining_finishes_what_runs_and_says_so() {
    let scene = Scene::new().await;
    let mut beats = scene.bus.subscribe(scene.subjects.provider_beats()).await.unwrap();
    let process = scene.process("one").await;
    let first = Announcement::from_message(&beats.next().await.unwrap()).unwrap();
    assert_eq!((first.wire.as_str(), first.calls, first.leaving), ("lath/1", Calls::Host, false));
    assert!(first.serves(&"lath:keyvalue/counter@0.1.0".parse().unwrap()));
    let held = scene.calling(call("held", 1));
    until("it runs", || scene.gate.begun() == 1).await;
    let drained = tokio::spawn(process.drain(Instant::now() + AMPLE));
    while !Announcement::from_message(&beats.next().await.unwrap()).unwrap().leaving {}
    // Whoever has not heard it is told to go elsewhere.
    let refused = async {
        loop {
            match scene.call("one", call("a", 1)).await {
                Ok(_) => {}
                Err(failure) => break failure,
            }
        }
    };
    let refused = tokio::time::timeout(AMPLE, refused).await.unwrap();
    assert_eq!(refused.progress, Progress::NotStarted);
    assert_eq!(refused.to_string(), "transport: process one of provider shop/rates is draining");
    assert!(!scene.gate.drained.load(Ordering::SeqCst), "calls may still use it");
    scene.gate.open(1);
    assert_eq!((decoded(&held.await.unwrap().unwrap()), drained.await.unwrap()), (counted(2), 0));
    assert!(scene.gate.drained.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_provider_that_never_lets_go_is_left() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    scene.gate.stays.store(true, Ordering::SeqCst);
    let draining = process.drain(Instant::now());
    assert_eq!(tokio::time::timeout(AMPLE, draining).await, Ok(0));
    assert!(scene.gate.drained.load(Ordering::SeqCst), "it was asked to");
}

#[tokio::test]
async fn draining_has_an_end() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    let held = scene.calling(call("held", 1));
    until("it runs", || scene.gate.begun() == 1).await;
    assert_eq!(process.drain(Instant::now() + Duration::from_millis(50)).await, 1);
    let failure = held.await.unwrap().unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("transport", Progress::Unknown), "{failure}");
    assert_eq!(scene.gate.ended(), 1);
}

/// Hosts that have not heard that it leaves are waited for no longer than this, even by a process that hears nothing.
#[tokio::test]
async fn a_process_that_hears_nothing_leaves_as_well() {
    let scene = Scene::new().await;
    let process = scene.process("one").await;
    scene.bus.deaf.store(true, Ordering::SeqCst);
    let drained = tokio::time::timeout(AMPLE, process.drain(Instant::now() + 2 * AMPLE)).await;
    assert_eq!(drained, Ok(0), "after {FAREWELL_TIME_MAX:?}");
}

#[tokio::test]
async fn calls_beyond_the_bound_are_refused() {
    let scene = Scene::new().await;
    let _process = scene.process("one").await;
    let waiting: Vec<_> = (0..PROCESS_CALLS_MAX).map(|_| scene.calling(call("held", 1))).collect();
    until("all run", || scene.gate.begun() == PROCESS_CALLS_MAX).await;
    let failure = scene.call("one", call("a", 1)).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("host-error", Progress::NotStarted));
    scene.gate.open(PROCESS_CALLS_MAX);
    for call in waiting {
        call.await.unwrap().unwrap();
    }
}
