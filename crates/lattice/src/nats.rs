//! The bus over NATS.

mod incoming;
mod outgoing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, StatusCode, SubscribeError, Subscriber};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::bus::{Bus, BusError, Headers, Message, Source, Subscription, Traffic, check_size};
use crate::limits::{HANDED_MAX, PENDING_MAX, SUBSCRIBE_TIME_MAX};
use crate::subject::{Subject, Token};

pub(crate) use incoming::Incoming;
use outgoing::Outgoing;

/// How often the state of the connection is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A bus over a connection to NATS.
pub struct NatsBus {
    client: Client,
    echo: Subject,
    dropped: Dropped,
    outgoing: Outgoing,
    connected: watch::Sender<bool>,
}

/// Counts the messages that a connection dropped because their subscriber was too slow.
#[derive(Clone, Debug, Default)]
pub struct Dropped(Arc<AtomicU64>);

impl Dropped {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds to the options of a connection what the bus needs: bounds of its queues, and ears for what goes wrong. Whatever
/// connects passes its options through here.
pub fn options(options: ConnectOptions) -> (ConnectOptions, Dropped) {
    options_heard(options, |_| {})
}

/// The same, with a further ear.
pub(crate) fn options_heard(
    options: ConnectOptions,
    hear: impl Fn(&Event) + Send + Sync + 'static,
) -> (ConnectOptions, Dropped) {
    let dropped = Dropped::default();
    let counter = dropped.clone();
    let heard = move |event| {
        hear(&event);
        match event {
            Event::SlowConsumer(subscription) => {
                let count = counter.0.fetch_add(1, Ordering::Relaxed) + 1;
                // The first, and then ever more rarely: a flood must not become a flood of lines.
                if count.is_power_of_two() {
                    tracing::warn!(subscription, count, "messages are dropped: a subscriber is too slow");
                }
            }
            Event::ServerError(error) => tracing::warn!(%error, "the NATS server refuses something"),
            Event::ClientError(error) => tracing::debug!(%error, "connection to NATS"),
            event => tracing::info!(%event, "connection to NATS"),
        }
        std::future::ready(())
    };
    let options = options.client_capacity(HANDED_MAX).subscription_capacity(PENDING_MAX).event_callback(heard);
    (options, dropped)
}

impl NatsBus {
    /// A bus over `client`, whose options went through [`options`]. This user may publish and subscribe on `echo` and
    /// nobody else uses it ([`crate::subject::Subjects::echo`]).
    ///
    /// Must be called inside a tokio runtime.
    pub fn new(client: Client, dropped: Dropped, echo: Subject) -> Self {
        let connected = watch::Sender::new(client.connection_state() == State::Connected);
        tokio::spawn(watch_state(client.clone(), connected.clone()));
        let outgoing = Outgoing::new(client.clone());
        Self { client, echo, dropped, outgoing, connected }
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How many messages this connection dropped because their subscriber was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped.count()
    }

    /// Without a connection the client waits for one, where many commands wait already.
    async fn subscribed(
        &self,
        pattern: Subject,
        subscribed: impl Future<Output = Result<Subscriber, SubscribeError>>,
    ) -> Result<Subscription, BusError> {
        match tokio::time::timeout(SUBSCRIBE_TIME_MAX, subscribed).await {
            Ok(Ok(messages)) => Ok(Subscription::new(Source::Nats(Incoming::new(self.client.clone(), messages)))),
            Ok(Err(_)) => Err(BusError::Unwritable { subject: pattern.to_string(), what: "the subject".to_owned() }),
            Err(_) => Err(BusError::Disconnected { subject: pattern.to_string() }),
        }
    }

    async fn echoed(&self) -> Result<(), BusError> {
        let mut echo = self.subscribe(self.echo.clone()).await?;
        let mark = Bytes::from(self.client.new_inbox());
        self.publish(Message::new(self.echo.clone(), mark.clone()))?;
        while let Some(message) = echo.next().await {
            if message.payload == mark {
                return Ok(());
            }
        }
        Err(BusError::Disconnected { subject: self.echo.to_string() })
    }
}

/// Copies the state of the connection to where it can be waited for, as long as anybody may.
async fn watch_state(client: Client, connected: watch::Sender<bool>) {
    let statistics = client.statistics();
    let mut connects = statistics.connects.load(Ordering::Relaxed);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The bus holds one of the senders.
    while connected.sender_count() > 1 || connected.receiver_count() > 0 {
        ticks.tick().await;
        let now = client.connection_state() == State::Connected;
        let count = statistics.connects.load(Ordering::Relaxed);
        let again = now && count != connects;
        if now {
            connects = count;
        }
        connected.send_if_modified(|known| std::mem::replace(known, now) != now || again);
    }
}

/// A message as it came from NATS.
pub(crate) fn message(message: async_nats::Message) -> Message {
    Message {
        subject: Subject::received(message.subject),
        reply: message.reply.map(Subject::received),
        headers: Headers::received(message.headers),
        payload: message.payload,
        no_responders: message.status == Some(StatusCode::NO_RESPONDERS),
    }
}

impl Bus for NatsBus {
    fn publish(&self, message: Message) -> Result<(), BusError> {
        match self.client.connection_state() {
            State::Connected => {}
            State::Pending | State::Disconnected => {
                return Err(BusError::Disconnected { subject: message.subject.to_string() });
            }
        }
        check_size(&message, self.client.max_payload())?;
        self.outgoing.put(message)
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        Box::pin(self.subscribed(pattern.clone(), self.client.subscribe(pattern.to_nats())))
    }

    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>> {
        let group = group.as_str().to_owned();
        Box::pin(self.subscribed(pattern.clone(), self.client.queue_subscribe(pattern.to_nats(), group)))
    }

    fn payload_max(&self) -> usize {
        self.client.max_payload()
    }

    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            let echoed = tokio::time::timeout_at(deadline.into(), self.echoed()).await;
            echoed.unwrap_or_else(|_| Err(BusError::Deadline { subject: self.echo.to_string() }))
        })
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    fn traffic(&self) -> Option<Traffic> {
        let statistics = self.client.statistics();
        Some(Traffic {
            connects: statistics.connects.load(Ordering::Relaxed),
            messages_in: statistics.in_messages.load(Ordering::Relaxed),
            messages_out: statistics.out_messages.load(Ordering::Relaxed),
            bytes_in: statistics.in_bytes.load(Ordering::Relaxed),
            bytes_out: statistics.out_bytes.load(Ordering::Relaxed),
        })
    }
}
