//! Hosts that call, and what they have called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::ids::HostName;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::window::Window;
use crate::bus::Message;
use crate::call::{CallId, Incarnation};
use crate::limits::{CHUNK_WINDOW, PEERS_MAX};

/// One life of a host that calls.
pub(super) struct Peer {
    pub(super) name: HostName,
    incarnation: Incarnation,
    /// By their number.
    running: Mutex<HashMap<u64, Running>>,
}

/// A call that runs.
struct Running {
    /// None for the moment before it has begun.
    task: Option<AbortHandle>,
    /// Takes the chunks or the credit that come for it.
    inbox: Option<mpsc::Sender<Message>>,
}

impl Peer {
    fn running(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts what serves a call. It is known here before, and may end at once; a runtime that is shutting down ends it
    /// while it starts.
    pub(super) fn start(&self, id: CallId, start: impl FnOnce() -> Option<AbortHandle>) {
        self.running().insert(id.sequence, Running { task: None, inbox: None });
        let task = start();
        if let Some(running) = self.running().get_mut(&id.sequence) {
            running.task = task;
        }
    }

    /// From now on a call takes chunks or credit.
    pub(super) fn listen(&self, id: CallId) -> mpsc::Receiver<Message> {
        let (inbox, messages) = mpsc::channel(usize::try_from(CHUNK_WINDOW).unwrap_or_default() + 1);
        if let Some(running) = self.running().get_mut(&id.sequence) {
            running.inbox = Some(inbox);
        }
        messages
    }

    /// True until the call has ended, or its caller has gone.
    pub(super) fn has(&self, id: CallId) -> bool {
        self.running().contains_key(&id.sequence)
    }

    /// True where nothing runs.
    fn is_idle(&self) -> bool {
        self.running().is_empty()
    }

    /// A call has ended.
    pub(super) fn end(&self, id: CallId) {
        self.running().remove(&id.sequence);
    }

    /// The caller of a call has gone.
    pub(super) fn cancel(&self, id: CallId) -> bool {
        let running = self.running().remove(&id.sequence);
        running.as_ref().and_then(|running| running.task.as_ref()).map(AbortHandle::abort).is_some()
    }

    /// Hands a chunk or credit to its call. One that takes none, or has been sent more than it granted, loses them all,
    /// and so fails.
    pub(super) fn signal(&self, id: CallId, message: Message) -> bool {
        let mut running = self.running();
        let Some(inbox) = running.get_mut(&id.sequence).map(|running| &mut running.inbox) else { return false };
        let taken = inbox.as_ref().is_some_and(|inbox| inbox.try_send(message).is_ok());
        if !taken {
            *inbox = None;
        }
        taken
    }

    fn cancel_all(&self) {
        let running = std::mem::take(&mut *self.running());
        running.values().filter_map(|running| running.task.as_ref()).for_each(AbortHandle::abort);
    }
}

/// The hosts that have called, by name.
#[derive(Default)]
pub(super) struct Peers {
    known: HashMap<String, Known>,
    /// Counts the calls of all.
    clock: u64,
}

struct Known {
    peer: Arc<Peer>,
    window: Window,
    last: u64,
}

impl Peers {
    /// The caller of a call that was not seen before. None where it was, or may have been, or comes from a life of the
    /// host that is not its latest.
    pub(super) fn take(&mut self, name: &str, id: CallId) -> Option<Arc<Peer>> {
        self.clock += 1;
        match self.known.get(name) {
            Some(known) if known.peer.incarnation > id.incarnation => return None,
            Some(known) if known.peer.incarnation == id.incarnation => {}
            Some(older) => {
                // Nobody waits for what its earlier life called.
                older.peer.cancel_all();
                self.meet(name, id.incarnation)?;
            }
            None => {
                self.make_room()?;
                self.meet(name, id.incarnation)?;
            }
        }
        let known = self.known.get_mut(name)?;
        known.last = self.clock;
        known.window.take(id.sequence).then(|| known.peer.clone())
    }

    /// The life of a host that made the call `id`, if it is the latest.
    pub(super) fn find(&self, name: &str, id: CallId) -> Option<&Arc<Peer>> {
        self.known.get(name).map(|known| &known.peer).filter(|peer| peer.incarnation == id.incarnation)
    }

    /// Ends everything that was called.
    pub(super) fn cancel_all(&self) {
        self.known.values().for_each(|known| known.peer.cancel_all());
    }

    fn meet(&mut self, name: &str, incarnation: Incarnation) -> Option<()> {
        let peer = Arc::new(Peer { name: name.parse().ok()?, incarnation, running: Mutex::default() });
        self.known.insert(name.to_owned(), Known { peer, window: Window::default(), last: self.clock });
        Some(())
    }

    /// Forgets the one silent longest of those for whom nothing runs: what runs must stay where chunks, credit and the end
    /// of its caller find it. None where all have something that runs.
    fn make_room(&mut self) -> Option<()> {
        if self.known.len() >= PEERS_MAX {
            let idle = self.known.iter().filter(|(_, known)| known.peer.is_idle());
            let silent = idle.min_by_key(|(_, known)| known.last).map(|(name, _)| name.clone())?;
            self.known.remove(&silent);
        }
        Some(())
    }
}
