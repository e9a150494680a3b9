//! The bus inside one process: the twin of NATS, with the same failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::watch;

use crate::bus::{Bus, BusError, Headers, Message, Source, Subscription, check_size};
use crate::limits::{PAYLOAD_BYTES_MAX, PENDING_MAX};
use crate::subject::{Subject, Token};

/// One connection to a bus inside one process.
pub struct MemoryBus {
    server: Arc<Server>,
    connected: watch::Sender<bool>,
}

/// What all connections share.
#[derive(Default)]
struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    subscribers: Vec<Subscriber>,
    /// Grows with each message to a group, so that its members take turns.
    turn: usize,
}

struct Subscriber {
    pattern: Subject,
    group: Option<Token>,
    queue: mpsc::Sender<Message>,
    connected: watch::Receiver<bool>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBus {
    /// A bus with no subscribers.
    pub fn new() -> Self {
        Self { server: Arc::default(), connected: watch::Sender::new(true) }
    }

    /// Another connection to the same bus.
    pub fn join(&self) -> Self {
        Self { server: self.server.clone(), connected: watch::Sender::new(true) }
    }

    /// Cuts or mends this connection. While it is cut it sends nothing, and its subscriptions miss what is published.
    pub fn set_connected(&self, connected: bool) {
        self.connected.send_replace(connected);
    }

    fn add(&self, pattern: Subject, group: Option<Token>) -> BoxFuture<'_, Result<Subscription, BusError>> {
        let (queue, messages) = mpsc::channel(PENDING_MAX);
        let connected = self.connected.subscribe();
        self.server.state().subscribers.push(Subscriber { pattern, group, queue, connected });
        Box::pin(async move { Ok(Subscription::new(Source::Memory(messages))) })
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `message` on; true where anybody was there to take it.
    fn deliver(&self, message: &Message) -> Result<bool, BusError> {
        // Kept while handing on, so that every subscriber sees the messages in one order.
        let mut state = self.state();
        let mut found = false;
        let mut busy = Ok(());
        for index in state.receivers(&message.subject) {
            let Some(queue) = state.subscribers.get(index).map(|subscriber| &subscriber.queue) else { continue };
            found = true;
            // A full subscription is told of, but keeps nothing from the others.
            if let Err(TrySendError::Full(_)) = queue.try_send(message.clone()) {
                busy = Err(BusError::Busy { subject: message.subject.to_string() });
            }
        }
        busy.map(|()| found)
    }
}

impl State {
    /// Who receives what is published on `subject`: every subscription that is no member of a group, one of each group.
    fn receivers(&mut self, subject: &Subject) -> Vec<usize> {
        self.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        let mut receivers = Vec::new();
        let mut groups: Vec<((&Subject, &Token), Vec<usize>)> = Vec::new();
        for (index, subscriber) in self.subscribers.iter().enumerate() {
            if !subscriber.pattern.covers(subject) || !*subscriber.connected.borrow() {
                continue;
            }
            let Some(group) = subscriber.group.as_ref().map(|group| (&subscriber.pattern, group)) else {
                receivers.push(index);
                continue;
            };
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, members)) => members.push(index),
                None => groups.push((group, vec![index])),
            }
        }
        if !groups.is_empty() {
            self.turn = self.turn.wrapping_add(1);
        }
        receivers.extend(groups.iter().filter_map(|(_, members)| members.get(self.turn % members.len())));
        receivers
    }
}

impl Bus for MemoryBus {
    fn publish(&self, message: Message) -> Result<(), BusError> {
        if !*self.connected.borrow() {
            return Err(BusError::Disconnected { subject: message.subject.to_string() });
        }
        check_size(&message, PAYLOAD_BYTES_MAX)?;
        if !self.server.deliver(&message)?
            && let Some(subject) = message.reply
        {
            let (headers, payload) = (Headers::default(), bytes::Bytes::new());
            self.server.deliver(&Message { subject, reply: None, headers, payload, no_responders: true })?;
        }
        Ok(())
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.add(pattern, None)
    }

    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.add(pattern, Some(group))
    }

    fn payload_max(&self) -> usize {
        PAYLOAD_BYTES_MAX
    }

    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            let mut connected = self.connected.subscribe();
            let told = tokio::time::timeout_at(deadline.into(), connected.wait_for(|connected| *connected)).await;
            match told {
                Ok(_) => Ok(()),
                Err(_) => Err(BusError::Deadline { subject: "flush".to_owned() }),
            }
        })
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }
}
