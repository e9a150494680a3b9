//! The arguments of a command line.

use adapter::text::{Arguments, Notation, params_from_args};
use adapter::value::Value;
use model::contract::{Function, Type};

use crate::types::{fields, list, map, option};

fn function(params: &[(&str, Type)]) -> Function {
    Function { params: fields(params), result: None }
}

fn owned(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[track_caller]
fn check(function: &Function, args: &[&str], notation: Notation, values: Vec<Value>) {
    assert_eq!(params_from_args(function, &owned(args)).unwrap(), Arguments { values, notation });
}

#[track_caller]
fn refused(function: &Function, args: &[&str]) -> String {
    params_from_args(function, &owned(args)).unwrap_err().to_string()
}

fn increment() -> Function {
    function(&[("key", Type::String), ("value", Type::S32)])
}

#[test]
fn each_argument_is_wave_or_json() {
    let params = || vec![text("mykey"), Value::S32(5)];
    check(&increment(), &["mykey", "5"], Notation::Wave, params());
    check(&increment(), &["\"mykey\"", "5"], Notation::Wave, params());
    check(&increment(), &["\"my\\u006bey\"", "5"], Notation::Json, params());
    check(&increment(), &["-", "-5"], Notation::Wave, vec![text("-"), Value::S32(-5)]);
    check(&increment(), &["{not json", "0"], Notation::Wave, vec![text("{not json"), Value::S32(0)]);
    check(&increment(), &["", "0"], Notation::Wave, vec![text(""), Value::S32(0)]);
    let bytes = function(&[("bytes", list(Type::U8))]);
    check(&bytes, &["\"AQI=\""], Notation::Json, vec![Value::Bytes(vec![1, 2])]);
    check(&bytes, &["[1, 2]"], Notation::Wave, vec![Value::Bytes(vec![1, 2])]);
    let char = function(&[("c", Type::Char)]);
    for (arg, notation) in [("x", Notation::Wave), ("'x'", Notation::Wave), ("\"x\"", Notation::Json)] {
        check(&char, &[arg], notation, vec![Value::Char('x')]);
    }
    check(&function(&[]), &[], Notation::Wave, vec![]);
}

#[test]
fn records_in_both_notations() {
    let point = Type::Record(fields(&[("x", Type::U8), ("tag", Type::String)]));
    let draw = function(&[("at", point)]);
    let value = || vec![Value::Record(vec![Value::U8(1), text("a")])];
    check(&draw, &["{x: 1, tag: \"a\"}"], Notation::Wave, value());
    check(&draw, &["{\"x\": 1, \"tag\": \"a\"}"], Notation::Json, value());
    check(&draw, &["{\"at\": {\"x\": 1, \"tag\": \"a\"}}"], Notation::Json, value());
    insta::assert_snapshot!(refused(&draw, &["{\"x\": 1, \"tga\": \"a\"}"]), @"at: `record { x: u8, tag: string }` has no field `tga`: did you mean `tag`?");
    insta::assert_snapshot!(refused(&draw, &["{x: 1, tga: \"a\"}"]), @"at: `record { x: u8, tag: string }` has no field `tga`: did you mean `tag`?");
    insta::assert_snapshot!(refused(&draw, &["{\"at\": {\"x\": 1000}}"]), @"$.at.x: `u8` (a number) is needed, 1000 was found");
}

#[test]
fn one_json_value_for_all() {
    let params = || vec![text("k"), Value::S32(5)];
    check(&increment(), &["{\"value\": 5, \"key\": \"k\"}"], Notation::Json, params());
    check(&increment(), &["[\"k\", 5]"], Notation::Json, params());
    check(&function(&[]), &["{}"], Notation::Json, vec![]);
    let single = function(&[("items", list(Type::U32))]);
    check(&single, &["[1]"], Notation::Wave, vec![Value::List(vec![Value::U32(1)])]);
    check(&single, &["{\"items\": [1]}"], Notation::Json, vec![Value::List(vec![Value::U32(1)])]);
    // A map may hold the parameter's own name as a key.
    let scores = function(&[("a", map(Type::String, Type::U8))]);
    check(&scores, &["{\"a\": 1}"], Notation::Wave, vec![Value::Map(vec![(text("a"), Value::U8(1))])]);
}

#[test]
fn trailing_options_may_be_left_out() {
    let find = function(&[("key", Type::String), ("limit", option(Type::U8))]);
    check(&find, &["k"], Notation::Wave, vec![text("k"), Value::none()]);
    check(&find, &["k", "5"], Notation::Wave, vec![text("k"), Value::some(Value::U8(5))]);
    check(&find, &["k", "null"], Notation::Json, vec![text("k"), Value::none()]);
    check(&find, &["{\"key\": \"k\"}"], Notation::Json, vec![text("k"), Value::none()]);
    check(&find, &["[1]"], Notation::Wave, vec![text("[1]"), Value::none()]);
}

#[test]
fn what_is_refused() {
    insta::assert_snapshot!(refused(&increment(), &["k"]), @"params: the function takes 2 arguments, 1 given: (key: string, value: s32)");
    insta::assert_snapshot!(refused(&increment(), &["k", "1", "2"]), @"params: the function takes 2 arguments, 3 given: (key: string, value: s32)");
    insta::assert_snapshot!(refused(&function(&[]), &["1"]), @"params: the function takes no arguments, 1 given: ()");
    insta::assert_snapshot!(refused(&increment(), &["k", "five"]), @"value: `s32` is needed, `five` was found");
    insta::assert_snapshot!(refused(&increment(), &["k", "5e"]), @"value: this is not WAVE");
    insta::assert_snapshot!(refused(&increment(), &["\"k", "5"]), @"key: this is not WAVE");
    insta::assert_snapshot!(refused(&increment(), &["{\"key\": \"k\", \"valeu\": 5}"]), @"$: the function has no parameter `valeu`: did you mean `value`?");
    insta::assert_snapshot!(refused(&increment(), &["{\"key\": \"k\"}"]), @"$: parameter `value` of type `s32` is missing: add it");
    let find = function(&[("key", Type::U8), ("limit", option(Type::U8))]);
    insta::assert_snapshot!(refused(&find, &[]), @"params: the function takes 1 to 2 arguments, 0 given: (key: u8, limit: option<u8>)");
}
