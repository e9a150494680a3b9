use std::time::Duration;

use bytes::Bytes;
use lattice::bus::{Bus, Message};
use lattice::call::{Call, answer, read_answer, request};
use lattice::memory::MemoryBus;
use lattice::subject::Subject;
use model::failure::{Failure, RpcError};
use proptest::prelude::*;

fn subject() -> Subject {
    Subject::call("local", "h1", "cli").unwrap()
}

fn call() -> Call {
    Call {
        actor: "shop/cart".to_owned(),
        contract: "acme:shop/cart@1.0.0".to_owned(),
        method: "total".to_owned(),
        wire: "lath/1".to_owned(),
        remaining: Duration::from_millis(1500),
        payload: Bytes::from_static(b"\x01\x02"),
    }
}

fn every_error(text: &str) -> impl Iterator<Item = RpcError> {
    RpcError::CASES.iter().map(move |make| make(text.to_owned()))
}

#[test]
fn a_call_survives_its_message() {
    assert_eq!(Call::from_message(&call().into_message(subject())).unwrap(), call());
}

#[test]
fn a_broken_call_is_refused_by_name() {
    let check = |broken: &dyn Fn(&mut Message), expected: &str| {
        let mut message = call().into_message(subject());
        broken(&mut message);
        let error = Call::from_message(&message).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    for header in ["lath-actor", "lath-contract", "lath-method", "lath-wire", "lath-deadline"] {
        check(&|message| message.headers.retain(|(name, _)| name != header), &format!("header `{header}` is missing"));
    }
    check(&|message| message.headers[4].1 = "soon".to_owned(), "`soon`, not a number of milliseconds");
}

#[test]
fn every_failure_survives_its_answer() {
    for error in every_error("because") {
        for failure in [Failure::not_started(error.clone()), Failure::unknown(error.clone())] {
            let message = answer(subject(), Err(failure.clone()));
            assert_eq!(read_answer(&message).unwrap(), Err(failure));
        }
    }
    let mut message = answer(subject(), Err(Failure::unknown(RpcError::NotImplemented)));
    message.headers[0].1 = "tired".to_owned();
    assert!(read_answer(&message).unwrap_err().to_string().contains("`tired` is no case of rpc-error"));
}

#[tokio::test]
async fn a_request_gives_the_callee_s_answer() {
    let bus = MemoryBus::new();
    let mut calls = bus.subscribe(Subject::calls("local", "h1").unwrap()).await.unwrap();
    let (result, ()) = tokio::join!(request(&bus, subject(), call()), async {
        let mut message = calls.next().await.unwrap();
        assert_eq!(message.subject.sender(), "cli");
        let reply = message.reply.take().unwrap();
        reply.send(answer(subject(), Ok(Call::from_message(&message).unwrap().payload.to_vec())));
    });
    assert_eq!(result.unwrap(), "\x01\x02");
}

#[tokio::test]
async fn a_missing_host_is_a_failure_that_has_not_started() {
    let failure = request(&MemoryBus::new(), subject(), call()).await.unwrap_err();
    assert!(matches!(
        failure,
        Failure { error: RpcError::Transport(_), progress: model::failure::Progress::NotStarted }
    ));
}

proptest! {
    #[test]
    fn no_message_makes_the_reader_panic(
        headers in proptest::collection::vec(("(lath-[a-z]{1,9}|.{0,9})", ".{0,20}"), 0..8),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let message = Message { subject: subject(), headers, payload: payload.into(), reply: None };
        let _ = Call::from_message(&message);
        let _ = read_answer(&message);
    }
}
