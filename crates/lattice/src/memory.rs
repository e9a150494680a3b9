//! The bus inside one process: the twin of NATS, with the same failures.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

use crate::bus::{Bus, BusError, Message, Reply, Subscription, check_size};
use crate::limits::PENDING_MAX;
use crate::subject::Subject;

/// A bus inside one process.
#[derive(Default)]
pub struct MemoryBus {
    subscribers: Mutex<Vec<Subscriber>>,
}

struct Subscriber {
    pattern: Subject,
    queue: mpsc::Sender<Message>,
}

impl MemoryBus {
    /// A bus with no subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    fn subscribers(&self) -> MutexGuard<'_, Vec<Subscriber>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queues of subscriptions that cover `subject`; those of dropped subscriptions are forgotten.
    fn queues(&self, subject: &Subject) -> Vec<mpsc::Sender<Message>> {
        let mut subscribers = self.subscribers();
        subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        subscribers.iter().filter(|s| s.pattern.covers(subject)).map(|s| s.queue.clone()).collect()
    }
}

fn offer(queue: &mpsc::Sender<Message>, message: Message) -> Result<(), BusError> {
    let subject = message.subject.to_string();
    queue.try_send(message).map_err(|error| match error {
        TrySendError::Full(_) => BusError::Busy { subject },
        TrySendError::Closed(_) => BusError::NoResponders { subject },
    })
}

impl Bus for MemoryBus {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            check_size(&message)?;
            let mut busy = Ok(());
            for queue in self.queues(&message.subject) {
                let copy = Message {
                    subject: message.subject.clone(),
                    headers: message.headers.clone(),
                    payload: message.payload.clone(),
                    reply: None,
                };
                // A full subscription is told of, but keeps nothing from the others; one just dropped misses nothing.
                if let Err(error @ BusError::Busy { .. }) = offer(&queue, copy) {
                    busy = Err(error);
                }
            }
            busy
        })
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        let (queue, messages) = mpsc::channel(PENDING_MAX);
        self.subscribers().push(Subscriber { pattern, queue });
        Box::pin(async move { Ok(Subscription(messages)) })
    }

    fn request(&self, mut message: Message, deadline: Instant) -> BoxFuture<'_, Result<Message, BusError>> {
        Box::pin(async move {
            check_size(&message)?;
            let subject = message.subject.to_string();
            let queue = self.queues(&message.subject).into_iter().next();
            let queue = queue.ok_or_else(|| BusError::NoResponders { subject: subject.clone() })?;
            let (reply, answer) = oneshot::channel();
            message.reply = Some(Reply(reply));
            offer(&queue, message)?;
            match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(_)) => Err(BusError::Dropped { subject }),
                Err(_) => Err(BusError::Deadline { subject }),
            }
        })
    }
}
