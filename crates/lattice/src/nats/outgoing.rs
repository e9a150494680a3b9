//! Messages on their way to the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_nats::connection::State;
use async_nats::{Client, Statistics};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::bus::{BusError, Message};
use crate::limits::OUTGOING_MAX;

/// How many messages are handed on in one go.
const BATCH: usize = 64;

/// The queue to the server.
///
/// The client writes to the connection as soon as it is given a message. Under load that is one system call, and often
/// another thread woken, for each; given many at once it writes them together. So messages are put here, and one task
/// hands on what has gathered.
pub(super) struct Outgoing {
    queue: mpsc::Sender<Queued>,
    statistics: Arc<Statistics>,
}

struct Queued {
    message: Message,
    /// Which connection it was meant for, counted from the first: after a break it would be late.
    connection: u64,
}

impl Outgoing {
    /// Hands on until it is dropped, and then what is left.
    pub(super) fn new(client: Client) -> Self {
        let (queue, messages) = mpsc::channel(OUTGOING_MAX);
        let statistics = client.statistics();
        tokio::spawn(hand_on(client, messages));
        Self { queue, statistics }
    }

    pub(super) fn put(&self, message: Message) -> Result<(), BusError> {
        let connection = self.statistics.connects.load(Ordering::Relaxed);
        self.queue.try_send(Queued { message, connection }).map_err(|error| match error {
            TrySendError::Full(queued) => BusError::Busy { subject: queued.message.subject.to_string() },
            TrySendError::Closed(queued) => BusError::Disconnected { subject: queued.message.subject.to_string() },
        })
    }
}

async fn hand_on(client: Client, mut messages: mpsc::Receiver<Queued>) {
    let statistics = client.statistics();
    let mut batch = Vec::with_capacity(BATCH);
    let mut crowded = false;
    while let Some(first) = messages.recv().await {
        batch.push(first);
        if crowded {
            // Whoever else is ready has a message too.
            tokio::task::yield_now().await;
        }
        while batch.len() < BATCH
            && let Ok(next) = messages.try_recv()
        {
            batch.push(next);
        }
        crowded = batch.len() > 1;
        for Queued { message, connection } in batch.drain(..) {
            let current = connection == statistics.connects.load(Ordering::Relaxed);
            if current && client.connection_state() == State::Connected {
                send(&client, message).await;
            }
        }
    }
}

/// Its size was checked, and what the client refuses beyond that is lost, as it is where a connection breaks.
async fn send(client: &Client, message: Message) {
    let Message { subject, reply, headers, payload, .. } = message;
    let (to, reply) = (subject.to_nats(), reply.map(|reply| reply.to_nats()));
    let sent = match (reply, headers.into_nats()) {
        (None, None) => client.publish(to, payload).await,
        (None, Some(headers)) => client.publish_with_headers(to, headers, payload).await,
        (Some(reply), None) => client.publish_with_reply(to, reply, payload).await,
        (Some(reply), Some(headers)) => client.publish_with_reply_and_headers(to, reply, headers, payload).await,
    };
    if let Err(error) = sent {
        tracing::debug!(%subject, %error, "a message is lost");
    }
}
