//! Hosts that call, and what they have called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::ids::HostName;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::window::Window;
use crate::bus::Message;
use crate::call::{CallId, Incarnation};
use crate::limits::{CHUNK_WINDOW, PEERS_MAX, STREAMS_PER_PEER_MAX};
use crate::stream::Link;

/// One life of a host that calls.
pub(super) struct Peer {
    pub(super) name: HostName,
    incarnation: Incarnation,
    /// A permit for each of its streamed calls.
    pub(super) streams: Arc<Semaphore>,
    /// By their number.
    running: Mutex<HashMap<u64, Running>>,
}

/// A call that runs.
struct Running {
    /// None for the moment before it has begun.
    task: Option<AbortHandle>,
    /// Takes what comes for it.
    inbox: Option<Inbox>,
}

/// What takes the messages that come for a call.
enum Inbox {
    /// Chunks or credit.
    Chunks(mpsc::Sender<Message>),
    /// All that belongs to a streamed call.
    Stream(Arc<Link>),
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
            running.inbox = Some(Inbox::Chunks(inbox));
        }
        messages
    }

    /// From now on what comes for a call goes to `link`.
    pub(super) fn attach(&self, id: CallId, link: Arc<Link>) {
        if let Some(running) = self.running().get_mut(&id.sequence) {
            running.inbox = Some(Inbox::Stream(link));
        }
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
        let taken = match inbox {
            None => false,
            Some(Inbox::Chunks(inbox)) => inbox.try_send(message).is_ok(),
            Some(Inbox::Stream(link)) => {
                link.deliver(&message);
                return true;
            }
        };
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
        let streams = Arc::new(Semaphore::new(STREAMS_PER_PEER_MAX));
        let peer = Arc::new(Peer { name: name.parse().ok()?, incarnation, streams, running: Mutex::default() });
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
