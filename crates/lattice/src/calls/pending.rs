//! Calls that wait for their answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::bus::Message;
use crate::call::CallId;
use crate::limits::{CALLS_PENDING_MAX, CHUNK_WINDOW};
use crate::stream::Link;
use crate::subject::Subject;

/// Calls that wait, by their number.
#[derive(Default)]
pub(super) struct Pending {
    slots: Mutex<HashMap<u64, Slot>>,
    late: AtomicU64,
    forged: AtomicU64,
}

struct Slot {
    /// Where the answer comes; nothing that comes elsewhere is one.
    subject: Subject,
    to: To,
}

enum To {
    First(oneshot::Sender<Message>),
    All(mpsc::Sender<Message>),
    Stream(Arc<Link>),
}

impl Pending {
    fn slots(&self) -> MutexGuard<'_, HashMap<u64, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: CallId, slot: Slot) -> bool {
        let mut slots = self.slots();
        let room = slots.len() < CALLS_PENDING_MAX;
        if room {
            slots.insert(id.sequence, slot);
        }
        room
    }

    /// Waits for one message on `subject`; none where too many calls wait.
    pub(super) fn first(&self, id: CallId, subject: Subject) -> Option<oneshot::Receiver<Message>> {
        let (to, answer) = oneshot::channel();
        self.add(id, Slot { subject, to: To::First(to) }).then_some(answer)
    }

    /// Waits for all messages on `subject`; none where too many calls wait.
    pub(super) fn all(&self, id: CallId, subject: Subject) -> Option<mpsc::Receiver<Message>> {
        // The credit, and an outcome that ends the transfer early.
        let most = usize::try_from(CHUNK_WINDOW).unwrap_or_default() + 2;
        let (to, messages) = mpsc::channel(most);
        self.add(id, Slot { subject, to: To::All(to) }).then_some(messages)
    }

    /// Hands all messages on `subject` to `link`; false where too many calls wait.
    pub(super) fn stream(&self, id: CallId, subject: Subject, link: Arc<Link>) -> bool {
        self.add(id, Slot { subject, to: To::Stream(link) })
    }

    /// Waits no longer.
    pub(super) fn remove(&self, id: CallId) {
        self.slots().remove(&id.sequence);
    }

    /// Hands on what came on the subject of an answer.
    pub(super) fn deliver(&self, id: CallId, message: Message) {
        let mut slots = self.slots();
        let Some(slot) = slots.get(&id.sequence) else {
            self.late.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if slot.subject != message.subject {
            let count = self.forged.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(subject = %message.subject, count, "an answer came from another than was called: refused");
            return;
        }
        match &slot.to {
            To::First(_) => {
                if let Some(Slot { to: To::First(to), .. }) = slots.remove(&id.sequence) {
                    // A caller that has just gone has taken its slot, or is about to.
                    let _ = to.send(message);
                }
            }
            To::All(to) => {
                if to.try_send(message).is_err() {
                    // More than was granted, or nobody listens: the call fails.
                    slots.remove(&id.sequence);
                }
            }
            To::Stream(link) => {
                let link = link.clone();
                drop(slots);
                link.deliver(&message);
            }
        }
    }

    pub(super) fn count_late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// Waiting now; answers that came after their call had ended; answers that came from another than was called.
    pub(super) fn counts(&self) -> (usize, u64, u64) {
        (self.slots().len(), self.late.load(Ordering::Relaxed), self.forged.load(Ordering::Relaxed))
    }
}
