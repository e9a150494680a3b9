//! Any value through a sender, a receiver and back, in instances that live on.

use std::cell::RefCell;
use std::rc::Rc;

use model::wire::WireVersion;
use proptest::prelude::*;
use wasmtime::component::Val;

use super::support::{Fixture, Sender, interface, ok, variant};
use super::values::{Dice, value};

pub(super) const EVERYTHING: &str = include_str!("everything.wit");

/// The answer of every function of `everything`: what it got, as one value.
pub(super) fn echo(params: &[Val]) -> Vec<Val> {
    match params {
        [one] => vec![ok(one.clone())],
        more => vec![ok(Val::Tuple(more.to_vec()))],
    }
}

/// A sender connected to a receiver of the same contract, whose target echoes and leaves what it saw.
fn connected(fixture: &Fixture) -> (Sender, Rc<RefCell<Vec<Val>>>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let saw = seen.clone();
    let mut receiver = fixture.receiver(move |_, params| {
        saw.replace(params.to_vec());
        echo(params)
    });
    let sender = fixture.sender(move |message| receiver.receive(&message.method, &message.payload).expect("no trap"));
    (sender, seen)
}

#[test]
fn every_function_with_any_values() {
    WireVersion::ALL.into_iter().for_each(any_values);
}

fn any_values(wire: WireVersion) {
    let fixture = Fixture::speaking(wire, EVERYTHING);
    let sides = RefCell::new(connected(&fixture));
    let functions = fixture.functions();
    proptest!(ProptestConfig::with_cases(300), |(seed: u64)| {
        let (sender, seen) = &mut *sides.borrow_mut();
        let mut dice = Dice(seed);
        for function in &functions {
            let params: Vec<Val> =
                sender.params(function).iter().map(|ty| value(ty, &mut dice)).collect();
            let result = sender.call(function, &params).unwrap();
            prop_assert_eq!(&*seen.borrow(), &params, "{}", function);
            prop_assert_eq!(result, echo(&params).pop(), "{}", function);
        }
    });
}

/// The conventions that answering functions do not have.
#[test]
fn no_parameters_no_results() {
    let fixture = Fixture::new(&interface(
        "nothing: func(); none-in: func() -> u8; none-out: func(v: string);
         pair: func() -> tuple<u32, u32>; float: func() -> f32; status: func() -> result; long: func(v: u64) -> s64;",
    ));
    let mut receiver = fixture.receiver(|name, _| match name {
        "none-in" => vec![Val::U8(7)],
        "pair" => vec![Val::Tuple(vec![Val::U32(1), Val::U32(300)])],
        "float" => vec![Val::Float32(0.5)],
        "status" => vec![Val::Result(Err(None))],
        "long" => vec![Val::S64(-3)],
        _ => vec![],
    });
    assert_eq!(receiver.receive("nothing", &[]).unwrap().unwrap(), b"");
    assert_eq!(receiver.receive("pair", &[]).unwrap().unwrap(), [1, 0xac, 2]);
    let mut sender = fixture.sender(move |message| receiver.receive(&message.method, &message.payload).unwrap());
    let rows = [
        ("nothing", vec![], None),
        ("none-in", vec![], Some(Val::U8(7))),
        ("none-out", vec![Val::String("x".into())], None),
        ("pair", vec![], Some(Val::Tuple(vec![Val::U32(1), Val::U32(300)]))),
        ("float", vec![], Some(Val::Float32(0.5))),
        ("status", vec![], Some(Val::Result(Err(None)))),
        ("long", vec![Val::U64(u64::MAX)], Some(Val::S64(-3))),
    ];
    for (function, params, result) in rows {
        assert_eq!(sender.call(function, &params).unwrap(), result, "{function}");
    }
}

#[test]
fn unknown_methods_are_named() {
    let fixture = Fixture::new(&interface("increment: func(v: u8) -> u8; decrement: func(); a: func();"));
    let mut receiver = fixture.receiver(|_, params| params.to_vec());
    for name in ["", "b", "incremenu", "Increment", "increment ", "no such method at all, and a long one"] {
        let answer = receiver.receive(name, &[1]).unwrap();
        assert_eq!(answer, Err(variant("method-not-handled", Val::String(name.into()))));
    }
    assert_eq!(receiver.receive("increment", &[1]).unwrap(), Ok(vec![1]));
}

/// Long values make the memory grow; afterwards the same instance still serves.
#[test]
fn large_values() {
    WireVersion::ALL.into_iter().for_each(large);
}

fn large(wire: WireVersion) {
    let fixture = Fixture::speaking(wire, EVERYTHING);
    let (mut sender, _) = connected(&fixture);
    for length in [0, 1, 100_000, 400_000, 5] {
        let value = Val::String("é".repeat(length));
        let result = sender.call("text", std::slice::from_ref(&value)).unwrap();
        assert_eq!(result, Some(ok(value)));
        let value = Val::List((0..length.min(200_000)).map(|at| Val::U32(u32::try_from(at).unwrap())).collect());
        let result = sender.call("ints", std::slice::from_ref(&value)).unwrap();
        assert_eq!(result, Some(ok(value)));
    }
}
