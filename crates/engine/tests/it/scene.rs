//! What a test needs to call an actor.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use engine::{Actor, ActorSettings, CallContext, Engine, EngineSettings, Outbound, Outgoing, SendFuture};
use model::failure::{Failure, RpcError};

use crate::guest;

/// Long enough for anything that is not meant to be late.
pub const AMPLE: Duration = Duration::from_secs(60);

/// An engine small enough to have many of.
pub fn engine() -> Engine {
    Engine::new(small()).unwrap()
}

pub fn small() -> EngineSettings {
    EngineSettings { instances_max: 16, ..EngineSettings::default() }
}

/// Settings for the guest.
pub fn settings(name: &str) -> ActorSettings {
    ActorSettings {
        receivers: vec!["receive0".into()],
        senders: vec!["send0".into()],
        execution: AMPLE,
        ..ActorSettings::new(name)
    }
}

/// The guest as an actor.
pub fn actor(engine: &Engine, settings: ActorSettings, outbound: impl Outbound) -> Actor {
    let component = engine.load(&guest::PLAIN).unwrap().component;
    engine.actor(&component, settings, Arc::new(outbound)).unwrap()
}

/// An actor with default settings that sends nothing.
pub fn lone(name: &str) -> Actor {
    actor(&engine(), settings(name), Nowhere)
}

pub fn call() -> CallContext {
    within(AMPLE)
}

pub fn within(time: Duration) -> CallContext {
    CallContext::new(7, Instant::now() + time)
}

pub async fn ask(actor: &Actor, method: &str, payload: &[u8]) -> Result<Vec<u8>, Failure> {
    actor.call(0, method, payload, &call()).await
}

/// A reply of eight bytes.
pub fn number(reply: Result<Vec<u8>, Failure>) -> u64 {
    u64::from_le_bytes(reply.unwrap().try_into().unwrap())
}

/// Waits until `done`, not for ever.
pub async fn until(mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + AMPLE;
    while !done() {
        assert!(Instant::now() < give_up, "it never came true");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Refuses everything.
pub struct Nowhere;

impl Outbound for Nowhere {
    fn send<'a>(&'a self, _: usize, message: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        let failure = Failure::not_started(RpcError::Transport(format!("nobody serves {}", message.contract)));
        Box::pin(std::future::ready(Err(failure)))
    }
}

/// Answers with the message itself.
pub struct Mirror;

impl Outbound for Mirror {
    fn send<'a>(&'a self, sender: usize, message: Outgoing, call: &'a CallContext) -> SendFuture<'a> {
        let text = format!(
            "{sender} {} {:?} {} {:?} depth {} id {}",
            message.method,
            message.payload,
            message.contract,
            message.link,
            call.depth(),
            call.call_id()
        );
        Box::pin(std::future::ready(Ok(text.into_bytes())))
    }
}

/// Never answers, and counts who waits.
#[derive(Clone, Default)]
pub struct Silence(pub Arc<AtomicUsize>);

impl Silence {
    pub fn waiting(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Outbound for Silence {
    fn send<'a>(&'a self, _: usize, _: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(&self.0);
            std::future::pending().await
        })
    }
}

/// Answers when enough callers wait.
pub struct Together(pub tokio::sync::Barrier);

impl Outbound for Together {
    fn send<'a>(&'a self, _: usize, _: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        Box::pin(async move {
            self.0.wait().await;
            Ok(Vec::new())
        })
    }
}

/// Leads to another actor, set later.
#[derive(Clone, Default)]
pub struct Road(pub Arc<OnceLock<Actor>>);

impl Outbound for Road {
    fn send<'a>(&'a self, _: usize, message: Outgoing, call: &'a CallContext) -> SendFuture<'a> {
        Box::pin(async move {
            let actor = self.0.get().expect("the road leads somewhere");
            actor.call(0, &message.method, &message.payload, call).await
        })
    }
}
