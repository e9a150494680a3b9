//! Bytes that no encoder wrote: every check, and then anything at all. Nothing traps.

use std::cell::RefCell;
use std::fmt::Write;

use model::wire::WireVersion;
use proptest::prelude::*;
use wasmtime::component::Val;

use super::roundtrip::{EVERYTHING, echo};
use super::support::{Fixture, deser, err, interface, text};
use super::values::{Dice, value};

/// Type, bytes as hexadecimal, and the fault that they are.
const MALFORMED: &[(&str, &str, &str)] = &[
    // The end.
    ("u8", "", "unexpected end at byte 0"),
    ("u32", "", "unexpected end at byte 0"),
    ("u32", "80", "unexpected end at byte 0"),
    ("u64", "8080", "unexpected end at byte 0"),
    ("f32", "000000", "unexpected end at byte 0"),
    ("f64", "00000000000000", "unexpected end at byte 0"),
    ("char", "", "unexpected end at byte 0"),
    ("string", "", "unexpected end at byte 0"),
    ("tuple<u8, bool>", "01", "unexpected end at byte 1"),
    ("option<u8>", "01", "unexpected end at byte 1"),
    ("nine", "01", "unexpected end at byte 0"),
    ("list<u8, 3>", "0102", "unexpected end at byte 0"),
    ("list<u16, 2>", "8001", "unexpected end at byte 2"),
    // Bytes after the end.
    ("u8", "0100", "trailing bytes at byte 1"),
    ("string", "0161ff", "trailing bytes at byte 2"),
    // Booleans, options, results, enums, variants, flags.
    ("bool", "02", "invalid bool at byte 0"),
    ("list<bool>", "020102", "invalid bool at byte 2"),
    ("list<bool, 2>", "0102", "invalid bool at byte 1"),
    ("option<u8>", "0200", "invalid case at byte 0"),
    ("option<u8>", "8000", "invalid case at byte 0"),
    ("result", "02", "invalid case at byte 0"),
    ("color", "03", "invalid case at byte 0"),
    ("color", "8000", "invalid case at byte 0"),
    ("shape", "ff", "invalid case at byte 0"),
    ("three", "08", "invalid flag bits at byte 0"),
    ("nine", "0002", "invalid flag bits at byte 0"),
    // Integers.
    ("u16", "808004", "integer out of range at byte 0"),
    ("u16", "ffffffff0f", "integer out of range at byte 0"),
    ("s16", "80c003", "integer out of range at byte 0"),
    ("s16", "ffff7d", "integer out of range at byte 0"),
    ("u32", "8080808010", "integer out of range at byte 0"),
    ("u32", "808080808000", "integer out of range at byte 0"),
    ("u32", "ffffffffffffffffff01", "integer out of range at byte 0"),
    ("u32", "ffffffff7f", "integer out of range at byte 0"),
    ("s32", "8080808008", "integer out of range at byte 0"),
    ("s32", "ffffffff77", "integer out of range at byte 0"),
    ("u64", "80808080808080808002", "integer out of range at byte 0"),
    ("u64", "8080808080808080808001", "integer out of range at byte 0"),
    ("s64", "80808080808080808001", "integer out of range at byte 0"),
    ("s64", "8080808080808080807e", "integer out of range at byte 0"),
    ("u16", "8000", "integer not in its shortest form at byte 0"),
    ("u32", "ff8000", "integer not in its shortest form at byte 0"),
    ("u32", "8080808000", "integer not in its shortest form at byte 0"),
    ("s32", "8000", "integer not in its shortest form at byte 0"),
    ("s32", "ff7f", "integer not in its shortest form at byte 0"),
    ("s32", "bf00", "integer not in its shortest form at byte 0"),
    ("s32", "ffffffff7f", "integer not in its shortest form at byte 0"),
    ("u64", "8000", "integer not in its shortest form at byte 0"),
    ("u64", "80808080808080808000", "integer not in its shortest form at byte 0"),
    ("s64", "8000", "integer not in its shortest form at byte 0"),
    ("s64", "ff7f", "integer not in its shortest form at byte 0"),
    ("s64", "ffffffffffffffffff7f", "integer not in its shortest form at byte 0"),
    ("string", "8000", "integer not in its shortest form at byte 0"),
    // Characters.
    ("char", "80", "invalid char at byte 0"),
    ("char", "bf", "invalid char at byte 0"),
    ("char", "c080", "invalid char at byte 0"),
    ("char", "c1bf", "invalid char at byte 0"),
    ("char", "c3", "invalid char at byte 0"),
    ("char", "c328", "invalid char at byte 0"),
    ("char", "e08080", "invalid char at byte 0"),
    ("char", "e09fbf", "invalid char at byte 0"),
    ("char", "e282", "invalid char at byte 0"),
    ("char", "eda080", "invalid char at byte 0"),
    ("char", "edbfbf", "invalid char at byte 0"),
    ("char", "f0808080", "invalid char at byte 0"),
    ("char", "f08fbfbf", "invalid char at byte 0"),
    ("char", "f4908080", "invalid char at byte 0"),
    ("char", "f5808080", "invalid char at byte 0"),
    ("char", "f8888080", "invalid char at byte 0"),
    ("char", "ff", "invalid char at byte 0"),
    // Text: where in the string, and not beyond it.
    ("string", "01ff", "invalid UTF-8 at byte 1"),
    ("string", "036162c3", "invalid UTF-8 at byte 3"),
    ("string", "0161c3a9", "trailing bytes at byte 2"),
    ("tuple<string, string>", "01c301a9", "invalid UTF-8 at byte 1"),
    ("string", "1161616161616161616161616161616161c3", "invalid UTF-8 at byte 17"),
    ("string", "12c3a96161616161616161616161616161ffc3a9", "invalid UTF-8 at byte 17"),
    ("string", "03eda080", "invalid UTF-8 at byte 1"),
    ("list<string>", "0201610180", "invalid UTF-8 at byte 4"),
    // Counts.
    ("string", "0261", "length beyond the end at byte 0"),
    ("string", "ffffffff0f", "length beyond the end at byte 0"),
    ("list<u8>", "ffffffff0f", "length beyond the end at byte 0"),
    ("list<u8>", "03010203ff", "trailing bytes at byte 4"),
    ("list<u32>", "0301", "length beyond the end at byte 0"),
    ("list<f64>", "020000000000000000", "length beyond the end at byte 0"),
    ("list<tuple<f64, f64>>", "ffffffff0f00", "length beyond the end at byte 0"),
    ("list<list<u32>>", "0101ff", "unexpected end at byte 2"),
    ("map<string, u8>", "0200", "length beyond the end at byte 0"),
    ("map<string, u8>", "01016102ff", "trailing bytes at byte 4"),
];

const TYPES: &str = "
    enum color { red, green, blue }
    variant shape { a(u8), b(string) }
    flags three { a, b, c }
    flags nine { a, b, c, d, e, f, g, h, i }
";

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// What differs in version 2: lists of numbers have a width.
const MALFORMED_2: &[(&str, &str, &str)] = &[
    ("list<u16>", "01", "length beyond the end at byte 0"),
    ("list<u16>", "0201020304ff", "trailing bytes at byte 5"),
    ("list<u16>", "02010203", "length beyond the end at byte 0"),
    ("list<s32>", "01000000", "length beyond the end at byte 0"),
    ("list<u32>", "ffffffff0f", "length beyond the end at byte 0"),
    // Counts that come to 0 and to 8 bytes where they are multiplied in 32 bits.
    ("list<u32>", "8080808004", "length beyond the end at byte 0"),
    ("list<u64>", "81808080020000000000000000", "length beyond the end at byte 0"),
    ("list<u32>", "808080801000", "integer out of range at byte 0"),
    ("list<u32>", "8000", "integer not in its shortest form at byte 0"),
    ("list<f64>", "020000000000000000", "length beyond the end at byte 0"),
    ("list<u16, 2>", "010203", "unexpected end at byte 0"),
    ("list<s64, 3>", "00", "unexpected end at byte 0"),
    ("list<list<u64>>", "0201000000000000000002", "length beyond the end at byte 10"),
    ("list<list<u16, 2>>", "02010203040506", "length beyond the end at byte 0"),
    // Values that not every bit pattern is stay as they were.
    ("list<bool>", "020102", "invalid bool at byte 2"),
    ("list<char>", "0161ff", "trailing bytes at byte 2"),
    ("list<char>", "01ff", "invalid char at byte 1"),
    ("list<color>", "0103", "invalid case at byte 1"),
    ("list<three>", "0108", "invalid flag bits at byte 1"),
    ("list<tuple<u16, u16>>", "01808004", "integer out of range at byte 1"),
    ("u32", "8000", "integer not in its shortest form at byte 0"),
];

#[test]
fn every_check_of_the_receiver() {
    check_receiver(WireVersion::V1, MALFORMED);
    check_receiver(WireVersion::V2, MALFORMED_2);
}

fn check_receiver(wire: WireVersion, malformed: &[(&str, &str, &str)]) {
    let mut wit = TYPES.to_owned();
    for (at, (ty, _, _)) in malformed.iter().enumerate() {
        writeln!(wit, "call{at}: func(v: {ty});").unwrap();
    }
    let fixture = Fixture::speaking(wire, &interface(&wit));
    let mut receiver = fixture.receiver(|name, params| panic!("{name} reached its target with {params:?}"));
    for (at, (ty, hex, fault)) in malformed.iter().enumerate() {
        let answer = receiver.receive(&format!("call{at}"), &from_hex(hex)).unwrap();
        assert_eq!(answer, Err(deser(&format!("call{at}: {fault}"))), "{ty} {hex}");
    }
}

#[test]
fn every_check_of_the_sender() {
    check_sender(WireVersion::V1, MALFORMED);
    check_sender(WireVersion::V2, MALFORMED_2);
}

fn check_sender(wire: WireVersion, malformed: &[(&str, &str, &str)]) {
    let mut wit = TYPES.to_owned();
    for (at, (ty, _, _)) in malformed.iter().enumerate() {
        writeln!(wit, "call{at}: func() -> result<tuple<{ty}>, string>;").unwrap();
    }
    let fixture = Fixture::speaking(wire, &interface(&wit));
    let reply = std::rc::Rc::new(RefCell::new(Vec::new()));
    let bus = reply.clone();
    let mut sender = fixture.sender(move |_| Ok(bus.borrow().clone()));
    for (at, (ty, hex, fault)) in malformed.iter().enumerate() {
        // One byte for `ok`, then the value.
        reply.replace([&[0], from_hex(hex).as_slice()].concat());
        let (what, place) = fault.rsplit_once(' ').unwrap();
        let place: usize = place.parse().unwrap();
        let said = format!("deser: call{at}: {what} {}", place + 1);
        assert_eq!(sender.call(&format!("call{at}"), &[]).unwrap(), Some(err(text(&said))), "{ty} {hex}");
    }
}

/// Changes bytes at random places.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        let byte = [0, 1, 0x7f, 0x80, 0xff, 0xc3, dice.below(256).try_into().unwrap()][dice.below(7)];
        match dice.below(4) {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
        }
    }
}

/// Bytes that are accepted are the bytes of what was understood: nothing has two encodings. NaN may.
fn check_echo(function: &str, payload: &[u8], reply: &[u8]) {
    let floats = ["floats", "joined-value", "narrow-value", "big-value", "deep-value", "many", "wide-flat"];
    assert_eq!(reply[0], 0, "{function}");
    if function == "maps" {
        // A map keeps one of two equal keys.
        assert!(reply.len() <= payload.len() + 1);
    } else if !floats.contains(&function) {
        assert_eq!(&reply[1..], payload, "{function}");
    }
}

#[test]
fn any_bytes_into_the_receiver() {
    WireVersion::ALL.into_iter().for_each(into_the_receiver);
}

fn into_the_receiver(wire: WireVersion) {
    let fixture = Fixture::speaking(wire, EVERYTHING);
    let functions = fixture.functions();
    let receiver = RefCell::new(fixture.receiver(|_, params| echo(params)));
    let payloads = RefCell::new(fixture.payloads());
    proptest!(ProptestConfig::with_cases(600), |(seed: u64, noise: Vec<u8>)| {
        let mut dice = Dice(seed);
        for function in &functions {
            let mut payload = payloads.borrow_mut().of(function, &mut dice);
            damage(&mut payload, &mut dice);
            for payload in [&payload, &noise] {
                match receiver.borrow_mut().receive(function, payload).unwrap() {
                    Ok(reply) => check_echo(function, payload, &reply),
                    Err(Val::Variant(case, _)) => prop_assert_eq!(case, "deser"),
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    });
}

#[test]
fn any_bytes_into_the_sender() {
    WireVersion::ALL.into_iter().for_each(into_the_sender);
}

fn into_the_sender(wire: WireVersion) {
    let fixture = Fixture::speaking(wire, EVERYTHING);
    let functions = fixture.functions();
    let payloads = RefCell::new(fixture.payloads());
    let reply = std::rc::Rc::new(RefCell::new(Vec::new()));
    let bus = reply.clone();
    let sender = RefCell::new(fixture.sender(move |_| Ok(bus.borrow().clone())));
    proptest!(ProptestConfig::with_cases(600), |(seed: u64, noise: Vec<u8>)| {
        let mut dice = Dice(seed);
        for function in &functions {
            let mut bytes = payloads.borrow_mut().of(function, &mut dice);
            bytes.insert(0, 0);
            damage(&mut bytes, &mut dice);
            let types = sender.borrow_mut().params(function);
            let params: Vec<Val> = types.iter().map(|ty| value(ty, &mut dice)).collect();
            for bytes in [&bytes, &noise] {
                reply.replace(bytes.clone());
                let result = sender.borrow_mut().call(function, &params).unwrap();
                prop_assert!(matches!(result, Some(Val::Result(_))));
            }
        }
    });
}
