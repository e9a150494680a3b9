//! Two hosts, and what serves streamed calls at one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use lattice::bus::{Bus, Message, Subscription};
use lattice::call::{Answer, Call, CallId, Incarnation, Origin};
use lattice::calls::{Caller, Handler, Heard, Server};
use lattice::limits::{STREAM_LINGER, STREAM_SILENCE_MAX};
use lattice::stream::{Answered, Broken, End, Flow, Frame, Incoming, Outgoing, Part, Streamed, Told, Unanswered};
use lattice::subject::{Subject, Token};
use model::failure::{Failure, RpcError};
use model::ids::HostName;
use tokio::sync::mpsc;

use crate::twin::{AMPLE, Twin, host, settle, soon, subjects};

pub(super) const CALLER: &str = "a";
pub(super) const CALLEE: &str = "b";
pub(super) const CALLS_MAX: usize = 4096;

/// Serves what the head says, and counts.
#[derive(Default)]
pub(super) struct Served {
    pub(super) begun: AtomicUsize,
    /// Calls and bodies that were dropped before their end.
    pub(super) dropped: AtomicUsize,
    /// Bytes that makers of bodies were asked for.
    pub(super) made: Arc<AtomicUsize>,
}

/// Counts where it is dropped before `1` says that all went well.
struct Running(Arc<Served>, bool);

impl Drop for Running {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A handler that can hand itself to the bodies that it makes.
pub(super) struct Desk(pub(super) Arc<Served>);

/// `count` frames of `size` bytes, made as they are asked for.
pub(super) fn made(count: usize, size: usize, asked: Arc<AtomicUsize>) -> Outgoing {
    Outgoing::new(stream::iter(0..count).map(move |at| {
        asked.fetch_add(size, Ordering::SeqCst);
        Ok(Frame::Data(pattern(at, size)))
    }))
}

pub(super) fn pattern(at: usize, size: usize) -> Bytes {
    vec![u8::try_from(at % 251).unwrap(); size].into()
}

/// A body that the test makes frame by frame.
pub(super) fn by_hand() -> (mpsc::Sender<Result<Frame, Broken>>, Outgoing) {
    let (frames, taken) = mpsc::channel(1);
    (frames, Outgoing::new(received(taken)))
}

fn received<T: Send + 'static>(taken: mpsc::Receiver<T>) -> impl futures_util::Stream<Item = T> + Send {
    stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) })
}

pub(super) fn data(text: &'static str) -> Result<Frame, Broken> {
    Ok(Frame::Data(Bytes::from_static(text.as_bytes())))
}

/// All of a body: its bytes, its trailers, and how it ended.
pub(super) async fn rest(body: &mut Incoming) -> (Vec<u8>, Option<Bytes>, Option<String>) {
    let (mut bytes, mut trailers) = (Vec::new(), None);
    loop {
        match tokio::time::timeout(AMPLE, body.next()).await.expect("a frame in time") {
            None => return (bytes, trailers, None),
            Some(Ok(Frame::Data(data))) => bytes.extend(data),
            Some(Ok(Frame::Trailers(found))) => trailers = Some(found),
            Some(Err(Broken(reason))) => return (bytes, trailers, Some(reason)),
        }
    }
}

impl Desk {
    async fn serve(&self, from: &HostName, call: Call, mut body: Incoming) -> Result<Streamed, Failure> {
        let served = self.0.clone();
        served.begun.fetch_add(1, Ordering::SeqCst);
        let mut running = Running(served.clone(), false);
        let head = call.payload.clone();
        let text = std::str::from_utf8(&call.payload).unwrap();
        let (word, size) = text.split_once('/').map_or((text, 0), |(word, size)| (word, size.parse().unwrap()));
        let body = match word {
            "whole" => Outgoing::whole(rest(&mut body).await.0.into()),
            "from" => Outgoing::whole(format!("{from} {}", call.origin).into()),
            "echo" => Outgoing::new(body.map(move |frame| {
                let _ = &running;
                frame
            })),
            "peek" => {
                body.next().await.unwrap().unwrap();
                // The caller sends more before it has the head.
                tokio::time::sleep(STREAM_LINGER).await;
                Outgoing::new(stream::once(async move {
                    let _ = &running;
                    Ok(Frame::Data(rest(&mut body).await.0.len().to_string().into()))
                }))
            }
            "slow" => {
                let (bytes, ..) = rest(&mut body).await;
                tokio::time::sleep(2 * STREAM_SILENCE_MAX).await;
                Outgoing::whole(bytes.len().to_string().into())
            }
            "count" => {
                let (bytes, trailers, broken) = rest(&mut body).await;
                Outgoing::whole(format!("{} {trailers:?} {broken:?}", bytes.len()).into())
            }
            "big" => made(size, 65_536, served.made.clone()),
            "head" => return Ok(Streamed { head: vec![b'h'; size].into(), body: Outgoing::whole(Bytes::new()) }),
            "trailers" => {
                let trailers = Bytes::from(vec![b't'; size]);
                Outgoing::new(stream::iter([data("body"), Ok(Frame::Trailers(trailers))]))
            }
            "unread" => {
                drop(body);
                by_ticks(running)
            }
            "keep" => Outgoing::new(stream::once(async move {
                let _ = (&body, &running);
                std::future::pending().await
            })),
            "quiet" => by_ticks(running),
            "broken" => Outgoing::new(stream::iter([data("half of it"), Err(Broken("on request".to_owned()))])),
            "refuse" => return Err(Failure::not_started(RpcError::Transport("moved away".to_owned()))),
            "fail" => return Err(Failure::unknown(RpcError::ActorHandler("trapped".to_owned()))),
            "panic" => panic!("as asked"),
            "late-panic" => Outgoing::new(stream::iter([0, 1]).then(|at| async move {
                tokio::time::sleep(std::time::Duration::from_millis(20 * at)).await;
                if at == 1 {
                    panic!("as asked");
                }
                data("half of it")
            })),
            "hang" => {
                tokio::time::sleep(AMPLE * 100).await;
                running.1 = true;
                Outgoing::whole(Bytes::new())
            }
            _ => Outgoing::whole(Bytes::from_static(b"hello\n")),
        };
        Ok(Streamed { head, body })
    }
}

/// A body that begins and then stays open.
fn by_ticks(running: Running) -> Outgoing {
    Outgoing::new(stream::iter([data("tick")]).chain(stream::once(async move {
        let _ = &running;
        std::future::pending().await
    })))
}

impl Handler for Desk {
    fn call<'a>(&'a self, _from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async { Ok(call.payload) })
    }

    fn stream<'a>(
        &'a self,
        from: &'a HostName,
        call: Call,
        body: Incoming,
    ) -> BoxFuture<'a, Result<Streamed, Failure>> {
        Box::pin(self.serve(from, call, body))
    }
}

/// A host that serves, and a host that calls.
pub(super) struct Scene {
    pub(super) here: Arc<dyn Bus>,
    pub(super) there: Arc<dyn Bus>,
    pub(super) caller: Caller,
    pub(super) server: Server,
    pub(super) served: Arc<Served>,
}

impl Scene {
    pub(super) async fn both() -> [(Self, Twin); 2] {
        let [memory, nats] = Twin::both().await;
        [(Self::on(&memory).await, memory), (Self::on(&nats).await, nats)]
    }

    pub(super) async fn on(twin: &Twin) -> Self {
        Self::over(twin.join(CALLER).await, twin.join(CALLEE).await).await
    }

    pub(super) async fn over(here: Arc<dyn Bus>, there: Arc<dyn Bus>) -> Self {
        let caller = Caller::start(here.clone(), subjects(), host(CALLER), Incarnation(1)).await.unwrap();
        let served = Arc::<Served>::default();
        let desk = Arc::new(Desk(served.clone()));
        let server = Server::start(there.clone(), subjects(), host(CALLEE), desk, CALLS_MAX).await.unwrap();
        for bus in [&here, &there] {
            settle(&**bus).await;
        }
        Self { here, there, caller, server, served }
    }

    pub(super) async fn open(&self, head: &str, body: Outgoing) -> Result<Answered, Unanswered> {
        self.caller.stream(&host(CALLEE), call(head), body, &Heard::default()).await
    }

    /// What comes of a call with a body that is there as a whole.
    pub(super) async fn ask(&self, head: &str, body: impl Into<Bytes>) -> (Vec<u8>, Option<Bytes>, Option<String>) {
        let mut answer = self.open(head, Outgoing::whole(body.into())).await.unwrap();
        rest(&mut answer.body).await
    }

    /// Every message from now on, without echoes.
    pub(super) async fn tap(&self, twin: &Twin) -> (Arc<dyn Bus>, Subscription) {
        let bus = twin.join("t").await;
        let all = bus.subscribe("lath.l.>".parse().unwrap()).await.unwrap();
        settle(&*bus).await;
        (bus, all)
    }

    /// Nothing is left at either end.
    pub(super) async fn at_rest(&self) {
        crate::twin::until("nothing runs", || self.server.stats().running == 0 && self.caller.stats().streams == 0)
            .await;
        assert_eq!((self.server.stats().streams, self.caller.stats().pending), (0, 0));
    }

    pub(super) async fn drain(self) {
        assert_eq!(self.server.drain(soon()).await, 0);
    }
}

pub(super) fn call(head: &str) -> Call {
    Call {
        target: "shop/web".parse().unwrap(),
        origin: Origin::Ingress,
        link: None,
        contract: "wasi:http/handler@0.3.0".parse().unwrap(),
        method: "handle".parse().unwrap(),
        wire: "http/1".parse().unwrap(),
        deadline: soon(),
        chain: 1,
        depth: 0,
        generation: 1,
        trace: None,
        payload: head.to_owned().into(),
    }
}

impl Scene {
    /// A streamed call of this host, without a body.
    pub(super) async fn caller_at(&self, to: &str, head: &str) -> Result<Answered, Unanswered> {
        self.caller.stream(&host(to), call(head), Outgoing::whole(Bytes::new()), &Heard::default()).await
    }
}

/// A host that speaks the protocol by hand, well or badly.
pub(super) struct Raw {
    pub(super) bus: Arc<dyn Bus>,
    me: &'static str,
    to: &'static str,
    calls: Subscription,
    answers: Subscription,
}

impl Raw {
    pub(super) async fn new(twin: &Twin, me: &'static str, to: &'static str) -> Self {
        let bus = twin.join(me).await;
        let calls = bus.subscribe(subjects().calls(&host(me))).await.unwrap();
        let answers = bus.subscribe(subjects().replies(&host(me))).await.unwrap();
        settle(&*bus).await;
        Self { bus, me, to, calls, answers }
    }

    pub(super) fn id(&self, sequence: u64) -> CallId {
        CallId { incarnation: Incarnation(1), sequence }
    }

    pub(super) fn subject(&self) -> Subject {
        subjects().call(&host(self.to), &host(self.me))
    }

    /// The message that begins a call, with this part and flow.
    pub(super) fn opening(&self, id: CallId, head: &str, part: &Part, flow: Option<Flow>) -> Message {
        let reply = subjects().reply(&host(self.me), &Token::from(&host(self.to)), &id.token());
        let part = Part { head: head.to_owned().into(), ..part.clone() };
        let message = part.on(id, call(head).to_message(self.subject()).wanting(reply));
        flow.into_iter().fold(message, |message, flow| flow.on(id, message))
    }

    /// Begins a call as it should be, without a body.
    pub(super) fn open(&self, sequence: u64, head: &str) {
        let end = Some(End::Whole { trailers: None, bytes: 0, crc32: 0 });
        let flow = Some(Flow { sent: 1, granted: 262_144 });
        let message = self.opening(self.id(sequence), head, &Part { end, ..Part::default() }, flow);
        self.bus.publish(message).unwrap();
    }

    /// The next call of this host, and where its answer goes.
    pub(super) async fn taken(&mut self) -> (CallId, Subject) {
        loop {
            let message = tokio::time::timeout(AMPLE, self.calls.next()).await.unwrap().unwrap();
            // What else comes is about calls that were broken off.
            if message.headers.get("lath-call").is_some() {
                let (id, _) = Told::from_message(&message).unwrap().unwrap();
                return (id, message.reply.unwrap());
            }
        }
    }

    pub(super) fn tell(&self, id: CallId, to: &Subject, told: &Told) {
        self.bus.publish(told.to_message(id, to.clone())).unwrap();
    }

    /// The next error that comes as an answer; parts and flow are passed over.
    pub(super) async fn error(&mut self) -> String {
        loop {
            let message = tokio::time::timeout(AMPLE, self.answers.next()).await.unwrap().unwrap();
            if let Ok(Answer::Whole(Err(failure))) = Answer::from_message(&message) {
                return format!("{:?} {failure}", failure.progress);
            }
        }
    }
}
