//! WAVE: golden texts, what is refused and how, and what holds for every value.

use adapter::limits::{TEXT_MAX, WAVE_MAX};
use adapter::text::{Notation, TextReason, read, write};
use adapter::value::Value;
use model::contract::Type;
use proptest::prelude::*;
use testkit::values;

use crate::types::{cases, fields, list, map, option, result};

#[track_caller]
fn golden(ty: &Type, value: Value, wave: &str) {
    assert_eq!(write(Notation::Wave, ty, &value).unwrap(), wave);
    assert_eq!(read(Notation::Wave, ty, wave).unwrap(), value);
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn keywords() -> Vec<String> {
    ["true", "none", "plain"].map(str::to_owned).to_vec()
}

#[test]
fn scalars() {
    golden(&Type::Bool, Value::Bool(false), "false");
    golden(&Type::U64, Value::U64(u64::MAX), "18446744073709551615");
    golden(&Type::S8, Value::S8(-128), "-128");
    golden(&Type::F32, Value::F32(0.1), "0.1");
    golden(&Type::F64, Value::F64(-0.0), "-0");
    golden(&Type::F64, Value::F64(f64::NAN), "nan");
    golden(&Type::F64, Value::F64(f64::NEG_INFINITY), "-inf");
    golden(&Type::F32, Value::F32(f32::INFINITY), "inf");
    golden(&Type::Char, Value::Char('\''), r"'\''");
    golden(&Type::Char, Value::Char('\0'), r"'\u{0}'");
    golden(&Type::Char, Value::Char('😀'), "'😀'");
    golden(&Type::String, text("a\"b\\c\n"), r#""a\"b\\c\n""#);
}

#[test]
fn lists_and_parts() {
    golden(&list(Type::U8), Value::Bytes(vec![1, 2]), "[1, 2]");
    golden(&Type::FixedList(Box::new(Type::Bool), 1), Value::List(vec![Value::Bool(true)]), "[true]");
    golden(&map(Type::Bool, Type::U8), Value::Map(vec![(Value::Bool(true), Value::U8(1))]), "{true: 1}");
    golden(&map(Type::String, Type::U8), Value::Map(vec![(text("a"), Value::U8(1))]), "{\"a\": 1}");
    golden(&map(Type::String, Type::U8), Value::Map(vec![]), "{}");
    golden(&Type::Tuple(vec![Type::U8]), Value::Tuple(vec![Value::U8(1)]), "(1)");
    let record = Type::Record(fields(&[("true", Type::U8), ("b", option(Type::U8))]));
    golden(&record, Value::Record(vec![Value::U8(1), Value::none()]), "{true: 1}");
    let optional = Type::Record(fields(&[("a", option(Type::U8))]));
    golden(&optional, Value::Record(vec![Value::none()]), "{:}");
    golden(&optional, Value::Record(vec![Value::some(Value::U8(1))]), "{a: some(1)}");
}

#[test]
fn cases_that_are_keywords_are_marked() {
    golden(&Type::Enum(keywords()), Value::Enum(0), "%true");
    golden(&Type::Enum(keywords()), Value::Enum(2), "plain");
    golden(&option(Type::Enum(keywords())), Value::some(Value::Enum(1)), "some(%none)");
    let variant = Type::Variant(cases(&[("some", Some(Type::U8)), ("nan", None)]));
    golden(&variant, Value::variant(0, Some(Value::U8(1))), "%some(1)");
    golden(&variant, Value::variant(1, None), "%nan");
    golden(&Type::Flags(keywords()), Value::Flags(vec![true, true, false]), "{true, none}");
    golden(&Type::Flags(keywords()), Value::Flags(vec![false; 3]), "{}");
    golden(&result(None, None), Value::err(None), "err");
    golden(&result(Some(Type::U8), None), Value::ok(Some(Value::U8(1))), "ok(1)");
    golden(&option(option(Type::U8)), Value::some(Value::none()), "some(none)");
}

#[test]
fn some_and_ok_may_be_left_out() {
    let reads = |ty: &Type, wave: &str| read(Notation::Wave, ty, wave).unwrap();
    assert_eq!(reads(&option(Type::U8), "5"), Value::some(Value::U8(5)));
    assert_eq!(reads(&result(Some(Type::U8), None), "5"), Value::ok(Some(Value::U8(5))));
    assert_eq!(reads(&Type::U8, " 5 // five\n"), Value::U8(5));
    let record = Type::Record(fields(&[("a", option(Type::U8))]));
    assert_eq!(reads(&record, "{a: 1,}"), Value::Record(vec![Value::some(Value::U8(1))]));
}

#[track_caller]
fn refused(ty: &Type, wave: &str, message: &str) {
    assert_eq!(read(Notation::Wave, ty, wave).unwrap_err().to_string(), message);
}

#[test]
fn wrong_wave_is_refused() {
    let person = values::named(Type::Record(fields(&[("name", Type::String)])));
    let shape = values::named(Type::Variant(cases(&[("dot", None), ("circle", Some(Type::F32))])));
    refused(&Type::U8, "256", "value: `u8` is needed, `256` was found");
    refused(&Type::U8, "\"1\"", "value: `u8` is needed, `\"1\"` was found");
    refused(&Type::F32, "1e39", "value: `f32` is needed, `1e39` was found");
    refused(&list(Type::Bool), "[true, 0]", "value[1]: `bool` is needed, `0` was found");
    refused(&list(Type::U8), "[1, 256]", "value[1]: `u8` is needed, `256` was found");
    refused(&Type::FixedList(Box::new(Type::U8), 2), "[1]", "value: `list<u8, 2>` is needed, a list of 1 was found");
    refused(&Type::Tuple(vec![Type::U8]), "(1, 2)", "value: `tuple<u8>` is needed, a tuple of 2 was found");
    refused(&person, "{nmae: \"A\"}", "value: `a-record` has no field `nmae`: did you mean `name`?");
    refused(&person, "{:}", "value: field `name` of type `string` is missing: add it");
    refused(&list(person), "[{name: 1}]", "value[0].name: `string` is needed, `1` was found");
    refused(&shape, "cirle(1)", "value: `a-variant` has no case `cirle`: did you mean `circle`?");
    refused(
        &shape,
        "circle",
        "value: `a-variant` (circle(…), with a payload of type `f32`) is needed, `circle` alone was found",
    );
    refused(&shape, "dot(1)", "value: `a-variant` (dot alone, without a payload) is needed, `1` was found");
    refused(&shape, "circle(x)", "value.circle: `f32` is needed, `x` was found");
    refused(
        &Type::Flags(keywords()),
        "{plian}",
        "value: `flags { true, none, plain }` has no flag `plian`: did you mean `plain`?",
    );
    refused(&map(Type::Bool, Type::U8), "{a: 1}", "value[0]: `bool` is needed, `a` was found");
    refused(&option(option(Type::U8)), "5", "value: `option<option<u8>>` is needed, `5` was found");
    refused(&result(None, None), "5", "value: `result` is needed, `5` was found");
}

#[test]
fn no_wave_is_refused_with_its_cause() {
    for text in ["", "(", "1 2", "{a: 1, a: 2}", "'ab'", "\"\\x\"", &"[".repeat(1000)] {
        let ty = Type::Record(fields(&[("a", Type::U8)]));
        let error = read(Notation::Wave, &ty, text).unwrap_err();
        assert_eq!(error.to_string(), "value: this is not WAVE");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn size_is_bounded() {
    let error = read(Notation::Wave, &Type::U8, &" ".repeat(WAVE_MAX + 1)).unwrap_err();
    assert!(matches!(error.reason(), TextReason::TextTooLong { max: WAVE_MAX }), "{error}");
    let names: Vec<String> = (0..1000).map(|index| format!("f{index}")).collect();
    let names: Vec<(&str, Type)> = names.iter().map(|name| (name.as_str(), option(Type::U8))).collect();
    let many = format!("[{}]", "{:},".repeat(3000));
    let error = read(Notation::Wave, &list(Type::Record(fields(&names))), &many).unwrap_err();
    assert!(matches!(error.reason(), TextReason::ValueTooLarge), "{error}");
    let error = write(Notation::Wave, &Type::String, &text(&"\0".repeat(TEXT_MAX / 5 + 1))).unwrap_err();
    assert!(matches!(error.reason(), TextReason::TextTooLong { .. }), "{error}");
}

proptest! {
    #[test]
    fn every_value_comes_back((ty, value) in values::typed()) {
        let wave = write(Notation::Wave, &ty, &value).unwrap();
        prop_assert_eq!(read(Notation::Wave, &ty, &wave).unwrap(), value);
    }

    /// The WAVE of one type is refused for another, or is a value of it too.
    #[test]
    fn any_wave_against_any_type((ty, value) in values::typed(), other in values::ty()) {
        let wave = write(Notation::Wave, &ty, &value).unwrap();
        if let Ok(value) = read(Notation::Wave, &other, &wave) {
            let again = write(Notation::Wave, &other, &value).unwrap();
            prop_assert_eq!(read(Notation::Wave, &other, &again).unwrap(), value);
        }
    }

    #[test]
    fn any_text_is_refused_or_read(ty in values::ty(), text in "[-\\[\\](){}:,%'\"a-c0-9. \\\\]{0,20}") {
        for notation in [Notation::Wave, Notation::Json] {
            if let Ok(value) = read(notation, &ty, &text) {
                let again = write(notation, &ty, &value).unwrap();
                prop_assert_eq!(read(notation, &ty, &again).unwrap(), value);
            }
        }
    }
}
