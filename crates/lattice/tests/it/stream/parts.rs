//! Parts as messages, and what is decided about them.

use bytes::Bytes;
use lattice::bus::Message;
use lattice::call::{CallId, Incarnation};
use lattice::limits::{STREAM_PART_BYTES_MAX, STREAM_PART_BYTES_MIN, STREAM_WINDOW_BYTES};
use lattice::stream::{Closing, End, Flow, Frame, Intake, Outlet, Part, Told};
use proptest::prelude::*;

const ID: CallId = CallId { incarnation: Incarnation(0x18f), sequence: 0x2c };

fn written(told: &Told) -> String {
    let message = told.to_message(ID, "lath.l.call.b.a".parse().unwrap());
    let mut headers: Vec<_> = message.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    headers.sort();
    format!("{} [{}]", headers.join(", "), String::from_utf8_lossy(&message.payload))
}

#[test]
fn messages_are_written_so() {
    let part = |number, head: &'static str, data: &'static str, end| {
        Told::Part(Part { number, head: head.into(), data: data.into(), end })
    };
    let whole = |trailers: Option<&'static str>| {
        Some(End::Whole { trailers: trailers.map(Bytes::from), bytes: 11, crc32: 0x0a0b })
    };
    for (told, expected) in [
        (part(0, "head", "data", None), "lath-part: 18f-2c 0 head=4 [headdata]"),
        (part(0, "h", "", whole(None)), "lath-part: 18f-2c 0 head=1 bytes=11 crc32=00000a0b [h]"),
        (part(7, "", "data", None), "lath-part: 18f-2c 7 [data]"),
        (part(8, "", "x", whole(Some("tt"))), "lath-part: 18f-2c 8 trailers=2 bytes=11 crc32=00000a0b [xtt]"),
        (part(9, "", "", Some(End::Broken("why".to_owned()))), "lath-part: 18f-2c 9 broken=3 [why]"),
        (Told::Flow(Flow { sent: 3, granted: 262_144 }), "lath-flow: 18f-2c sent=3 granted=262144 []"),
        (Told::Stop, "lath-stop: 18f-2c []"),
    ] {
        assert_eq!(written(&told), expected);
    }
}

#[test]
fn what_is_no_part_is_refused() {
    let read = |header: &str, payload: &'static str| {
        let message = Message::new("lath.l.call.b.a".parse().unwrap(), payload).with("lath-part", header);
        Told::from_message(&message)
    };
    assert!(read("1-1 0 head=2 new=x", "abc").unwrap().is_some(), "what a later version adds is passed over");
    for (header, payload) in [
        ("", ""),
        ("1-1", ""),
        ("1-1 x", ""),
        ("1-1 -1", ""),
        ("1-01 0", ""),
        ("1-1 0 head=4", "abc"),
        ("1-1 0 head=x", "abc"),
        ("1-1 1 head=1", "abc"),
        ("1-1 0 head=1 head=1", "abc"),
        ("1-1 0 head=18446744073709551615 trailers=1 bytes=1 crc32=0", "abc"),
        ("1-1 1 trailers=1", "abc"),
        ("1-1 1 trailers=4 bytes=0 crc32=0", "abc"),
        ("1-1 1 trailers=1 broken=1", "abc"),
        ("1-1 1 broken=4", "abc"),
        ("1-1 1 broken=1 bytes=1 crc32=0", "abc"),
    ] {
        let error = read(header, payload).map(|read| read.is_some());
        assert!(error.is_err(), "{header}: {error:?}");
    }
}

proptest! {
    #[test]
    fn every_part_arrives_as_it_was(
        number in 0_u64..5,
        head in proptest::collection::vec(any::<u8>(), 0..50),
        data in proptest::collection::vec(any::<u8>(), 0..50),
        end in proptest::option::of(prop_oneof![
            (proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50)), any::<u64>(), any::<u32>())
                .prop_map(|(trailers, bytes, crc32)| End::Whole { trailers: trailers.map(Bytes::from), bytes, crc32 }),
            ".{0,20}".prop_map(End::Broken),
        ]),
    ) {
        let head = if number == 0 { head } else { Vec::new() };
        let told = Told::Part(Part { number, head: head.into(), data: data.into(), end });
        let message = told.to_message(ID, "lath.l.call.b.a".parse().unwrap());
        prop_assert_eq!(Told::from_message(&message).unwrap(), Some((ID, told)));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(header in ".{0,60}", payload in proptest::collection::vec(any::<u8>(), 0..60)) {
        for name in ["lath-part", "lath-flow", "lath-stop"] {
            let message = Message::new("lath.l.call.b.a".parse().unwrap(), payload.clone()).with(name, header.clone());
            let _ = Told::from_message(&message);
        }
    }
}

/// What an intake says to parts of these sizes, sent by the rules.
#[test]
fn credit_comes_with_reading() {
    let (mut intake, mut outlet) = (Intake::new(STREAM_WINDOW_BYTES), Outlet::new(STREAM_WINDOW_BYTES));
    // Small parts count for more than they bring, so that there are never too many.
    let mut sent = 0;
    while outlet.room() > 0 {
        intake.take(outlet.part(Bytes::new(), "x".into(), None)).unwrap();
        sent += 1;
    }
    assert_eq!(sent, STREAM_WINDOW_BYTES / STREAM_PART_BYTES_MIN);
    assert_eq!(intake.grant(), None);
    let mut granted = None;
    for _ in 0..sent / 2 {
        assert_eq!((granted, intake.read()), (None, Some(Frame::Data("x".into()))));
        granted = intake.grant();
    }
    assert_eq!(granted, Some(STREAM_WINDOW_BYTES * 3 / 2));
    outlet.grant(granted.unwrap());
    assert_eq!(outlet.room(), STREAM_PART_BYTES_MAX);
    // Credit that comes late takes nothing away, and more than a window is nobody's to give.
    outlet.grant(1);
    assert_eq!(outlet.room(), STREAM_PART_BYTES_MAX);
    outlet.grant(u64::MAX);
    let mut ahead = 0;
    while outlet.room() > 0 {
        ahead += outlet.part(Bytes::new(), vec![0; outlet.room()].into(), None).data.len();
    }
    assert_eq!(ahead as u64, STREAM_WINDOW_BYTES);
}

#[test]
fn parts_out_of_turn_end_a_body() {
    let data = |number, data: &'static str| Part { number, data: data.into(), ..Part::default() };
    let whole = |bytes, crc32| Some(End::Whole { trailers: None, bytes, crc32 });
    let crc = crc32fast_of(b"abcd");
    let long = |number| Part { number, data: vec![0; 65_536].into(), ..Part::default() };
    for (parts, expected) in [
        (vec![data(0, "ab"), Part { end: whole(4, crc), ..data(1, "cd") }], "whole"),
        (
            vec![data(0, "ab"), data(2, "cd")],
            "part 2 came where part 1 was due; it was lost, doubled or overtaken on the way",
        ),
        (
            vec![data(0, "ab"), data(0, "ab")],
            "part 0 came where part 1 was due; it was lost, doubled or overtaken on the way",
        ),
        (vec![data(0, "ab"), data(1, "")], "part 1 brings nothing, or comes after the last; correct the sender"),
        (
            vec![data(0, "ab"), Part { end: whole(4, crc), ..data(1, "cd") }, data(2, "e")],
            "part 2 brings nothing, or comes after the last; correct the sender",
        ),
        (
            vec![data(0, "ab"), Part { end: whole(5, crc), ..data(1, "cd") }],
            "the body is damaged: 4 bytes with CRC-32 ",
        ),
        (
            vec![data(0, "ab"), Part { end: whole(4, crc), ..data(1, "ce") }],
            "the body is damaged: 4 bytes with CRC-32 ",
        ),
        (
            (0..5).map(long).collect(),
            "327680 bytes were sent, but 262144 are granted; the sender does not keep to its credit",
        ),
    ] {
        let mut intake = Intake::new(STREAM_WINDOW_BYTES);
        let taken = parts.into_iter().try_for_each(|part| intake.take(part));
        let told = taken.map_or_else(|error| error.to_string(), |()| "whole".to_owned());
        assert!(told.starts_with(expected), "{told}");
        assert!(
            expected == "whole" || !matches!(intake.end(), Some(Ok(()))) || told.contains("after the last"),
            "{told}"
        );
    }
    let mut intake = Intake::new(STREAM_WINDOW_BYTES);
    intake.take(data(0, "ab")).unwrap();
    assert!(intake.check(1).is_ok());
    assert_eq!(
        intake.check(2).unwrap_err().to_string(),
        "2 parts were sent, and 1 came; the others were lost on the way"
    );
}

/// The checksum, as an outlet makes it.
fn crc32fast_of(bytes: &'static [u8]) -> u32 {
    match Outlet::new(STREAM_WINDOW_BYTES).part(Bytes::new(), bytes.into(), Some(Closing::Whole(None))).end {
        Some(End::Whole { crc32, .. }) => crc32,
        other => panic!("{other:?}"),
    }
}
