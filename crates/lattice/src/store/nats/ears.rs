//! What a connection hears besides messages.

use std::sync::Arc;

use async_nats::{Event, ServerError};
use tokio::sync::{broadcast, watch};

use crate::limits::REFUSALS_MAX;

/// What a connection hears: that it is there again, and that the server refuses something.
#[derive(Clone)]
pub(crate) struct Ears(Arc<Heard>);

struct Heard {
    connects: watch::Sender<u64>,
    refusals: broadcast::Sender<Arc<str>>,
}

/// Refusals from a moment on.
pub(crate) struct Refusals(broadcast::Receiver<Arc<str>>);

impl Ears {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Heard { connects: watch::Sender::new(0), refusals: broadcast::Sender::new(REFUSALS_MAX) }))
    }

    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::Connected => self.0.connects.send_modify(|connects| *connects += 1),
            Event::ServerError(ServerError::Other(text)) => {
                // Nobody needs to listen.
                let _ = self.0.refusals.send(text.as_str().into());
            }
            _ => {}
        }
    }

    /// How often the connection was made. It changes when messages may have been lost.
    pub(crate) fn connects(&self) -> watch::Receiver<u64> {
        self.0.connects.subscribe()
    }

    pub(crate) fn refusals(&self) -> Refusals {
        Refusals(self.0.refusals.subscribe())
    }
}

impl Refusals {
    /// Waits until the server refuses this user to publish on `subject`.
    pub(crate) async fn of(&mut self, subject: &str) -> Arc<str> {
        let names = names(subject);
        loop {
            match self.0.recv().await {
                Ok(text) if names.iter().any(|name| text.contains(name)) => return text,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// How a refusal may name `subject`. A server maps what is asked of its own JetStream domain before it looks whether that
/// is allowed.
fn names(subject: &str) -> Vec<String> {
    let rest = subject.strip_prefix("$JS.").and_then(|rest| rest.split_once(".API."));
    let (key, request) = (rest.map(|(_, rest)| rest.to_owned()), rest.map(|(_, rest)| format!("$JS.API.{rest}")));
    let names = [Some(subject.to_owned()), key, request];
    names.into_iter().flatten().map(|name| format!("\"{name}\"")).collect()
}
