//! What both ends of a streamed call have at hand: the state of both bodies, and the way to the other end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use model::failure::{Failure, RpcError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::outlet::Closing;
use super::{Broken, Flow, Frame, Intake, Outgoing, Outlet, Part, Told};
use crate::bus::{Bus, BusError, Message};
use crate::call::{Answer, CallId};
use crate::chunk::{chunk_bytes, whole_max};
use crate::limits::{STREAM_HEAD_BYTES_MAX, STREAM_PART_BYTES_MAX, STREAM_SILENCE_MAX};
use crate::subject::Subject;

/// The way to the other end.
pub(crate) struct Ship {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) id: CallId,
    pub(crate) to: Subject,
    /// Where the bus may say that nobody is there.
    pub(crate) reply: Option<Subject>,
}

/// One end of a streamed call.
pub(crate) struct Link {
    ship: Ship,
    state: Mutex<State>,
    /// Whoever reads the body that comes in.
    reader: AtomicWaker,
    /// Whoever sends the body that goes out.
    pub(super) keeper: Notify,
    /// Whoever waits for the head.
    pub(crate) opener: Notify,
}

struct State {
    intake: Intake,
    outlet: Outlet,
    /// The head that came with part 0.
    head: Option<Bytes>,
    /// Credit came.
    is_granted: bool,
    /// The other end reads no more.
    is_stopped: bool,
    /// Nobody reads the body that comes in any more.
    is_left: bool,
    failure: Option<Failure>,
    heard: Option<Instant>,
    /// The bus said that nobody is there.
    is_alone: bool,
    /// The other end has said why it failed.
    is_ended: bool,
}

/// How far a call is that waits for the head of its answer.
pub(crate) enum Opened {
    /// The head.
    Head(Bytes),
    /// It failed.
    Failed(Failure),
    /// The callee asks for more of the request's body.
    Granted,
    /// Nothing yet.
    Waiting,
}

/// What the end that sends is to do.
pub(super) enum Task {
    /// Both bodies are out, or the call has failed.
    End,
    /// More of the body may be sent.
    Send,
    /// More of the body may be sent later.
    Wait,
    /// Nobody reads the body; the other one is not whole yet.
    Listen,
}

impl Ship {
    fn send(&self, message: Message) -> Result<(), BusError> {
        self.bus.publish(match &self.reply {
            Some(reply) => message.wanting(reply.clone()),
            None => message,
        })
    }

    /// The bytes of a body that fit into one message.
    pub(crate) fn part_bytes(&self) -> usize {
        chunk_bytes(self.bus.payload_max()).min(STREAM_PART_BYTES_MAX)
    }

    /// The longest head, and the longest trailers.
    pub(crate) fn head_bytes(&self) -> usize {
        whole_max(self.bus.payload_max()).min(STREAM_HEAD_BYTES_MAX)
    }

    /// How much of a body fits beside a head.
    pub(crate) fn beside(&self, head: &Bytes) -> usize {
        whole_max(self.bus.payload_max()).saturating_sub(head.len()).min(self.part_bytes())
    }
}

impl Link {
    pub(crate) fn new(ship: Ship, intake: Intake, outlet: Outlet) -> Arc<Self> {
        let state = State {
            intake,
            outlet,
            head: None,
            is_granted: false,
            is_stopped: false,
            is_left: false,
            failure: None,
            heard: None,
            is_alone: false,
            is_ended: false,
        };
        let (reader, keeper, opener) = Default::default();
        Arc::new(Self { ship, state: Mutex::new(state), reader, keeper, opener })
    }

    pub(crate) fn ship(&self) -> &Ship {
        &self.ship
    }

    // Whatever is sent is sent under this lock: else how far this end is could be told before what it tells of.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the other end, or of the bus.
    pub(crate) fn deliver(&self, message: &Message) {
        let told = Told::from_message(message);
        let mut state = self.state();
        state.heard = Some(Instant::now());
        match told {
            Ok(Some((_, told))) => state.hear(told),
            Ok(None) if message.no_responders => state.hear_nobody(&self.ship.to),
            Ok(None) => state.hear_answer(message),
            Err(error) => state.fail(Failure::unknown(RpcError::Rpc(error.to_string()))),
        }
        drop(state);
        self.wake();
    }

    fn wake(&self) {
        self.reader.wake();
        self.keeper.notify_one();
        self.opener.notify_one();
    }

    /// Ends the call with this failure, unless it has ended.
    pub(crate) fn fail(&self, failure: Failure) {
        self.state().fail(failure);
        self.wake();
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        self.state().failure.clone()
    }

    /// How far the call is; the head is given once.
    pub(crate) fn opened(&self) -> Opened {
        let mut state = self.state();
        match (state.head.take(), &state.failure) {
            (Some(head), _) => Opened::Head(head),
            (None, Some(failure)) => Opened::Failed(failure.clone()),
            (None, None) if state.is_granted => Opened::Granted,
            (None, None) => Opened::Waiting,
        }
    }

    /// Whether anything was heard of the other end, and whether that was the bus: nobody is there.
    pub(crate) fn heard(&self) -> (bool, bool) {
        let state = self.state();
        (state.heard.is_some(), state.is_alone)
    }

    /// True where the other end has nothing left to say, or is not there.
    pub(crate) fn is_done(&self) -> bool {
        let state = self.state();
        state.intake.end().is_some() && state.is_sent() || state.is_alone || state.is_ended
    }

    /// Part 0 could not be sent: the other end knows nothing of the call.
    pub(crate) fn unsent(&self) {
        self.state().is_alone = true;
    }

    /// Part 0, not sent: the call is it, or the answer.
    pub(crate) fn begin(&self, head: Bytes, data: Bytes, closing: Option<Closing>) -> (Part, Flow) {
        let mut state = self.state();
        let part = state.outlet.part(head, data, closing);
        state.heard = None;
        (part, state.flow())
    }

    /// Sends part 0 with the head, and with what `body` has beside it.
    pub(crate) fn send_head(&self, head: Bytes, body: &mut Outgoing) {
        let mut state = self.state();
        let room = self.ship.beside(&head).min(state.outlet.room());
        state.heard = Some(Instant::now());
        let (data, closing) = self.cut(body, room, head.len());
        let part = state.outlet.part(head, data, closing);
        self.send(&mut state, &Told::Part(part));
        // Nobody reads the request's body any more, and its caller does not know yet.
        if state.is_left && state.intake.end().is_none() {
            self.send(&mut state, &Told::Stop);
        }
    }

    /// Sends as much of `body` as is there and may be sent.
    pub(super) fn send_body(&self, body: &mut Outgoing) {
        let mut state = self.state();
        while state.failure.is_none() && !state.is_sent() {
            let room = state.outlet.room().min(self.ship.part_bytes());
            let (data, closing) = self.cut(body, room, 0);
            if data.is_empty() && closing.is_none() {
                break;
            }
            let part = state.outlet.part(Bytes::new(), data, closing);
            self.send(&mut state, &Told::Part(part));
        }
    }

    /// What of `body` is there for one part, beside `head` bytes. Trailers have a part of their own where they might not
    /// fit.
    pub(crate) fn cut(&self, body: &mut Outgoing, room: usize, head: usize) -> (Bytes, Option<Closing>) {
        let data = body.take(room);
        let most = self.ship.head_bytes();
        let beside = head + data.len();
        let fits = beside == 0 || body.trailers() <= most.saturating_sub(beside);
        let closing = if fits { body.close(most) } else { None };
        (data, closing)
    }

    fn send(&self, state: &mut State, told: &Told) {
        if let Err(error) = self.ship.send(told.to_message(self.ship.id, self.ship.to.clone())) {
            state.fail(Failure::unknown(RpcError::Transport(error.to_string())));
        }
    }

    /// What is to do next.
    pub(super) fn task(&self) -> Task {
        let state = self.state();
        match () {
            () if state.failure.is_some() => Task::End,
            () if state.is_sent() && state.is_received() => Task::End,
            () if state.is_sent() => Task::Listen,
            () if state.outlet.room() > 0 => Task::Send,
            () => Task::Wait,
        }
    }

    /// Tells the other end how far this one is, and looks whether that one has said so too.
    pub(super) fn beat(&self) {
        let mut state = self.state();
        // Until the head comes its deadline is what counts: a callee that thinks about a request says nothing.
        let is_silent = state.heard.is_some_and(|heard| heard.elapsed() >= STREAM_SILENCE_MAX);
        if is_silent && state.intake.has_begun() {
            let text = format!("nothing was heard of the other end for {} s", STREAM_SILENCE_MAX.as_secs());
            state.fail(Failure::unknown(RpcError::DeadlineExceeded(text)));
            drop(state);
            return self.wake();
        }
        let flow = state.flow();
        self.send(&mut state, &Told::Flow(flow));
    }

    /// The next frame of the body that comes in.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Broken>>> {
        self.reader.register(cx.waker());
        let mut state = self.state();
        let frame = state.intake.read();
        let read = match (frame, state.intake.end(), &state.failure) {
            (Some(frame), _, _) => Poll::Ready(Some(Ok(frame))),
            (None, Some(Ok(())), _) => return Poll::Ready(None),
            (None, Some(Err(broken)), _) => return Poll::Ready(Some(Err(broken.clone()))),
            (None, None, Some(failure)) => return Poll::Ready(Some(Err(Broken(failure.to_string())))),
            (None, None, None) => Poll::Pending,
        };
        if state.failure.is_none() && state.intake.grant().is_some() {
            let flow = state.flow();
            self.send(&mut state, &Told::Flow(flow));
        }
        read
    }

    /// True where the body has come to its end, and all of it was read.
    pub(super) fn is_read(&self) -> bool {
        let state = self.state();
        state.intake.is_read() && matches!(state.intake.end(), Some(Ok(())))
    }

    /// Nobody reads the body any more. Its sender is told, unless it has sent all, or the head is still to be sent.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.is_left = true;
        if state.intake.end().is_none() && state.failure.is_none() && state.outlet.sent() > 0 {
            self.send(&mut state, &Told::Stop);
        }
        drop(state);
        self.wake();
    }
}

impl State {
    fn hear(&mut self, told: Told) {
        let taken = match told {
            Told::Stop => {
                self.is_stopped = true;
                Ok(())
            }
            Told::Flow(Flow { sent, granted }) => {
                self.is_granted = true;
                self.outlet.grant(granted);
                if self.is_left { Ok(()) } else { self.intake.check(sent) }
            }
            Told::Part(_) if self.is_left => Ok(()),
            Told::Part(part) => {
                let head = (part.number == 0).then(|| part.head.clone());
                let taken = self.intake.take(part);
                self.head = head.filter(|_| taken.is_ok()).or(self.head.take());
                taken
            }
        };
        if let Err(error) = taken {
            self.fail(Failure::unknown(RpcError::Transport(error.to_string())));
        }
    }

    /// The bus says that nobody is there: nobody has been, where nothing was heard before.
    fn hear_nobody(&mut self, to: &Subject) {
        self.is_alone = true;
        let text = format!("nobody answers on `{to}`; check that the host there is up and has joined this lattice");
        let error = RpcError::Transport(text);
        self.fail(if self.is_granted { Failure::unknown(error) } else { Failure::not_started(error) });
    }

    /// An answer that is no part: it can only be an error.
    fn hear_answer(&mut self, message: &Message) {
        let error = match Answer::from_message(message) {
            Ok(Answer::Whole(Err(failure))) => {
                self.is_ended = true;
                return self.fail(failure);
            }
            Ok(_) => "what came is no part of a streamed call".to_owned(),
            Err(error) => error.to_string(),
        };
        self.fail(Failure::unknown(RpcError::Rpc(error)));
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    fn flow(&self) -> Flow {
        Flow { sent: self.outlet.sent(), granted: self.intake.granted() }
    }

    /// True where nothing of the body that goes out is wanted any more.
    fn is_sent(&self) -> bool {
        self.outlet.is_over() || self.is_stopped
    }

    /// True where nothing more of the body that comes in is wanted.
    fn is_received(&self) -> bool {
        self.intake.end().is_some() || self.is_left
    }
}
