//! JSON: the table of `docs/JSON.md`, what else is read, what is refused and how, and what holds for every value.

use std::fmt::Write as _;

use adapter::limits::{DECODED_MAX, TEXT_MAX, TYPE_DEPTH_MAX};
use adapter::text::{Notation, TextReason, params_from_json, params_to, read, result_from_json, result_to, write};
use adapter::value::Value;
use model::contract::{Function, Type};
use proptest::prelude::*;
use testkit::values;

use crate::types::{cases, fields, list, map, option, result};

struct Row {
    ty: Type,
    value: Value,
    json: &'static str,
}

fn row(ty: Type, value: Value, json: &'static str) -> Row {
    Row { ty, value, json }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn person() -> Type {
    Type::Record(fields(&[("name", Type::String), ("born", option(Type::U16))]))
}

fn shape() -> Type {
    Type::Variant(cases(&[("dot", None), ("circle", Some(Type::F32))]))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn scalars() -> Vec<Row> {
    vec![
        row(Type::Bool, Value::Bool(true), "true"),
        row(Type::U8, Value::U8(255), "255"),
        row(Type::U16, Value::U16(65535), "65535"),
        row(Type::U32, Value::U32(u32::MAX), "4294967295"),
        row(Type::S8, Value::S8(-128), "-128"),
        row(Type::S16, Value::S16(-32768), "-32768"),
        row(Type::S32, Value::S32(-5), "-5"),
        row(Type::U64, Value::U64(1 << 53), "9007199254740992"),
        row(Type::U64, Value::U64((1 << 53) + 1), "\"9007199254740993\""),
        row(Type::S64, Value::S64(-(1 << 53)), "-9007199254740992"),
        row(Type::S64, Value::S64(i64::MIN), "\"-9223372036854775808\""),
        row(Type::F32, Value::F32(0.1), "0.1"),
        row(Type::F64, Value::F64(-2.5), "-2.5"),
        row(Type::F64, Value::F64(1.0), "1.0"),
        row(Type::F64, Value::F64(f64::NAN), "\"NaN\""),
        row(Type::F64, Value::F64(f64::INFINITY), "\"Infinity\""),
        row(Type::F32, Value::F32(f32::NEG_INFINITY), "\"-Infinity\""),
        row(Type::Char, Value::Char('é'), "\"é\""),
        row(Type::String, text("say \"hi\"\n"), r#""say \"hi\"\n""#),
    ]
}

fn lists() -> Vec<Row> {
    let point = Type::Tuple(vec![Type::S32, Type::String]);
    vec![
        row(list(Type::U8), Value::Bytes(b"hello".to_vec()), "\"aGVsbG8=\""),
        row(Type::FixedList(Box::new(Type::U8), 2), Value::Bytes(vec![1, 255]), "\"Af8=\""),
        row(list(Type::U16), Value::List(vec![Value::U16(1), Value::U16(2)]), "[1,2]"),
        row(Type::FixedList(Box::new(Type::S8), 2), Value::List(vec![Value::S8(0), Value::S8(-1)]), "[0,-1]"),
        row(point, Value::Tuple(vec![Value::S32(1), text("a")]), "[1,\"a\"]"),
        row(map(Type::String, Type::U8), Value::Map(vec![(text("a"), Value::U8(1))]), "{\"a\":1}"),
        row(
            map(Type::String, Type::U8),
            Value::Map(vec![(text("a"), Value::U8(1)), (text("a"), Value::U8(2))]),
            "[[\"a\",1],[\"a\",2]]",
        ),
        row(map(Type::U32, Type::Bool), Value::Map(vec![(Value::U32(7), Value::Bool(true))]), "[[7,true]]"),
    ]
}

fn cases_and_parts() -> Vec<Row> {
    let access = Type::Flags(names(&["read", "write", "run"]));
    vec![
        row(
            person(),
            Value::Record(vec![text("Ada"), Value::some(Value::U16(1815))]),
            "{\"name\":\"Ada\",\"born\":1815}",
        ),
        row(person(), Value::Record(vec![text("Eve"), Value::none()]), "{\"name\":\"Eve\",\"born\":null}"),
        row(shape(), Value::variant(0, None), "\"dot\""),
        row(shape(), Value::variant(1, Some(Value::F32(1.5))), "{\"circle\":1.5}"),
        row(Type::Enum(names(&["east", "west"])), Value::Enum(1), "\"west\""),
        row(access.clone(), Value::Flags(vec![true, false, true]), "[\"read\",\"run\"]"),
        row(access, Value::Flags(vec![false; 3]), "[]"),
        row(option(Type::U8), Value::none(), "null"),
        row(option(Type::U8), Value::some(Value::U8(5)), "5"),
        row(option(option(Type::U8)), Value::none(), "null"),
        row(option(option(Type::U8)), Value::some(Value::none()), "{\"some\":null}"),
        row(option(option(Type::U8)), Value::some(Value::some(Value::U8(5))), "{\"some\":5}"),
        row(result(Some(Type::S32), Some(Type::String)), Value::ok(Some(Value::S32(42))), "{\"ok\":42}"),
        row(result(Some(Type::S32), Some(Type::String)), Value::err(Some(text("no"))), "{\"err\":\"no\"}"),
        row(result(None, None), Value::ok(None), "{\"ok\":null}"),
        row(result(None, None), Value::err(None), "{\"err\":null}"),
    ]
}

#[test]
fn the_documented_table_is_what_happens() {
    let mut table = "| type | WAVE | JSON |\n| --- | --- | --- |\n".to_owned();
    for Row { ty, value, json } in scalars().into_iter().chain(lists()).chain(cases_and_parts()) {
        assert_eq!(write(Notation::Json, &ty, &value).unwrap(), json, "writing {value:?}");
        assert_eq!(read(Notation::Json, &ty, json).unwrap(), value, "reading {json}");
        let wave = write(Notation::Wave, &ty, &value).unwrap();
        writeln!(table, "| `{ty}` | `{wave}` | `{json}` |").unwrap();
    }
    let document = include_str!("../../../../docs/JSON.md");
    assert!(document.contains(&table), "docs/JSON.md must hold this table:\n{table}");
}

#[track_caller]
fn reads(ty: &Type, json: &str, value: &Value) {
    assert_eq!(&read(Notation::Json, ty, json).unwrap(), value);
}

#[test]
fn more_is_read_than_written() {
    reads(&Type::U64, "\"7\"", &Value::U64(7));
    reads(&Type::U64, "18446744073709551615", &Value::U64(u64::MAX));
    reads(&Type::S64, "-9223372036854775808", &Value::S64(i64::MIN));
    reads(&Type::F64, "1", &Value::F64(1.0));
    reads(&Type::F64, "-0.0", &Value::F64(-0.0));
    reads(&Type::F32, "1e3", &Value::F32(1000.0));
    reads(&list(Type::U8), " [1, 2] ", &Value::Bytes(vec![1, 2]));
    reads(&map(Type::String, Type::U8), "[[\"a\", 1]]", &Value::Map(vec![(text("a"), Value::U8(1))]));
    reads(&person(), "{\"name\": \"Ada\"}", &Value::Record(vec![text("Ada"), Value::none()]));
    reads(&person(), "{\"born\": 1, \"name\": \"A\"}", &Value::Record(vec![text("A"), Value::some(Value::U16(1))]));
    reads(&values::named(values::named(Type::Bool)), "true", &Value::Bool(true));
}

#[track_caller]
fn refused(ty: &Type, json: &str, message: &str) {
    assert_eq!(read(Notation::Json, ty, json).unwrap_err().to_string(), message);
}

#[test]
fn wrong_scalars_are_refused() {
    refused(&Type::Bool, "1", "$: `bool` (true or false) is needed, 1 was found");
    refused(&Type::U8, "256", "$: `u8` (a number) is needed, 256 was found");
    refused(&Type::U8, "-1", "$: `u8` (a number) is needed, -1 was found");
    refused(&Type::S32, "5.0", "$: `s32` (a number) is needed, 5.0 was found");
    refused(&Type::S32, "\"5\"", "$: `s32` (a number) is needed, the string \"5\" was found");
    refused(&Type::U64, "\"+5\"", "$: `u64` (a number, or a string of digits) is needed, the string \"+5\" was found");
    refused(
        &Type::U64,
        "18446744073709551616",
        "$: `u64` (a number, or a string of digits) is needed, 1.8446744073709552e+19 was found",
    );
    refused(
        &Type::F32,
        "1e39",
        "$: `f32` (a number, \"NaN\", \"Infinity\" or \"-Infinity\") is needed, 1e+39 was found",
    );
    refused(
        &Type::F64,
        "\"inf\"",
        "$: `f64` (a number, \"NaN\", \"Infinity\" or \"-Infinity\") is needed, the string \"inf\" was found",
    );
    refused(&Type::Char, "\"ab\"", "$: `char` (a string of one character) is needed, the string \"ab\" was found");
    refused(&Type::String, "null", "$: `string` (a string) is needed, null was found");
    let long = format!("{:?}", "x".repeat(100));
    let quoted = format!("$: `u8` (a number) is needed, the string \"{}…\" was found", "x".repeat(40));
    refused(&Type::U8, &long, &quoted);
}

#[test]
fn wrong_lists_are_refused() {
    let pairs = map(Type::U8, Type::U8);
    refused(&list(Type::Bool), "[true,0]", "$[1]: `bool` (true or false) is needed, 0 was found");
    refused(
        &list(Type::U8),
        "\"&\"",
        "$: `list<u8>` (a string in base64, or an array of numbers) is needed, the string \"&\" was found",
    );
    refused(&list(Type::U8), "[1,256]", "$[1]: `u8` (a number) is needed, 256 was found");
    refused(&Type::FixedList(Box::new(Type::U8), 2), "\"AA==\"", "$: `list<u8, 2>` is needed, a list of 1 was found");
    refused(&Type::Tuple(vec![Type::U8]), "[]", "$: `tuple<u8>` (an array of 1) is needed, an array of 0 was found");
    refused(&pairs, "{\"1\":1}", "$: `map<u8, u8>` (an array of [key, value]) is needed, an object of 1 was found");
    refused(&pairs, "[[1]]", "$[0]: [key, value] is needed, an array of 1 was found");
    refused(&pairs, "[[1,true]]", "$[0][1]: `u8` (a number) is needed, true was found");
    refused(&map(Type::String, Type::U8), "{\"a b\":null}", "$[\"a b\"]: `u8` (a number) is needed, null was found");
    refused(&map(Type::String, Type::U8), "{\"a\":1,\"a\":2}", "$: key `a` is given twice: keep one");
}

#[test]
fn wrong_parts_and_cases_are_refused() {
    let person = values::named(person());
    let shape = values::named(shape());
    let access = Type::Flags(names(&["read", "write"]));
    refused(&person, "[]", "$: `a-record` (an object) is needed, an array of 0 was found");
    refused(&person, "{}", "$: field `name` of type `string` is missing: add it");
    refused(&person, "{\"nmae\":\"A\"}", "$: `a-record` has no field `nmae`: did you mean `name`?");
    refused(&person, "{\"name\":\"A\",\"x\":1}", "$: `a-record` has no field `x`");
    refused(&person, "{\"name\":\"A\",\"name\":\"B\"}", "$: field `name` is given twice: keep one");
    refused(&list(person), "[{\"name\":1}]", "$[0].name: `string` (a string) is needed, 1 was found");
    refused(&shape, "\"cirlce\"", "$: `a-variant` has no case `cirlce`: did you mean `circle`?");
    refused(
        &shape,
        "\"circle\"",
        "$: `a-variant` ({\"circle\": …}, a case with a payload of type `f32`) is needed, the string \"circle\" was found",
    );
    refused(
        &shape,
        "{\"dot\":1}",
        "$: `a-variant` (\"dot\", a case without payload) is needed, an object of 1 was found",
    );
    refused(&shape, "{}", "$: `a-variant` (\"case\" or {\"case\": …}) is needed, an object of 0 was found");
    refused(
        &shape,
        "{\"circle\":\"x\"}",
        "$.circle: `f32` (a number, \"NaN\", \"Infinity\" or \"-Infinity\") is needed, the string \"x\" was found",
    );
    refused(&Type::Enum(names(&["a"])), "\"b\"", "$: `enum { a }` has no case `b`: did you mean `a`?");
    refused(&Type::Enum(names(&["a"])), "0", "$: `enum { a }` (a string) is needed, 0 was found");
    refused(&access, "[\"read\",\"wite\"]", "$[1]: `flags { read, write }` has no flag `wite`: did you mean `write`?");
    refused(&access, "[\"read\",\"read\"]", "$[1]: flag `read` is given twice: keep one");
    refused(&option(option(Type::U8)), "5", "$: `option<option<u8>>` (null or {\"some\": …}) is needed, 5 was found");
    refused(
        &result(None, None),
        "{\"ok\":1}",
        "$.ok: `result` (null: this case has no payload) is needed, 1 was found",
    );
    refused(&result(None, None), "null", "$: `result` ({\"ok\": …} or {\"err\": …}) is needed, null was found");
}

#[test]
fn no_json_is_refused_with_its_cause() {
    for text in ["", "{", "[1,]", "1 2", "nul", "{\"a\":}", "'x'"] {
        let error = read(Notation::Json, &Type::U8, text).unwrap_err();
        assert_eq!(error.to_string(), "$: this is not JSON");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("line 1"), "{text}");
    }
}

fn increment() -> Function {
    Function {
        params: fields(&[("key", Type::String), ("value", Type::S32), ("note", option(Type::String))]),
        result: Some(result(Some(Type::S32), Some(Type::String))),
    }
}

#[test]
fn parameters_are_an_object_or_an_array() {
    let increment = increment();
    let params = vec![text("k"), Value::S32(1), Value::none()];
    for json in ["{\"key\":\"k\",\"value\":1,\"note\":null}", "{\"value\":1,\"key\":\"k\"}", "[\"k\",1,null]"] {
        assert_eq!(params_from_json(&increment, json).unwrap(), params);
    }
    assert_eq!(params_to(Notation::Json, &increment, &params).unwrap(), "{\"key\":\"k\",\"value\":1,\"note\":null}");
    assert_eq!(params_to(Notation::Wave, &increment, &params).unwrap(), "(\"k\", 1, none)");
    let nothing = Function { params: vec![], result: None };
    for json in ["{}", "[]", "", " \n"] {
        assert_eq!(params_from_json(&nothing, json).unwrap(), []);
    }
    assert_eq!(params_to(Notation::Json, &nothing, &[]).unwrap(), "{}");
}

#[test]
fn wrong_parameters_are_refused() {
    let refused = |json: &str| params_from_json(&increment(), json).unwrap_err().to_string();
    insta::assert_snapshot!(refused("{\"key\":\"k\",\"valeu\":1}"), @"$: the function has no parameter `valeu`: did you mean `value`?");
    insta::assert_snapshot!(refused("{\"key\":\"k\"}"), @"$: parameter `value` of type `s32` is missing: add it");
    insta::assert_snapshot!(refused("{\"key\":1,\"value\":1}"), @"$.key: `string` (a string) is needed, 1 was found");
    insta::assert_snapshot!(refused("[\"k\",1]"), @"$: an object of the parameters by name, or an array of 3 is needed, an array of 2 was found");
    insta::assert_snapshot!(refused("[\"k\",\"1\",null]"), @"$[1]: `s32` (a number) is needed, the string \"1\" was found");
    let params = [text("k"), text("1"), Value::none()];
    insta::assert_snapshot!(
        params_to(Notation::Json, &increment(), &params).unwrap_err(),
        @"params.value: a value of type `s32` is needed, a string was given"
    );
    insta::assert_snapshot!(params_to(Notation::Wave, &increment(), &[]).unwrap_err(), @"params: `params` has 3 parts, 0 were given");
}

#[test]
fn results() {
    let answer = Value::ok(Some(Value::S32(42)));
    assert_eq!(result_to(Notation::Json, &increment(), Some(&answer)).unwrap(), "{\"ok\":42}");
    assert_eq!(result_to(Notation::Wave, &increment(), Some(&answer)).unwrap(), "ok(42)");
    assert_eq!(result_from_json(&increment(), "{\"ok\":42}").unwrap(), Some(answer));
    let nothing = Function { params: vec![], result: None };
    assert_eq!(result_to(Notation::Json, &nothing, None).unwrap(), "null");
    assert_eq!(result_to(Notation::Wave, &nothing, None).unwrap(), "");
    assert_eq!(result_from_json(&nothing, "null").unwrap(), None);
    assert_eq!(result_from_json(&nothing, "").unwrap(), None);
    let error = result_from_json(&nothing, "1").unwrap_err().to_string();
    assert_eq!(error, "$: null (the function has no result) is needed, 1 was found");
}

#[test]
fn size_is_bounded() {
    let long = " ".repeat(TEXT_MAX + 1);
    let error = read(Notation::Json, &Type::U8, &long).unwrap_err();
    assert!(matches!(error.reason(), TextReason::TextTooLong { max: TEXT_MAX }), "{error}");
    // A short text that asks for much memory: once as a tree, once as values.
    let many = format!("[{}0]", "0,".repeat(DECODED_MAX as usize / 50));
    let error = read(Notation::Json, &list(Type::U8), &many).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("memory"), "{error}");
    let names: Vec<String> = (0..1000).map(|index| format!("f{index}")).collect();
    let names: Vec<(&str, Type)> = names.iter().map(|name| (name.as_str(), option(Type::U8))).collect();
    let wide = list(Type::Record(fields(&names)));
    let many = format!("[{}{{}}]", "{},".repeat(3000));
    let error = read(Notation::Json, &wide, &many).unwrap_err();
    assert!(matches!(error.reason(), TextReason::ValueTooLarge), "{error}");
    let error = write(Notation::Json, &list(Type::U8), &Value::Bytes(vec![0; TEXT_MAX])).unwrap_err();
    assert!(matches!(error.reason(), TextReason::TextTooLong { .. }), "{error}");
}

#[test]
fn depth_is_bounded() {
    let error = read(Notation::Json, &Type::U8, &"[".repeat(1000)).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("recursion"), "{error}");
    let ty = (0..TYPE_DEPTH_MAX).fold(Type::U8, |ty, _| option(ty));
    let value = (0..TYPE_DEPTH_MAX).fold(Value::U8(1), |value, _| Value::some(value));
    for notation in [Notation::Json, Notation::Wave] {
        let error = write(notation, &ty, &value).unwrap_err();
        assert!(error.to_string().contains("nests deeper"), "{error}");
    }
}

proptest! {
    #[test]
    fn every_value_comes_back((ty, value) in values::typed()) {
        let json = write(Notation::Json, &ty, &value).unwrap();
        prop_assert_eq!(read(Notation::Json, &ty, &json).unwrap(), value);
    }

    #[test]
    fn every_call_comes_back((function, params, result) in values::called()) {
        let json = params_to(Notation::Json, &function, &params).unwrap();
        prop_assert_eq!(params_from_json(&function, &json).unwrap(), params);
        let json = result_to(Notation::Json, &function, result.as_ref()).unwrap();
        prop_assert_eq!(result_from_json(&function, &json).unwrap(), result);
    }

    /// The JSON of one type is refused for another, or is a value of it too.
    #[test]
    fn any_json_against_any_type((ty, value) in values::typed(), other in values::ty()) {
        let json = write(Notation::Json, &ty, &value).unwrap();
        if let Ok(value) = read(Notation::Json, &other, &json) {
            let again = write(Notation::Json, &other, &value).unwrap();
            prop_assert_eq!(read(Notation::Json, &other, &again).unwrap(), value);
        }
    }

    #[test]
    fn floats_come_back(bits in any::<u32>()) {
        let value = Value::F32(f32::from_bits(bits));
        let json = write(Notation::Json, &Type::F32, &value).unwrap();
        prop_assert_eq!(read(Notation::Json, &Type::F32, &json).unwrap(), value);
    }
}
