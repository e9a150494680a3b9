//! Each bound of the generated code, tripped.

use adapter::limits::{DECODED_MAX, FLAT_MOVES_MAX, MEMORY_PAGES_MAX, MEMORY_TAIL};
use wasmtime::component::Val;

use super::support::{Fixture, deser, interface, list};

/// One byte on the wire, 264 in memory.
const AMPLIFIER: &str = "
    type eight = tuple<u64, u64, u64, u64, u64, u64, u64, u64>;
    variant v { small, large(tuple<eight, eight, eight, eight>) }
    f: func(v: list<v>) -> u32;
";
const ITEM: usize = 264;

/// A message of that many small variants.
fn message(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = count;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 0x80);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes.resize(bytes.len() + count, 0);
    bytes
}

fn count(params: &[Val]) -> Vec<Val> {
    let [Val::List(items)] = params else { panic!("{params:?}") };
    vec![Val::U32(u32::try_from(items.len()).unwrap())]
}

#[test]
fn decoded_max() {
    let fixture = Fixture::new(&interface(AMPLIFIER));
    let mut receiver = fixture.receiver(|_, params| count(params));
    let most = usize::try_from(DECODED_MAX).unwrap() / ITEM;
    let refused = receiver.receive("f", &message(most + 1)).unwrap();
    assert_eq!(refused, Err(deser("f: value too large in memory at byte 0")));
    assert!(receiver.receive("f", &message(most - 1)).unwrap().is_ok());
}

#[test]
fn no_memory_is_no_trap() {
    let fixture = Fixture::new(&interface(AMPLIFIER));
    let mut receiver = fixture.receiver(|_, params| count(params));
    receiver.limit_memory(1 << 20);
    let refused = receiver.receive("f", &message(10_000)).unwrap();
    assert_eq!(refused, Err(deser("f: out of memory at byte 0")));
    assert!(receiver.receive("f", &message(1000)).unwrap().is_ok());
}

/// What one call leaves behind is gone at the next, whether or not that one brings bytes of its own.
#[test]
fn each_call_begins_with_an_empty_arena() {
    let fixture = Fixture::new(&interface("f: func(v: list<u8>) -> list<u8>; g: func() -> list<u8>;"));
    let mut receiver = fixture.receiver(|_, _| vec![list(&[7; 10_000])]);
    receiver.limit_memory(1 << 16);
    let payload = [&[0x90, 0x4e][..], &[7; 10_000]].concat();
    let reply = payload.clone();
    let mut sender = fixture.sender(move |_| Ok(reply.clone()));
    sender.limit_memory(1 << 16);
    for _ in 0..100 {
        assert_eq!(receiver.receive("f", &payload).unwrap().unwrap(), payload);
        assert_eq!(receiver.receive("g", &[]).unwrap().unwrap(), payload);
        assert_eq!(sender.call("f", &[list(&[7; 10_000])]).unwrap(), Some(list(&[7; 10_000])));
        assert_eq!(sender.call("g", &[]).unwrap(), Some(list(&[7; 10_000])));
    }
}

/// The memory of an adapter states its bound, and begins with one page.
#[test]
fn memory_pages_max() {
    let (resolve, id) = super::support::parse(&interface(AMPLIFIER));
    let bytes = adapter::emit::emit(&resolve, id, model::wire::Side::Receiver, model::wire::WireVersion::V1).unwrap();
    let mut memories = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
        if let wasmparser::Payload::MemorySection(section) = payload.unwrap() {
            memories.extend(section.into_iter().map(Result::unwrap));
        }
    }
    let [memory] = memories.as_slice() else { panic!("{memories:?}") };
    assert_eq!((memory.initial, memory.maximum), (1, Some(MEMORY_PAGES_MAX.into())));
}

/// Variants of variants of variants: small on paper, and in memory, but not as code.
#[test]
fn flat_moves_max() {
    let emit = |depth: usize| {
        let mut wit = "variant v0 { a(u8), b(u16), c(u32) }\nvariant w0 { a(s8), b(s16), c(s32) }\n".to_owned();
        for level in 1..=depth {
            let below = level - 1;
            wit += &format!("variant v{level} {{ a(v{below}), b(w{below}), c }}\n");
            wit += &format!("variant w{level} {{ a(w{below}), b(v{below}), c }}\n");
        }
        wit += &format!("f: func(v: v{depth});");
        let (resolve, id) = super::support::parse(&interface(&wit));
        adapter::emit::emit(&resolve, id, model::wire::Side::Sender, model::wire::WireVersion::V1)
    };
    assert!(emit(10).is_ok());
    let refused = emit(14).unwrap_err().to_string();
    assert!(refused.contains(&format!("more than {FLAT_MOVES_MAX} steps")), "{refused}");
}

/// Messages that end exactly where memory must have its tail: reading eight bytes at once stays inside.
#[test]
fn memory_tail() {
    let fixture = Fixture::new(&interface("f: func(a: list<u8>, b: u32) -> u32;"));
    let mut receiver = fixture.receiver(|_, params| vec![params[1].clone()]);
    receiver.limit_memory(1 << 16);
    let page = 65_536_usize;
    let tail = usize::try_from(MEMORY_TAIL).unwrap();
    let mut served = 0;
    for length in page - 1200..page - tail {
        let mut payload = vec![u8::try_from(length % 128).unwrap() | 0x80, 0, 0];
        payload[1] = u8::try_from((length / 128) % 128).unwrap() | 0x80;
        payload[2] = u8::try_from(length / 128 / 128).unwrap();
        payload.resize(3 + length, 7);
        payload.extend([0xac, 0x02]);
        match receiver.receive("f", &payload) {
            Ok(reply) => {
                served += 1;
                assert!(reply.is_ok() || reply == Err(deser("f: out of memory at byte 0")), "{reply:?}");
            }
            // The engine itself could not place the message: the only trap there is.
            Err(_) => break,
        }
    }
    assert!(served > 100, "{served}");
}
