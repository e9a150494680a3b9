//! The host on the bus: messages that are no calls, and how many it serves.

use futures_util::future::join_all;
use host::limits::BUS_CALLS_MAX;
use lattice::bus::{Bus as _, Message, Subscription};
use lattice::call::{Answer, CallId, Incarnation};
use lattice::subject::{Subjects, Token};
use model::failure::Progress;
use model::ids::HostName;
use testkit::application::{HOST, LATTICE, Running};
use testkit::caller::{AMPLE, word};

use crate::scene::{faults, faulty, until};

const HEADER: &str = "target=test/target caller=@operator contract=test:faulty/faults@0.1.0 method=now wire=lath/1 deadline=60000 chain=1 \
     depth=0 generation=0";

/// Sends messages by hand.
struct Hand<'a> {
    running: &'a Running,
    answers: Subscription,
    sequence: u64,
}

impl<'a> Hand<'a> {
    async fn new(running: &'a Running) -> Self {
        let answers = running.bus.subscribe(subjects().replies(&word("hand"))).await.unwrap();
        Self { running, answers, sequence: 0 }
    }

    fn message() -> Message {
        Message::new(subjects().call(&word(HOST), &word("hand")), "")
    }

    /// What a message comes to that has this header, or none.
    async fn ask(&mut self, header: Option<&str>) -> Result<(), String> {
        self.sequence += 1;
        let id = CallId { incarnation: Incarnation(1), sequence: self.sequence };
        let callee = Token::from(&word::<HostName>(HOST));
        let message = Self::message().wanting(subjects().reply(&word("hand"), &callee, &id.token()));
        let message = header.into_iter().fold(message, |message, header| message.with("lath-call", header));
        self.running.bus.publish(message).unwrap();
        let answer = tokio::time::timeout(AMPLE, self.answers.next()).await.unwrap().unwrap();
        match Answer::from_message(&answer).unwrap() {
            Answer::Whole(Err(failure)) => Err(format!("{:?} {}", failure.progress, failure.error)),
            Answer::Whole(Ok(_)) | Answer::Chunks(_) => Ok(()),
        }
    }
}

fn subjects() -> Subjects {
    Subjects::new(&word(LATTICE))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_call_is_refused() {
    let running = faulty("target", "").await;
    let mut hand = Hand::new(&running).await;
    let broken = |reason: &str| {
        let text = format!("the message on `lath.local.call.here.hand` is not a call: {reason}");
        Err(format!("NotStarted deser: {text}; check the version of its sender"))
    };
    assert_eq!(hand.ask(None).await, broken("header `lath-call` is missing"));
    for deadline in ["", "-1", "soon", "99999999999999999999"] {
        let reason = format!("`deadline` in header `lath-call` is `{deadline}`, not a number of milliseconds");
        assert_eq!(hand.ask(Some(&HEADER.replace("60000", deadline))).await, broken(&reason));
    }
    let passed = hand.ask(Some(&HEADER.replace("60000", "0"))).await.unwrap_err();
    assert!(passed.starts_with("NotStarted deadline-exceeded: "), "{passed}");
    // A deadline beyond all is cut down, not refused.
    assert_eq!(hand.ask(Some(&HEADER.replace("60000", "18446744073709551615"))).await, Ok(()));
    // Without a wish for an answer it is no call: nothing happens, and the host goes on.
    running.bus.publish(Hand::message().with("lath-call", HEADER)).unwrap();
    running.bus.publish(Hand::message()).unwrap();
    assert_eq!(hand.ask(Some(HEADER)).await, Ok(()));
    assert_eq!(running.host.stats().actors.values().map(|actor| actor.calls).sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_are_bounded() {
    let running = faulty("target", "limits = { instances = 1, queue = 5000, execution = \"60s\" }").await;
    let faults = faults(&running, "target");
    let (spin, now) = (faults.message("spin", vec![]), faults.message("now", vec![]));
    let state = || {
        let stats = running.host.stats().actors.into_values().next().unwrap();
        (stats.running, stats.waiting)
    };
    let others = async {
        until("one runs", || state() == (1, 0)).await;
        join_all(vec![now.clone(); BUS_CALLS_MAX - 1].into_iter().map(|call| running.send(call))).await
    };
    let one_more = async {
        until("all the others wait", || state() == (1, BUS_CALLS_MAX - 1)).await;
        running.send(now.clone()).await.unwrap_err()
    };
    let refused = tokio::select! {
        spun = running.send(spin) => panic!("it never stops by itself: {spun:?}"),
        answers = others => panic!("they wait: {answers:?}"),
        refused = one_more => refused,
    };
    assert_eq!(refused.progress, Progress::NotStarted);
    assert_eq!(
        refused.to_string(),
        format!("host-error: host {HOST} already serves {BUS_CALLS_MAX} calls from the bus; try again later")
    );
}
