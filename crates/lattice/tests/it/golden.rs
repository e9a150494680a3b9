//! The messages between hosts, processes and clients as released versions of lath write them: `golden/` has a file for each
//! kind. Files are never edited and never removed, only added: what one version wrote, every later one reads. A file that is
//! missing is written by `UPDATE_GOLDEN=1`; documents have theirs in `document::golden`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lattice::bus::Message;
use lattice::call::{Answer, Call, CallId, Incarnation, Origin, answer};
use lattice::chunk::{Announcement, Signal};
use lattice::process::{self, Calls, JSON, ProcessCall};
use lattice::stream::{End, Flow, Part, Told};
use lattice::subject::Subject;
use model::failure::{Failure, RpcError};
use model::trace::Trace;

const ID: CallId = CallId { incarnation: Incarnation(0xbeef), sequence: 0x2a };
/// What remains of the deadline of every call.
const REMAINING: Duration = Duration::from_secs(5);

/// A message, and what it says to whoever reads it.
struct Row {
    name: &'static str,
    message: Message,
    read: fn(&Message, Instant) -> String,
    says: String,
}

fn to(subject: &str) -> Subject {
    subject.parse().unwrap()
}

fn call(now: Instant) -> Call {
    Call {
        target: "shop/cart".parse().unwrap(),
        origin: Origin::Actor("shop/front".parse().unwrap()),
        link: Some("acme:shop/cart".parse().unwrap()),
        contract: "acme:shop/cart@1.0.0".parse().unwrap(),
        method: "add".parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: now + REMAINING,
        chain: 0x3f,
        depth: 2,
        generation: 7,
        trace: None,
        payload: Bytes::from_static(b"\x03tea\x01\0\xff"),
    }
}

fn traced(call: Call) -> Call {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let state = Some("vendor=a,other=b".parse().unwrap());
    Call { trace: Some(Arc::new(Trace { parent, state })), ..call }
}

fn calls(now: Instant) -> Vec<Row> {
    let read = |message: &Message, now| format!("{:?}", Call::from_message(message, now).unwrap());
    let row = |name, call: Call| {
        let message = call.to_message(to("lath.l.call.b.a")).wanting(to("lath.l.re.a.b.beef-2a"));
        Row { name, message, read, says: format!("{call:?}") }
    };
    let outside = |origin| Call { origin, link: None, ..call(now) };
    vec![
        row("call", call(now)),
        row("call-traced", traced(call(now))),
        row("call-of-wire-2", Call { wire: "lath/2".parse().unwrap(), ..call(now) }),
        row("call-of-ingress", outside(Origin::Ingress)),
        row("call-of-client", outside(Origin::Client("nightly".parse().unwrap()))),
        row("call-of-operator", outside(Origin::Operator)),
    ]
}

fn answers() -> Vec<Row> {
    let read = |message: &Message, _| format!("{:?}", Answer::from_message(message).unwrap());
    let row = |name, result: Result<Bytes, Failure>| {
        let message = answer(to("lath.l.re.a.b.beef-2a"), result.clone());
        Row { name, message, read, says: format!("{:?}", Answer::Whole(result)) }
    };
    let announced = Announcement::of(&[7; 1_000]).unwrap();
    let message = announced.on(Message::new(to("lath.l.re.a.b.beef-2a"), ""));
    vec![
        row("answer", Ok(Bytes::from_static(b"\0\x80\x01"))),
        row("answer-failed", Err(Failure::unknown(RpcError::ActorHandler("it trapped".to_owned())))),
        row("answer-not-started", Err(Failure::not_started(RpcError::Transport("moved away".to_owned())))),
        Row { name: "answer-in-chunks", message, read, says: format!("{:?}", Answer::Chunks(announced)) },
    ]
}

fn signals() -> Vec<Row> {
    let read = |message: &Message, _| format!("{:?} {:?}", Signal::from_message(message).unwrap(), message.payload);
    let row = |name, signal: Signal, payload: &'static str| {
        let message = Message { payload: payload.into(), ..signal.to_message(to("lath.l.call.b.a")) };
        Row { name, message, read, says: format!("{signal:?} {:?}", Bytes::from_static(payload.as_bytes())) }
    };
    vec![
        row("chunk", Signal::Chunk(ID, 3), "the bytes of it"),
        row("credit", Signal::Credit(ID, 8), ""),
        row("cancel", Signal::Cancel(ID), ""),
    ]
}

fn streams(now: Instant) -> Vec<Row> {
    let read = |message: &Message, _| format!("{:?}", Told::from_message(message).unwrap().unwrap());
    let row = |name, told: Told| {
        let message = told.to_message(ID, to("lath.l.call.b.a"));
        Row { name, message, read, says: format!("{:?}", (ID, told)) }
    };
    let part = |number, head: &'static str, data: &'static str, end| {
        Told::Part(Part { number, head: head.into(), data: data.into(), end })
    };
    let whole = |trailers: Option<&'static str>| {
        Some(End::Whole { trailers: trailers.map(Bytes::from), bytes: 12, crc32: 0x0af1_2bc4 })
    };
    let opening = Call { payload: Bytes::new(), ..call(now) };
    let first = Part { number: 0, head: "head".into(), data: "first bytes".into(), end: None };
    let flow = Flow { sent: 1, granted: 65_536 };
    let opened = flow.on(ID, first.on(ID, opening.to_message(to("lath.l.call.b.a"))));
    let read_opened = |message: &Message, now| {
        let call = Call { payload: Bytes::new(), ..Call::from_message(message, now).unwrap() };
        let (told, flow) = (Told::from_message(message).unwrap().unwrap(), Flow::from_message(message).unwrap());
        format!("{call:?} {told:?} {flow:?}")
    };
    let says = format!("{opening:?} {:?} {:?}", (ID, Told::Part(first)), Some((ID, flow)));
    vec![
        Row { name: "stream-opening", message: opened, read: read_opened, says },
        row("stream-head", part(0, "head", "data", None)),
        row("stream-part", part(5, "", "data", None)),
        row("stream-end", part(6, "", "last", whole(None))),
        row("stream-trailers", part(6, "", "last", whole(Some("trailers")))),
        row("stream-broken", part(6, "", "last", Some(End::Broken("the actor trapped".to_owned())))),
        row("stream-flow", Told::Flow(flow)),
        row("stream-stop", Told::Stop),
    ]
}

fn processes(now: Instant) -> Vec<Row> {
    let read_call = |message: &Message, now| format!("{:?}", ProcessCall::from_message(message, now).unwrap());
    let Call { method, deadline, chain, depth, trace, .. } = traced(call(now));
    let called = ProcessCall {
        contract: "acme:fx/rates@1.2.0".parse().unwrap(),
        method,
        wire: JSON.parse().unwrap(),
        deadline,
        caller: "shop/cart".parse().unwrap(),
        chain,
        depth,
        trace,
        payload: Bytes::from_static(b"{\"from\":\"EUR\"}"),
    };
    let (message, says) = (called.to_message(to("lath.l.ext.shop.rates.i1"), now), format!("{called:?}"));
    let read = |message: &Message, _| format!("{:?}", process::Announcement::from_message(message).unwrap());
    let row = |name, wire: &str, calls, leaving| {
        let contracts = vec!["acme:fx/rates@1.2.0".parse().unwrap(), "acme:fx/plain".parse().unwrap()];
        let announced = process::Announcement { contracts, wire: wire.parse().unwrap(), calls, leaving };
        let message = announced.to_message(to("lath.l.ext.shop.rates.i1.here"));
        Row { name, message, read, says: format!("{announced:?}") }
    };
    vec![
        Row { name: "process-call", message, read: read_call, says },
        row("process-announcement", JSON, Calls::Headers, false),
        row("process-leaving", "lath/1", Calls::Host, true),
    ]
}

fn rows(now: Instant) -> Vec<Row> {
    [calls(now), answers(), signals(), streams(now), processes(now)].into_iter().flatten().collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

/// A message as a file has it: subjects, a line for each header, an empty line, the payload with its bytes escaped.
fn text(message: &Message) -> String {
    let mut text = format!("to {}\n", message.subject);
    if let Some(reply) = &message.reply {
        writeln!(text, "reply {reply}").unwrap();
    }
    let mut headers: Vec<_> = message.headers.iter().collect();
    headers.sort_unstable();
    for (name, value) in headers {
        // What remains is read from a clock, and may have gone down by now.
        let fields = value.split(' ').map(|field| match field.strip_prefix("deadline=") {
            Some(_) => format!("deadline={}", REMAINING.as_millis()),
            None => field.to_owned(),
        });
        writeln!(text, "{name}: {}", fields.collect::<Vec<_>>().join(" ")).unwrap();
    }
    format!("{text}\n{}\n", message.payload.escape_ascii())
}

/// The message of a file.
fn message(text: &str) -> Message {
    let (head, payload) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let subject = to(lines.next().unwrap().strip_prefix("to ").unwrap());
    let mut message = Message::new(subject, unescaped(payload.strip_suffix('\n').unwrap()));
    for line in lines {
        match line.strip_prefix("reply ") {
            Some(reply) => message.reply = Some(to(reply)),
            None => {
                let (name, value) = line.split_once(": ").unwrap();
                message = message.with(name.to_owned().leak(), value);
            }
        }
    }
    message
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            },
            other => other,
        });
    }
    bytes
}

#[test]
fn messages_are_written_and_read_as_they_always_were() {
    let now = Instant::now();
    let mut known = BTreeSet::new();
    for Row { name, message: written, read, says } in rows(now) {
        let path = folder().join(format!("{name}.message"));
        if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, text(&written)).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(text(&written), golden, "{name} is written otherwise: hosts of earlier versions may not read it");
        assert_eq!(read(&message(&golden), now), says, "{name} is read otherwise");
        known.insert(format!("{name}.message"));
    }
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), known, "a file that no row reads");
}

/// The same messages, as a later version may write them: with headers, and fields in headers, that are not known here.
#[test]
fn what_a_later_version_adds_to_a_message_is_passed_over() {
    let now = Instant::now();
    for Row { name, read, says, .. } in rows(now).into_iter().filter(|row| !row.name.starts_with("process-")) {
        let golden = std::fs::read_to_string(folder().join(format!("{name}.message"))).unwrap();
        let (head, payload) = golden.split_once("\n\n").unwrap();
        let more = head.lines().map(|line| match line.split_once(": ") {
            Some((header @ ("lath-call" | "lath-chunks" | "lath-chunk" | "lath-credit" | "lath-cancel"), value)) => {
                format!("{header}: {value} later=7")
            }
            Some((header @ ("lath-part" | "lath-flow" | "lath-stop"), value)) => format!("{header}: {value} later=7"),
            _ => line.to_owned(),
        });
        let newer = format!("{}\nlath-later: 1\n\n{payload}", more.collect::<Vec<_>>().join("\n"));
        assert_eq!(read(&message(&newer), now), says, "{name}\n{newer}");
    }
}
