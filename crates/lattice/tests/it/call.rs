use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::bus::Message;
use lattice::call::{Answer, Call, CallId, Incarnation, Origin, Target, TraceParent, Word, answer};
use lattice::limits::{ERROR_BYTES_MAX, WORD_BYTES_MAX};
use lattice::process::ProcessCall;
use lattice::subject::Subject;
use model::failure::{Failure, Progress, RpcError};
use model::limits::DEADLINE_MAX;
use proptest::prelude::*;

const FIELDS: [&str; 10] = [
    "target=shop/cart",
    "caller=shop/front",
    "link=acme:shop/cart",
    "contract=acme:shop/cart@1.0.0",
    "method=add",
    "wire=lath/1",
    "deadline=5000",
    "chain=3f",
    "depth=2",
    "generation=7",
];
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn on(headers: &[(&'static str, &str)]) -> Message {
    let to = "lath.l.call.h1.h2".parse().unwrap();
    headers.iter().fold(Message::new(to, "payload"), |message, (name, value)| message.with(name, *value))
}

fn read(headers: &[(&'static str, &str)]) -> Result<Call, String> {
    Call::from_message(&on(headers), Instant::now()).map_err(|error| error.to_string())
}

fn call() -> Call {
    read(&[("lath-call", &FIELDS.join(" ")), ("traceparent", TRACE)]).unwrap()
}

#[test]
fn a_call_is_read() {
    let call = call();
    assert_eq!((call.target.app(), call.target.name()), ("shop", "cart"));
    assert_eq!(call.origin, Origin::Actor("shop/front".parse().unwrap()));
    assert_eq!(call.link.as_ref().map(Word::as_str), Some("acme:shop/cart"));
    assert_eq!((call.contract.as_str(), call.method.as_str()), ("acme:shop/cart@1.0.0", "add"));
    assert_eq!((call.wire.as_str(), call.chain, call.depth, call.generation), ("lath/1", 0x3f, 2, 7));
    assert_eq!(call.trace.as_ref().unwrap().parent.to_string(), TRACE);
    assert_eq!(call.payload, "payload");
    let remaining = call.remaining(Instant::now());
    assert!(remaining <= Duration::from_secs(5) && remaining > Duration::from_secs(1), "{remaining:?}");
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    let fields = format!("{} new-field=x=y other=", FIELDS.join(" "));
    assert_eq!(read(&[("lath-call", &fields), ("lath-new", "1")]).unwrap().method.as_str(), "add");
}

#[test]
fn a_deadline_beyond_all_is_cut_down() {
    let fields = FIELDS.join(" ").replace("5000", &u64::MAX.to_string());
    let remaining = read(&[("lath-call", &fields)]).unwrap().remaining(Instant::now());
    assert!(remaining <= DEADLINE_MAX && remaining > DEADLINE_MAX - Duration::from_secs(60), "{remaining:?}");
    let fields = FIELDS.join(" ").replace("5000", "0");
    assert_eq!(read(&[("lath-call", &fields)]).unwrap().remaining(Instant::now()), Duration::ZERO);
}

#[test]
fn a_field_that_is_missing_or_wrong_is_named() {
    let told = |fields: &str| read(&[("lath-call", fields)]).unwrap_err();
    let whole = |reason: &str| {
        format!("the message on `lath.l.call.h1.h2` is not a call: {reason}; check the version of its sender")
    };
    assert_eq!(read(&[]).unwrap_err(), whole("header `lath-call` is missing"));
    for field in FIELDS.iter().filter(|field| !field.starts_with("link=")) {
        let name = field.split_once('=').unwrap().0;
        let fields: Vec<_> = FIELDS.into_iter().filter(|other| other != field).collect();
        assert_eq!(told(&fields.join(" ")), whole(&format!("header `lath-call` has no `{name}`")));
    }
    let long = "x".repeat(WORD_BYTES_MAX + 1);
    let shown = format!("{}…", "x".repeat(80));
    for (field, reason) in [
        ("target=shop", "`target` in header `lath-call` is `shop`, not `app/name`"),
        ("target=shop/Cart", "`target` in header `lath-call` is `shop/Cart`, not `app/name`"),
        ("target=shop/cart/x", "`target` in header `lath-call` is `shop/cart/x`, not `app/name`"),
        ("target=", "`target` in header `lath-call` is ``, not `app/name`"),
        (
            "caller=@anybody",
            "`caller` in header `lath-call` is `@anybody`, not `app/name` or one of the callers that begin with `@`",
        ),
        (
            "caller=@client/a.b",
            "`caller` in header `lath-call` is `@client/a.b`, not `app/name` or one of the callers that begin with `@`",
        ),
        ("link=", "`link` in header `lath-call` is ``, not an import"),
        ("contract=", "`contract` in header `lath-call` is ``, not a contract"),
        ("method=ä", "`method` in header `lath-call` is `ä`, not a function"),
        (&format!("method={long}"), &format!("`method` in header `lath-call` is `{shown}`, not a function")),
        ("wire=", "`wire` in header `lath-call` is ``, not a wire id"),
        ("deadline=soon", "`deadline` in header `lath-call` is `soon`, not a number of milliseconds"),
        ("deadline=-1", "`deadline` in header `lath-call` is `-1`, not a number of milliseconds"),
        ("deadline=1.5", "`deadline` in header `lath-call` is `1.5`, not a number of milliseconds"),
        (
            "deadline=99999999999999999999",
            "`deadline` in header `lath-call` is `99999999999999999999`, not a number of milliseconds",
        ),
        ("chain=xyz", "`chain` in header `lath-call` is `xyz`, not hexadecimal"),
        ("depth=4294967296", "`depth` in header `lath-call` is `4294967296`, not a number of calls"),
        ("generation=", "`generation` in header `lath-call` is ``, not a number"),
        ("method=add method=sub", "header `lath-call` has `method` twice"),
        ("nonsense", "header `lath-call` has `nonsense`, which is no `name=value`"),
        (" x=y", "header `lath-call` has ``, which is no `name=value`"),
    ] {
        let name = field.split_once('=').map_or("", |(name, _)| name);
        let others = FIELDS.into_iter().filter(|other| name.is_empty() || !other.starts_with(&format!("{name}=")));
        let fields: Vec<_> = others.chain([field]).collect();
        assert_eq!(told(&fields.join(" ")), whole(reason));
    }
    let padded = format!("{} x={}", FIELDS.join(" "), "y".repeat(4096));
    assert_eq!(told(&padded), whole(&format!("header `lath-call` has {} bytes; 4096 is the most", padded.len())));
    let error = read(&[("lath-call", &FIELDS.join(" ")), ("traceparent", "00-1-2-3")]).unwrap_err();
    assert_eq!(error, whole("header `traceparent` is `00-1-2-3`, not W3C Trace Context"));
}

#[test]
fn trace_context_is_that_of_w3c() {
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    for (text, read) in [
        (TRACE.to_owned(), Some(TRACE.to_owned())),
        (format!("00-{trace}-{parent}-00"), Some(format!("00-{trace}-{parent}-00"))),
        // A later version is read as far as it is known, and passed on as this one.
        (format!("01-{trace}-{parent}-01-more"), Some(TRACE.to_owned())),
        (format!("{TRACE}-more"), None),
        (format!("ff-{trace}-{parent}-01"), None),
        (format!("00-{}-{parent}-01", "0".repeat(32)), None),
        (format!("00-{trace}-{}-01", "0".repeat(16)), None),
        (format!("00-{}-{parent}-01", trace.to_uppercase()), None),
        (format!("00-{trace}x-{parent}-01"), None),
        (format!("00-{trace}-{parent}"), None),
        (String::new(), None),
        ("-".repeat(55), None),
    ] {
        assert_eq!(text.parse::<TraceParent>().ok().map(|found| found.to_string()), read, "{text}");
    }
}

#[test]
fn an_id_is_written_in_one_way() {
    let id = CallId { incarnation: Incarnation(0x18f3a), sequence: 0x2c };
    assert_eq!((id.to_string().as_str(), id.token().as_str()), ("18f3a-2c", "18f3a-2c"));
    for (text, read) in [
        ("18f3a-2c", true),
        ("0-0", true),
        ("ffffffffffffffff-1", true),
        ("10000000000000000-1", false),
        ("018f3a-2c", false),
        ("18F3A-2c", false),
        ("18f3a-+2c", false),
        ("18f3a", false),
        ("18f3a-2c-1", false),
        ("-", false),
        ("", false),
        ("echo", false),
    ] {
        assert_eq!(text.parse::<CallId>().map(|id| id.to_string()).ok(), read.then(|| text.to_owned()), "{text}");
    }
}

#[test]
fn words_are_bounded() {
    let longest = "x".repeat(WORD_BYTES_MAX);
    assert!(longest.parse::<Word>().is_ok());
    let error = (longest + "x").parse::<Word>().unwrap_err();
    let shown = "x".repeat(80);
    let text = format!("`{shown}…` cannot be part of a call: use visible ASCII characters, 512 at most");
    assert_eq!(error.to_string(), text);
    for wrong in ["", " ", "a b", "a\nb", "ä", "\u{7f}"] {
        assert!(wrong.parse::<Word>().is_err(), "{wrong:?}");
    }
}

fn failure(progress: Progress, error: RpcError) -> Failure {
    Failure { error, progress }
}

fn subject() -> Subject {
    "lath.l.re.h2.h1.1-1".parse().unwrap()
}

#[test]
fn every_failure_comes_back_as_it_was() {
    for progress in [Progress::NotStarted, Progress::Unknown] {
        for make in RpcError::CASES {
            let failure = failure(progress, make("said so: ä\n".to_owned()));
            let message = answer(subject(), Err(failure.clone()));
            assert_eq!(Answer::from_message(&message), Ok(Answer::Whole(Err(failure))));
        }
    }
    // A result has no headers at all.
    let message = answer(subject(), Ok(Bytes::from_static(b"\0\xff")));
    assert!(message.headers.is_empty());
    assert_eq!(Answer::from_message(&message), Ok(Answer::Whole(Ok(Bytes::from_static(b"\0\xff")))));
}

#[test]
fn a_long_error_is_cut_between_characters() {
    let text = format!("{}ä", "x".repeat(ERROR_BYTES_MAX - 1));
    let message = answer(subject(), Err(failure(Progress::Unknown, RpcError::Other(text))));
    assert_eq!(message.payload.len(), ERROR_BYTES_MAX - 1);
    assert!(Answer::from_message(&message).is_ok());
}

#[test]
fn what_is_no_answer_is_refused() {
    let long = vec![b'x'; ERROR_BYTES_MAX + 1];
    for (headers, payload, reason) in [
        (&[("lath-error", "oops")][..], &b""[..], "header `lath-error` is `oops`, no case of rpc-error"),
        (&[("lath-error", "other")], b"\xff", "its error text is not UTF-8"),
        (&[("lath-error", "other")], &long, "its error text has 8193 bytes; 8192 is the most"),
        (
            &[("lath-error", "other"), ("lath-progress", "perhaps")],
            b"",
            "header `lath-progress` is `perhaps`, not `not-started`",
        ),
    ] {
        let message = Message::new(subject(), payload.to_vec());
        let message = headers.iter().fold(message, |message, (name, value)| message.with(name, *value));
        let error = Answer::from_message(&message).unwrap_err().to_string();
        let text = format!("the message on `lath.l.re.h2.h1.1-1` is not an answer: {reason}");
        assert_eq!(error, format!("{text}; check the version of its sender"));
    }
}

fn word() -> impl Strategy<Value = Word> {
    "[!-~]{1,40}".prop_map(|text| text.parse().unwrap())
}

fn origin() -> impl Strategy<Value = Origin> {
    let actor = "[a-z]{1,9}/[a-z]{1,9}(-[a-z][0-9]{0,2})?".prop_map(|text| Origin::Actor(text.parse().unwrap()));
    let client = "[a-z]{1,9}".prop_map(|text| Origin::Client(text.parse().unwrap()));
    prop_oneof![actor, client, Just(Origin::Ingress), Just(Origin::Operator)]
}

prop_compose! {
    fn calls()(
        target in "[a-z]{1,9}/[a-z]{1,9}",
        origin in origin(),
        link in proptest::option::of(word()),
        (contract, method, wire) in (word(), word(), word()),
        millis in 1..3_600_000_u64,
        (chain, depth, generation) in (any::<u128>(), any::<u32>(), any::<u64>()),
        trace in proptest::option::of((1..=u128::MAX, 1..=u64::MAX, any::<u8>())),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
    ) -> (Call, u64) {
        let target: Target = target.parse().unwrap();
        let trace = trace.map(|(trace, parent, flags)| Arc::new(TraceParent { trace, parent, flags }.into()));
        let deadline = Instant::now() + Duration::from_millis(millis);
        let payload = payload.into();
        (Call { target, origin, link, contract, method, wire, deadline, chain, depth, generation, trace, payload }, millis)
    }
}

proptest! {
    #[test]
    fn a_call_comes_back_as_it_was((call, _) in calls()) {
        let now = Instant::now();
        let found = Call::from_message(&call.to_message(subject()), now).unwrap();
        // What remains is rounded up to the millisecond, and reading comes after writing.
        let late = found.deadline.saturating_duration_since(call.deadline);
        prop_assert!(late <= Duration::from_millis(60_000));
        prop_assert_eq!(Call { deadline: call.deadline, ..found }, call);
    }

    #[test]
    fn no_header_breaks_the_reader(header in "\\PC{0,200}", trace in "\\PC{0,60}") {
        let _ = read(&[("lath-call", &header), ("traceparent", &trace)]);
        let fields = format!("{} {header}", FIELDS.join(" "));
        let _ = read(&[("lath-call", &fields)]);
    }
}

#[test]
fn what_remains_for_a_process_is_rounded_up() {
    let now = Instant::now();
    let call = ProcessCall {
        contract: "acme:shop/cart@1.0.0".parse().unwrap(),
        method: "total".parse().unwrap(),
        wire: "json".parse().unwrap(),
        deadline: now + Duration::from_micros(300),
        caller: "shop/front".parse().unwrap(),
        chain: 1,
        depth: 0,
        trace: None,
        payload: Bytes::new(),
    };
    let message = call.to_message("lath.l.ext.shop.mail.a".parse().unwrap(), now);
    assert_eq!(ProcessCall::from_message(&message, now).unwrap().deadline, now + Duration::from_millis(1));
}

#[test]
fn lives_follow_each_other_whatever_the_clock_says() {
    const NOW: u64 = 1_800_000_000_000;
    let first = Incarnation::begun(NOW, None, 7);
    for clock in [0, 1, NOW - 1, NOW, NOW + 1, u64::MAX] {
        for drawn in [0, 6, 7, 8, 4_095, 4_096, u64::MAX] {
            let next = Incarnation::begun(clock, Some(first), drawn);
            assert!(next > first, "{clock} {drawn}: {next:?} is not after {first:?}");
        }
    }
    // Two that begin at one moment, after the same life.
    assert_ne!(Incarnation::begun(0, Some(first), 1), Incarnation::begun(0, Some(first), 2));
    assert_eq!(Incarnation::begun(NOW, Some(Incarnation(u64::MAX)), 0), Incarnation(u64::MAX));
}
