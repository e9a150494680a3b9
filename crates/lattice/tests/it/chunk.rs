use bytes::Bytes;
use lattice::bus::Message;
use lattice::call::{CallId, Incarnation};
use lattice::chunk::{Announcement, Assembly, ChunkError, Signal, Step, chunk, chunk_bytes, whole_max};
use lattice::limits::{
    CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_WINDOW, CHUNKED_BYTES_MAX, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX,
    WHOLE_BYTES_MAX,
};
use lattice::subject::Subject;
use proptest::prelude::*;

fn subject() -> Subject {
    "lath.l.call.h1.h2".parse().unwrap()
}

fn payload(bytes: usize) -> Bytes {
    (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn sizes_follow_from_what_a_message_may_have() {
    for (payload_max, whole, chunk) in [
        (PAYLOAD_BYTES_MAX, WHOLE_BYTES_MAX, CHUNK_BYTES_MAX),
        (8 << 20, WHOLE_BYTES_MAX, CHUNK_BYTES_MAX),
        (100_000, 100_000 - HEADER_BYTES_MAX, 100_000 - HEADER_BYTES_MAX),
        (HEADER_BYTES_MAX, 0, CHUNK_BYTES_MIN),
        (0, 0, CHUNK_BYTES_MIN),
    ] {
        assert_eq!((whole_max(payload_max), chunk_bytes(payload_max)), (whole, chunk), "{payload_max}");
    }
}

#[test]
fn announcements_are_checked() {
    let announced = Announcement::of(b"123456789").unwrap();
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(announced, Announcement { bytes: 9, crc32: 0xcbf4_3926 });
    let message = announced.on(Message::new(subject(), ""));
    assert_eq!(message.headers.get("lath-chunks"), Some("bytes=9 crc32=cbf43926"));
    assert_eq!(Announcement::from_message(&message), Ok(Some(announced)));
    assert_eq!(Announcement::from_message(&Message::new(subject(), "")), Ok(None));
    assert_eq!(Announcement::of(b""), None);
    assert!(Announcement::of(&payload(CHUNKED_BYTES_MAX)).is_some());
    assert_eq!(Announcement::of(&payload(CHUNKED_BYTES_MAX + 1)), None);
    for wrong in [
        "",
        "bytes=9",
        "bytes=0 crc32=00000000",
        "bytes=67108865 crc32=00000000",
        "bytes=-1 crc32=00000000",
        "bytes=9 crc32=fffffffff",
        "bytes=9 crc32=",
        "crc32=cbf43926 bytes=9",
        "bytes=18446744073709551616 crc32=0",
    ] {
        let error = Announcement::from_message(&Message::new(subject(), "").with("lath-chunks", wrong)).unwrap_err();
        assert_eq!(
            error.reason,
            format!("header `lath-chunks` is `{wrong}`, not `bytes=` and `crc32=` of 1 to 67108864 bytes")
        );
    }
}

#[test]
fn signals_are_read() {
    let id = CallId { incarnation: Incarnation(0xa), sequence: 0x10 };
    for (signal, header, value) in [
        (Signal::Chunk(id, 7), "lath-chunk", "a-10 7"),
        (Signal::Credit(id, 12), "lath-credit", "a-10 12"),
        (Signal::Cancel(id), "lath-cancel", "a-10"),
    ] {
        let message = signal.to_message(subject());
        assert_eq!((message.headers.get(header), message.headers.len()), (Some(value), 1));
        assert_eq!((Signal::from_message(&message), signal.id()), (Some(signal), id));
    }
    for (header, value) in [
        ("lath-chunk", "a-10"),
        ("lath-chunk", "a-10 -1"),
        ("lath-chunk", "10 7"),
        ("lath-credit", "a-10 18446744073709551616"),
        ("lath-credit", ""),
        ("lath-cancel", "A-10"),
        ("lath-other", "a-10"),
    ] {
        assert_eq!(Signal::from_message(&Message::new(subject(), "").with(header, value)), None, "{header} {value}");
    }
}

/// Takes chunks by number out of a payload of ten, and says what the last one led to.
fn taken(numbers: &[u64]) -> Result<Step, ChunkError> {
    let payload = payload(10 * CHUNK_BYTES_MIN);
    let mut assembly = Assembly::new(Announcement::of(&payload).unwrap());
    let mut last = Ok(Step::More);
    for number in numbers {
        last = assembly.take(*number, &chunk(&payload, *number, CHUNK_BYTES_MIN).unwrap());
    }
    last
}

#[test]
fn chunks_come_once_and_in_order() {
    let whole: Vec<u64> = (0..10).collect();
    assert_eq!(taken(&whole), Ok(Step::Whole(payload(10 * CHUNK_BYTES_MIN))));
    assert_eq!(taken(&whole[..9]), Ok(Step::More));
    assert_eq!(taken(&[0, 1]), Ok(Step::Grant(6)));
    for (numbers, expected, found) in
        [(&[1][..], 0, 1), (&[0, 0], 1, 0), (&[0, 2], 1, 2), (&[0, 1, 2, 1], 3, 1), (&[9], 0, 9)]
    {
        assert_eq!(taken(numbers), Err(ChunkError::Order { expected, found }), "{numbers:?}");
    }
}

#[test]
fn what_does_not_keep_to_the_announcement_is_refused() {
    let three = payload(3 * CHUNK_BYTES_MIN);
    let announced = Announcement::of(&three).unwrap();
    let size = |number, found, before| ChunkError::Size { number, found, before, announced: three.len() };
    for (chunks, error) in [
        (vec![payload(CHUNK_BYTES_MIN - 1)], size(0, CHUNK_BYTES_MIN - 1, 0)),
        (vec![Bytes::new()], size(0, 0, 0)),
        (vec![payload(three.len() + 1)], size(0, three.len() + 1, 0)),
        (vec![payload(2 * CHUNK_BYTES_MIN), payload(CHUNK_BYTES_MIN + 1)], size(1, 1025, 2048)),
        (vec![payload(2 * CHUNK_BYTES_MIN), payload(CHUNK_BYTES_MIN - 1)], size(1, 1023, 2048)),
        (vec![Bytes::from(vec![0; three.len()])], {
            let found = crc32fast::hash(&vec![0; three.len()]);
            ChunkError::Damaged { found, announced: announced.crc32 }
        }),
    ] {
        let mut assembly = Assembly::new(announced);
        let mut last = Ok(Step::More);
        for (number, chunk) in (0..).zip(&chunks) {
            last = assembly.take(number, chunk);
        }
        assert_eq!(last, Err(error), "{:?}", chunks.iter().map(Bytes::len).collect::<Vec<_>>());
    }
}

#[test]
fn nobody_sends_more_than_is_granted() {
    let payload = payload(100 * CHUNK_BYTES_MIN);
    let mut assembly = Assembly::new(Announcement::of(&payload).unwrap());
    assert_eq!(assembly.granted(), CHUNK_WINDOW);
    let mut granted = assembly.granted();
    for number in 0..100 {
        assert!(number < granted, "the sender never has to stop for longer than credit travels");
        match assembly.take(number, &chunk(&payload, number, CHUNK_BYTES_MIN).unwrap()).unwrap() {
            Step::Grant(more) => {
                assert!(more > granted && more - number <= CHUNK_WINDOW + 1);
                granted = more;
            }
            Step::More => assert!(granted - number > CHUNK_WINDOW / 2),
            Step::Whole(whole) => assert_eq!((number, whole), (99, payload.clone())),
        }
    }
}

proptest! {
    #[test]
    fn what_was_taken_apart_is_put_together(bytes in 1_usize..200_000, size in CHUNK_BYTES_MIN..50_000) {
        let payload = payload(bytes);
        let mut assembly = Assembly::new(Announcement::of(&payload).unwrap());
        let mut number = 0;
        let whole = loop {
            let part = chunk(&payload, number, size).unwrap();
            match assembly.take(number, &part).unwrap() {
                Step::Whole(whole) => break whole,
                Step::More | Step::Grant(_) => number += 1,
            }
        };
        prop_assert_eq!(chunk(&payload, number + 1, size), None);
        prop_assert_eq!(whole, payload);
    }

    #[test]
    fn one_flipped_bit_is_found(bytes in 1_usize..5_000, at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let payload = payload(bytes);
        let mut damaged = payload.to_vec();
        damaged[at.index(bytes)] ^= 1 << bit;
        let error = Assembly::new(Announcement::of(&payload).unwrap()).take(0, &damaged).unwrap_err();
        let told = matches!(error, ChunkError::Damaged { .. });
        prop_assert!(told);
    }
}
