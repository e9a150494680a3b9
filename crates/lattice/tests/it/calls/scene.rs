//! Two hosts, and what serves at one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use lattice::bus::{Bus, Message, Subscription};
use lattice::call::{Answer, Call, CallId, Incarnation, Origin};
use lattice::calls::{Caller, Handler, Server};
use lattice::subject::{Subject, Token};
use model::failure::{Failure, RpcError};
use model::ids::HostName;

use crate::twin::{AMPLE, Twin, host, settle, soon, subjects};

pub(super) const CALLS_MAX: usize = 8;
pub(super) const CALLER: &str = "a";
pub(super) const CALLEE: &str = "b";

/// Serves what the method says, and counts.
#[derive(Default)]
pub(super) struct Echo {
    pub(super) begun: AtomicUsize,
    pub(super) ended: AtomicUsize,
    pub(super) dropped: AtomicUsize,
    /// Lets one call of `wait` go on.
    pub(super) release: tokio::sync::Notify,
    /// How many have come to meet, and that another has.
    meeting: Mutex<usize>,
    met: Condvar,
}

struct Running<'a>(&'a Echo, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let counter = if self.1 { &self.0.ended } else { &self.0.dropped };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

impl Echo {
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(super) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl Handler for Echo {
    fn admit(&self, _from: &HostName, call: &Call) -> Result<(), Failure> {
        assert!(call.payload.is_empty());
        match call.method.as_str() {
            "denied" => Err(Failure::not_started(RpcError::InvalidParameter("denied".to_owned()))),
            _ => Ok(()),
        }
    }

    fn call<'a>(&'a self, from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let mut running = Running(self, false);
            let result = match call.method.as_str() {
                "echo" => Ok(call.payload),
                "from" => Ok(Bytes::from(format!("{from} {}", call.origin))),
                "refuse" => Err(Failure::not_started(RpcError::Transport("moved away".to_owned()))),
                "trap" => Err(Failure::unknown(RpcError::ActorHandler("trapped".to_owned()))),
                "grow" => Ok(vec![7; std::str::from_utf8(&call.payload).unwrap().parse().unwrap()].into()),
                "panic" => panic!("as asked"),
                "compute" => {
                    let micros = std::str::from_utf8(&call.payload).unwrap().parse().unwrap();
                    std::thread::sleep(Duration::from_micros(micros));
                    Ok(Bytes::new())
                }
                "meet" => {
                    let both = |here: &mut usize| !here.is_multiple_of(2);
                    let mut here = self.meeting.lock().unwrap();
                    *here += 1;
                    self.met.notify_all();
                    let (_here, late) = self.met.wait_timeout_while(here, AMPLE, both).unwrap();
                    Ok(Bytes::from_static(if late.timed_out() { b"alone" } else { b"met" }))
                }
                "wait" => {
                    self.release.notified().await;
                    Ok(Bytes::from_static(b"done"))
                }
                _ => {
                    tokio::time::sleep(AMPLE).await;
                    Ok(Bytes::new())
                }
            };
            running.1 = true;
            result
        })
    }
}

/// A host that serves, and a host that calls.
pub(super) struct Scene {
    pub(super) here: Arc<dyn Bus>,
    pub(super) there: Arc<dyn Bus>,
    pub(super) caller: Caller,
    pub(super) server: Server,
    pub(super) echo: Arc<Echo>,
}

/// Somebody who sees every message.
pub(super) struct Tap(Arc<dyn Bus>, Subscription);

impl Scene {
    pub(super) async fn both() -> [(Self, Twin); 2] {
        let [memory, nats] = Twin::both().await;
        [(Self::on(&memory).await, memory), (Self::on(&nats).await, nats)]
    }

    pub(super) async fn on(twin: &Twin) -> Self {
        let (here, there) = (twin.join(CALLER).await, twin.join(CALLEE).await);
        let caller = Caller::start(here.clone(), subjects(), host(CALLER), Incarnation(1)).await.unwrap();
        let echo = Arc::new(Echo::default());
        let server = Server::start(there.clone(), subjects(), host(CALLEE), echo.clone(), CALLS_MAX).await.unwrap();
        for bus in [&here, &there] {
            settle(&**bus).await;
        }
        Self { here, there, caller, server, echo }
    }

    /// From now on every message is seen; and so nobody is told that there was nobody.
    pub(super) async fn tap(&self, twin: &Twin) -> Tap {
        let bus = twin.join("t").await;
        let all = bus.subscribe("lath.l.>".parse().unwrap()).await.unwrap();
        settle(&*bus).await;
        Tap(bus, all)
    }

    pub(super) async fn call(&self, method: &str, payload: impl Into<Bytes>) -> Result<Bytes, Failure> {
        self.call_at(CALLEE, call(method, payload)).await
    }

    pub(super) async fn call_at(&self, to: &str, call: Call) -> Result<Bytes, Failure> {
        self.caller.call(&host(to), call).await
    }

    /// What a call came to, in words.
    pub(super) async fn told(&self, method: &str, payload: impl Into<Bytes>) -> String {
        told(self.call(method, payload).await)
    }

    /// The messages since the last look, without echoes.
    pub(super) async fn messages(&self, tap: &mut Tap) -> Vec<Message> {
        for bus in [&self.here, &self.there, &tap.0] {
            settle(&**bus).await;
        }
        let mut messages = Vec::new();
        while let Ok(Some(message)) = tokio::time::timeout(Duration::ZERO, tap.1.next()).await {
            if !message.subject.as_str().ends_with(".echo") {
                messages.push(message);
            }
        }
        messages
    }

    pub(super) async fn drain(self) {
        assert_eq!(self.server.drain(soon()).await, 0);
    }
}

pub(super) fn call(method: &str, payload: impl Into<Bytes>) -> Call {
    Call {
        target: "shop/cart".parse().unwrap(),
        origin: Origin::Actor("shop/front".parse().unwrap()),
        link: Some("cart".parse().unwrap()),
        contract: "acme:shop/cart@1.0.0".parse().unwrap(),
        method: method.parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: soon(),
        chain: 1,
        depth: 0,
        generation: 1,
        trace: None,
        payload: payload.into(),
    }
}

pub(super) fn within(millis: u64, call: Call) -> Call {
    Call { deadline: Instant::now() + Duration::from_millis(millis), ..call }
}

pub(super) fn told(result: Result<Bytes, Failure>) -> String {
    match result {
        Ok(payload) => String::from_utf8_lossy(&payload).into_owned(),
        Err(failure) => format!("{:?} {}", failure.progress, failure.error),
    }
}

/// A host that speaks the protocol by hand, well or badly.
pub(super) struct Raw {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) me: &'static str,
    pub(super) to: &'static str,
    answers: Subscription,
}

impl Raw {
    pub(super) async fn new(twin: &Twin, me: &'static str, to: &'static str) -> Self {
        let bus = twin.join(me).await;
        let answers = bus.subscribe(subjects().replies(&host(me))).await.unwrap();
        settle(&*bus).await;
        Self { bus, me, to, answers }
    }

    pub(super) fn id(&self, sequence: u64) -> CallId {
        CallId { incarnation: Incarnation(1), sequence }
    }

    pub(super) fn subject(&self) -> Subject {
        subjects().call(&host(self.to), &host(self.me))
    }

    pub(super) fn reply(&self, id: CallId) -> Subject {
        subjects().reply(&host(self.me), &Token::from(&host(self.to)), &id.token())
    }

    /// A call as it should be.
    pub(super) fn message(&self, id: CallId, call: &Call) -> Message {
        call.to_message(self.subject()).wanting(self.reply(id))
    }

    pub(super) fn send(&self, message: Message) {
        self.bus.publish(message).unwrap();
    }

    /// The next message on the subject of an answer.
    pub(super) async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(AMPLE, self.answers.next()).await.unwrap().unwrap();
            if !message.subject.as_str().ends_with(".echo") {
                return message;
            }
        }
    }

    pub(super) async fn told(&mut self) -> String {
        match Answer::from_message(&self.next().await).unwrap() {
            Answer::Whole(result) => told(result),
            Answer::Chunks(announced) => format!("{announced:?}"),
        }
    }

    /// What has come by now.
    pub(super) async fn so_far(&mut self) -> Vec<Message> {
        settle(&*self.bus).await;
        let mut messages = Vec::new();
        while let Ok(Some(message)) = tokio::time::timeout(Duration::ZERO, self.answers.next()).await {
            if !message.subject.as_str().ends_with(".echo") {
                messages.push(message);
            }
        }
        messages
    }
}
