//! What a subscription brings from NATS, and how it ends.

use std::sync::atomic::Ordering;
use std::time::Instant;

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;

use super::message;
use crate::bus::Message;

/// Messages of one subscription of a connection.
#[derive(Debug)]
pub(crate) struct Incoming {
    client: Client,
    messages: Subscriber,
    /// The connections that had been made when it was closed; none while it is open.
    closed: Option<u64>,
}

impl Incoming {
    pub(super) fn new(client: Client, messages: Subscriber) -> Self {
        Self { client, messages, closed: None }
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = self.messages.next().await;
        if next.is_none() {
            self.ended().await;
        }
        next.map(message)
    }

    /// Takes no more messages; what has come can still be read.
    pub(crate) async fn close(&mut self, until: Instant) {
        self.closed = Some(self.connects());
        // It fails where the connection has ended, and waits where that is being made anew.
        drop(tokio::time::timeout_at(until.into(), self.messages.drain()).await);
    }

    /// A connection that was lost just then was made again with this subscription in it, which the client has forgotten since:
    /// the server would go on to give it messages, those of its group too, and nobody would take them. Another connection
    /// has what the client knows, and nothing else.
    async fn ended(&mut self) {
        if self.closed.take().is_some_and(|connects| connects != self.connects()) {
            tracing::info!("a subscription ended while the connection was made anew: it is made once more");
            let _ = self.client.force_reconnect().await;
        }
    }

    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }
}
