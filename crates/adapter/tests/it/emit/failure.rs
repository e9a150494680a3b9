//! Failures of the call itself: where each function puts them.

use adapter::emit::{Room, failure_room};
use wasmtime::component::Val;

use super::support::{Fixture, case, err, interface, parse, some, text, variant};

const CONTRACT: &str = "
    use lath:rpc/types@1.0.0.{rpc-error};
    type alias = rpc-error;
    type words = string;
    variant last { a(u8), other(string) }
    variant first { other(string), io(option<string>), a(u64) }
    variant typed { rpc(u32), transport(string) }
    variant unnamed { oops(string) }
    variant empty { rpc, io }
    rpc: func() -> result<u8, rpc-error>;
    rpc-alias: func() -> result<list<u64>, alias>;
    words-: func() -> result<_, words>;
    last-: func() -> result<u64, last>;
    first-: func() -> result<_, first>;
    typed-: func() -> result<_, typed>;
    unnamed-: func() -> result<_, unnamed>;
    empty-: func() -> result<_, empty>;
    code: func() -> result<u8, u32>;
    nothing: func();
    plain: func() -> string;
";

fn contract() -> String {
    interface(&CONTRACT.replace("-: func", "-error: func"))
}

#[test]
fn rooms() {
    let (resolve, id) = parse(&contract());
    let case = |index, optional| Room::Case { index, optional };
    let rows = [
        ("rpc", Room::RpcError),
        ("rpc-alias", Room::RpcError),
        ("words-error", Room::Text),
        ("last-error", case(1, false)),
        ("first-error", case(1, true)),
        ("typed-error", case(1, false)),
        ("unnamed-error", Room::None),
        ("empty-error", Room::None),
        ("code", Room::None),
        ("nothing", Room::None),
        ("plain", Room::None),
    ];
    for (function, room) in rows {
        let function = &resolve.interfaces[id].functions[function];
        assert_eq!(failure_room(&resolve, function), room, "{}", function.name);
    }
}

#[test]
fn priorities_of_cases() {
    let names = ["rpc", "transport", "unavailable", "internal", "internal-error", "upstream", "io", "other"];
    for first in 0..names.len() {
        // Later names come first in the variant, so that only the priority can decide.
        let cases: Vec<String> = names[first..].iter().rev().map(|name| format!("{name}(string)")).collect();
        let wit = format!("variant e {{ {} }}\nf: func() -> result<u8, e>;", cases.join(", "));
        let fixture = Fixture::new(&interface(&wit));
        let mut sender = fixture.sender(|_| Err(case("not-initialized")));
        let expected = err(variant(names[first], text("not-initialized")));
        assert_eq!(sender.call("f", &[]).unwrap(), Some(expected));
    }
}

/// What each function answers when the bus answers with this error; `None` is a trap.
fn check(error: &Val, said: &str) {
    let fixture = Fixture::new(&contract());
    let rows = [
        ("rpc", Some(error.clone())),
        ("rpc-alias", Some(error.clone())),
        ("words-error", Some(text(said))),
        ("last-error", Some(variant("other", text(said)))),
        ("first-error", Some(variant("io", some(text(said))))),
        ("typed-error", Some(variant("transport", text(said)))),
        ("unnamed-error", None),
        ("empty-error", None),
        ("code", None),
        ("nothing", None),
        ("plain", None),
    ];
    for (function, expected) in rows {
        let error = error.clone();
        let mut sender = fixture.sender(move |_| Err(error.clone()));
        let answer = sender.call(function, &[]);
        assert_eq!(answer.ok().flatten(), expected.map(err), "{function}");
    }
}

#[test]
fn failures_with_and_without_text() {
    check(&variant("deadline-exceeded", text("5 s")), "deadline-exceeded: 5 s");
    check(&variant("other", text("")), "other: ");
    check(&variant("transport", text(&"x".repeat(100_000))), &format!("transport: {}", "x".repeat(100_000)));
    check(&case("not-initialized"), "not-initialized");
    check(&case("not-implemented"), "not-implemented");
}

#[test]
fn malformed_replies_are_failures() {
    let fixture = Fixture::new(&contract());
    let rows = [
        ("rpc", variant("deser", text("rpc: invalid case at byte 0"))),
        ("words-error", text("deser: words-error: invalid case at byte 0")),
        ("first-error", variant("io", some(text("deser: first-error: invalid case at byte 0")))),
    ];
    for (function, expected) in rows {
        let mut sender = fixture.sender(|_| Ok(vec![7]));
        assert_eq!(sender.call(function, &[]).unwrap(), Some(err(expected)), "{function}");
    }
    let mut sender = fixture.sender(|_| Ok(vec![7]));
    assert!(sender.call("nothing", &[]).is_err(), "no room: a trap");
}
