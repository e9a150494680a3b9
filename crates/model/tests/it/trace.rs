//! W3C Trace Context.

use model::limits::{TRACE_STATE_BYTES_MAX, TRACE_STATE_MEMBERS_MAX};
use model::trace::{Trace, TraceParent, TraceState};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn state(text: &str) -> Option<String> {
    text.parse::<TraceState>().ok().map(|state| state.to_string())
}

#[test]
fn a_state_keeps_to_its_grammar() {
    let same = |text: &str| Some(text.to_owned());
    for (text, expected) in [
        ("a=1", same("a=1")),
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", same("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")),
        ("tenant@system=a b", same("tenant@system=a b")),
        ("1tenant@system=x", same("1tenant@system=x")),
        (" a=1 ,\t, b=2", same("a=1,b=2")),
        ("", None),
        (" , ,", None),
        ("a", None),
        ("a=", None),
        ("=1", None),
        ("A=1", None),
        ("1a=1", None),
        ("a=1=2", None),
        ("a=\u{e4}", None),
        ("a=1\n", None),
        ("a@1b=1", None),
        ("a=1,a=2", None),
    ] {
        assert_eq!(state(text), expected, "{text:?}");
    }
}

#[test]
fn a_state_is_bounded() {
    let members = |count: usize| (0..count).map(|member| format!("m{member}=1")).collect::<Vec<_>>().join(",");
    assert!(state(&members(TRACE_STATE_MEMBERS_MAX)).is_some());
    assert_eq!(state(&members(TRACE_STATE_MEMBERS_MAX + 1)), None);
    let long = |bytes: usize| format!("a={},b={}", "x".repeat(250), "y".repeat(bytes - 255));
    assert!(state(&long(TRACE_STATE_BYTES_MAX - 9)).is_some());
    let over = format!("{},c=123", long(TRACE_STATE_BYTES_MAX - 5));
    assert_eq!((over.len(), state(&over)), (TRACE_STATE_BYTES_MAX + 1, None));
}

#[test]
fn a_wrong_state_does_not_end_a_trace() {
    let read = |parent: &str, states: &[&str]| Trace::read(parent, states.iter().copied());
    let trace = read(PARENT, &["a=1", "b=2"]).unwrap();
    assert_eq!(trace.parent.to_string(), PARENT);
    assert_eq!(trace.state.unwrap().as_str(), "a=1,b=2");
    assert_eq!(read(PARENT, &["A"]).unwrap().state, None);
    assert_eq!(read(PARENT, &[]).unwrap().state, None);
    assert_eq!(read("garbage", &["a=1"]), None);
}

#[test]
fn steps_stay_in_their_trace() {
    let parent: TraceParent = PARENT.parse().unwrap();
    assert!(parent.is_sampled());
    assert_eq!(parent.step(1).to_string(), "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01");
    let root = TraceParent::root(0, 0, false);
    assert_eq!(root.to_string(), "00-00000000000000000000000000000001-0000000000000001-00");
    assert!(root.to_string().parse::<TraceParent>().is_ok());
}
