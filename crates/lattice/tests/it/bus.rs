use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::bus::{Bus, BusError, Message};
use lattice::limits::{HEADERS_MAX, PAYLOAD_BYTES_MAX, PENDING_MAX};
use lattice::memory::MemoryBus;
use lattice::subject::Subject;

fn message(subject: &str, payload: &str) -> Message {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Message { subject: subject.parse().unwrap(), headers: Vec::new(), payload, reply: None }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_covering_subscription_receives_in_order() {
    let bus = MemoryBus::new();
    let mut all = bus.subscribe(subject("news.*")).await.unwrap();
    let mut one = bus.subscribe(subject("news.sport")).await.unwrap();
    for (to, text) in [("news.sport", "1"), ("news.arts", "2"), ("news.sport", "3")] {
        bus.publish(message(to, text)).await.unwrap();
    }
    for text in ["1", "2", "3"] {
        assert_eq!(all.next().await.unwrap().payload, text);
    }
    for text in ["1", "3"] {
        assert_eq!(one.next().await.unwrap().payload, text);
    }
}

#[tokio::test]
async fn a_request_is_answered_once_by_one_subscriber() {
    let bus = Arc::new(MemoryBus::new());
    let mut calls = bus.subscribe(subject("calls.*")).await.unwrap();
    let server = tokio::spawn(async move {
        let mut request = calls.next().await.unwrap();
        let reply = request.reply.take().unwrap();
        reply.send(message("answer", "42"));
        calls
    });
    let answer = bus.request(message("calls.me", "?"), soon()).await.unwrap();
    assert_eq!(answer.payload, "42");
    drop(server.await.unwrap());
    let error = bus.request(message("calls.me", "?"), soon()).await.unwrap_err();
    assert_eq!(error, BusError::NoResponders { subject: "calls.me".to_owned() });
}

#[tokio::test]
async fn a_dropped_request_and_a_silent_subscriber_are_told_apart() {
    let bus = MemoryBus::new();
    let mut calls = bus.subscribe(subject("calls")).await.unwrap();
    let (answer, ()) = tokio::join!(bus.request(message("calls", ""), soon()), async {
        drop(calls.next().await);
    });
    assert_eq!(answer.unwrap_err(), BusError::Dropped { subject: "calls".to_owned() });
    let error = bus.request(message("calls", ""), Instant::now() + Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error, BusError::Deadline { subject: "calls".to_owned() });
}

#[tokio::test]
async fn a_full_subscription_is_told_to_the_publisher() {
    let bus = MemoryBus::new();
    let mut slow = bus.subscribe(subject("slow")).await.unwrap();
    for _ in 0..PENDING_MAX {
        bus.publish(message("slow", "")).await.unwrap();
    }
    let error = bus.publish(message("slow", "")).await.unwrap_err();
    assert_eq!(error, BusError::Busy { subject: "slow".to_owned() });
    slow.next().await.unwrap();
    bus.publish(message("slow", "")).await.unwrap();
}

#[tokio::test]
async fn messages_are_bounded() {
    let bus = MemoryBus::new();
    let _subscription = bus.subscribe(subject("s")).await.unwrap();
    let mut many = message("s", "");
    many.headers = vec![(String::new(), String::new()); HEADERS_MAX + 1];
    assert!(matches!(bus.publish(many).await, Err(BusError::TooLarge { what: "headers", .. })));
    let mut big = message("s", "");
    big.payload = vec![0; PAYLOAD_BYTES_MAX + 1].into();
    assert!(matches!(bus.request(big, soon()).await, Err(BusError::TooLarge { what: "bytes of payload", .. })));
}

#[tokio::test]
async fn a_full_subscription_keeps_nothing_from_the_others() {
    let bus = MemoryBus::new();
    let _slow = bus.subscribe(subject("news")).await.unwrap();
    let mut quick = bus.subscribe(subject("news")).await.unwrap();
    for _ in 0..PENDING_MAX {
        bus.publish(message("news", "")).await.unwrap();
        quick.next().await.unwrap();
    }
    let error = bus.publish(message("news", "last")).await.unwrap_err();
    assert_eq!(error, BusError::Busy { subject: "news".to_owned() });
    drop(bus);
    assert_eq!(quick.next().await.unwrap().payload, "last");
}
