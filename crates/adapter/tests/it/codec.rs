//! The value encoding, byte by byte: what is right, what is refused and where, and what holds for every value.

use adapter::codec::{
    DecodeReason, EncodeReason, decode, decode_params, decode_result, encode, encode_params, encode_result,
};
use adapter::limits::{DECODED_MAX, TYPE_DEPTH_MAX};
use adapter::value::Value;
use model::contract::{Case, Field, Function, Type};
use proptest::prelude::*;
use testkit::values;

use crate::types::{cases, enumeration, fields, flags, list, map, option, result};

/// The bytes are written by hand from the specification.
#[track_caller]
fn golden(ty: &Type, value: Value, bytes: &[u8]) {
    let mut encoded = Vec::new();
    encode(ty, &value, &mut encoded).unwrap();
    assert_eq!(encoded, bytes, "encoding of {value:?}");
    assert_eq!(decode(ty, bytes).unwrap(), value);
}

#[test]
fn numbers() {
    golden(&Type::Bool, Value::Bool(false), &[0]);
    golden(&Type::Bool, Value::Bool(true), &[1]);
    golden(&Type::U8, Value::U8(0), &[0]);
    golden(&Type::U8, Value::U8(255), &[0xff]);
    golden(&Type::S8, Value::S8(-1), &[0xff]);
    golden(&Type::S8, Value::S8(-128), &[0x80]);
    golden(&Type::S8, Value::S8(127), &[0x7f]);
    golden(&Type::U16, Value::U16(127), &[0x7f]);
    golden(&Type::U16, Value::U16(128), &[0x80, 0x01]);
    golden(&Type::U16, Value::U16(65535), &[0xff, 0xff, 0x03]);
    golden(&Type::U32, Value::U32(0), &[0]);
    golden(&Type::U32, Value::U32(624_485), &[0xe5, 0x8e, 0x26]);
    golden(&Type::U32, Value::U32(u32::MAX), &[0xff, 0xff, 0xff, 0xff, 0x0f]);
    golden(&Type::U64, Value::U64(1 << 63), &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    golden(&Type::U64, Value::U64(u64::MAX), &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    golden(&Type::S16, Value::S16(63), &[0x3f]);
    golden(&Type::S16, Value::S16(64), &[0xc0, 0x00]);
    golden(&Type::S16, Value::S16(-64), &[0x40]);
    golden(&Type::S16, Value::S16(-65), &[0xbf, 0x7f]);
    golden(&Type::S16, Value::S16(i16::MAX), &[0xff, 0xff, 0x01]);
    golden(&Type::S16, Value::S16(i16::MIN), &[0x80, 0x80, 0x7e]);
    golden(&Type::S32, Value::S32(-1), &[0x7f]);
    golden(&Type::S32, Value::S32(-123_456), &[0xc0, 0xbb, 0x78]);
    golden(&Type::S32, Value::S32(i32::MAX), &[0xff, 0xff, 0xff, 0xff, 0x07]);
    golden(&Type::S32, Value::S32(i32::MIN), &[0x80, 0x80, 0x80, 0x80, 0x78]);
    golden(&Type::S64, Value::S64(i64::MAX), &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
    golden(&Type::S64, Value::S64(i64::MIN), &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]);
}

#[test]
fn floats() {
    golden(&Type::F32, Value::F32(1.0), &[0, 0, 0x80, 0x3f]);
    golden(&Type::F32, Value::F32(-0.0), &[0, 0, 0, 0x80]);
    golden(&Type::F32, Value::F32(f32::INFINITY), &[0, 0, 0x80, 0x7f]);
    golden(&Type::F32, Value::F32(f32::NAN), &[0, 0, 0xc0, 0x7f]);
    golden(&Type::F32, Value::F32(f32::from_bits(0xffff_ffff)), &[0, 0, 0xc0, 0x7f]);
    golden(&Type::F64, Value::F64(1.0), &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    golden(&Type::F64, Value::F64(f64::NEG_INFINITY), &[0, 0, 0, 0, 0, 0, 0xf0, 0xff]);
    golden(&Type::F64, Value::F64(f64::from_bits(0x7ff0_0000_0000_0001)), &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
}

#[test]
fn texts() {
    golden(&Type::Char, Value::Char('a'), &[0x61]);
    golden(&Type::Char, Value::Char('é'), &[0xc3, 0xa9]);
    golden(&Type::Char, Value::Char('€'), &[0xe2, 0x82, 0xac]);
    golden(&Type::Char, Value::Char('😀'), &[0xf0, 0x9f, 0x98, 0x80]);
    golden(&Type::String, Value::String(String::new()), &[0]);
    golden(&Type::String, Value::String("né".to_owned()), &[3, 0x6e, 0xc3, 0xa9]);
    let long = "x".repeat(200);
    let bytes = [&[0xc8, 0x01], long.as_bytes()].concat();
    golden(&Type::String, Value::String(long), &bytes);
}

#[test]
fn lists() {
    golden(&list(Type::U8), Value::Bytes(vec![]), &[0]);
    golden(&list(Type::U8), Value::Bytes(vec![1, 0xff]), &[2, 1, 0xff]);
    golden(&list(values::named(Type::U8)), Value::Bytes(vec![7]), &[1, 7]);
    golden(&list(Type::U16), Value::List(vec![Value::U16(1), Value::U16(300)]), &[2, 1, 0xac, 0x02]);
    let nested = Value::List(vec![Value::List(vec![]), Value::List(vec![Value::String("a".to_owned())])]);
    golden(&list(list(Type::String)), nested, &[2, 0, 1, 1, 0x61]);
    let fixed = Type::FixedList(Box::new(Type::S32), 2);
    golden(&fixed, Value::List(vec![Value::S32(-1), Value::S32(1)]), &[0x7f, 0x01]);
    golden(&Type::FixedList(Box::new(Type::U8), 3), Value::Bytes(vec![1, 2, 3]), &[1, 2, 3]);
    let entries =
        vec![(Value::String("k".to_owned()), Value::U32(128)), (Value::String("k".to_owned()), Value::U32(1))];
    golden(&map(Type::String, Type::U32), Value::Map(entries), &[2, 1, 0x6b, 0x80, 0x01, 1, 0x6b, 0x01]);
}

#[test]
fn parts_and_cases() {
    let point = values::named(Type::Record(fields(&[("x", Type::S32), ("label", Type::String)])));
    golden(&point, Value::Record(vec![Value::S32(-2), Value::String("a".to_owned())]), &[0x7e, 1, 0x61]);
    let pair = Type::Tuple(vec![Type::U8, Type::Bool]);
    golden(&pair, Value::Tuple(vec![Value::U8(9), Value::Bool(true)]), &[9, 1]);
    let shape = values::named(Type::Variant(cases(&[("none", None), ("circle", Some(Type::F32))])));
    golden(&shape, Value::variant(0, None), &[0]);
    golden(&shape, Value::variant(1, Some(Value::F32(1.0))), &[1, 0, 0, 0x80, 0x3f]);
    let many: Vec<String> = (0..300).map(|index| format!("c{index}")).collect();
    golden(&Type::Enum(many), Value::Enum(299), &[0xab, 0x02]);
    golden(&option(Type::U8), Value::none(), &[0]);
    golden(&option(Type::U8), Value::some(Value::U8(7)), &[1, 7]);
    golden(&option(option(Type::U8)), Value::some(Value::none()), &[1, 0]);
    golden(&result(None, None), Value::ok(None), &[0]);
    golden(&result(None, None), Value::err(None), &[1]);
    golden(&result(Some(Type::U8), Some(Type::Char)), Value::ok(Some(Value::U8(1))), &[0, 1]);
    golden(&result(Some(Type::U8), Some(Type::Char)), Value::err(Some(Value::Char('x'))), &[1, 0x78]);
}

#[test]
fn flags_of_all_sizes() {
    let set = |count: usize, on: &[usize]| Value::Flags((0..count).map(|index| on.contains(&index)).collect());
    golden(&flags(1), set(1, &[0]), &[1]);
    golden(&flags(8), set(8, &[0, 7]), &[0x81]);
    golden(&flags(9), set(9, &[8]), &[0, 1]);
    golden(&flags(32), set(32, &[1, 31]), &[2, 0, 0, 0x80]);
    golden(&flags(70), set(70, &[64, 69]), &[0, 0, 0, 0, 0, 0, 0, 0, 0x21]);
}

#[test]
fn parameters_and_results() {
    let increment = Function {
        params: fields(&[("key", Type::String), ("value", Type::S32)]),
        result: Some(result(Some(Type::S32), Some(Type::String))),
    };
    let params = vec![Value::String("k".to_owned()), Value::S32(-5)];
    assert_eq!(encode_params(&increment, &params).unwrap(), [1, 0x6b, 0x7b]);
    assert_eq!(decode_params(&increment, &[1, 0x6b, 0x7b]).unwrap(), params);
    let answer = Value::ok(Some(Value::S32(42)));
    assert_eq!(encode_result(&increment, Some(&answer)).unwrap(), [0, 42]);
    assert_eq!(decode_result(&increment, &[0, 42]).unwrap(), Some(answer));
    let nothing = Function { params: vec![], result: None };
    assert_eq!(encode_params(&nothing, &[]).unwrap(), [0; 0]);
    assert_eq!(decode_params(&nothing, &[]).unwrap(), []);
    assert_eq!(encode_result(&nothing, None).unwrap(), [0; 0]);
    assert_eq!(decode_result(&nothing, &[]).unwrap(), None);
}

#[track_caller]
fn refused(ty: &Type, bytes: &[u8], offset: usize, reason: DecodeReason) {
    let error = decode(ty, bytes).unwrap_err();
    assert_eq!((error.offset(), error.reason()), (offset, &reason), "{error}");
}

#[test]
fn malformed_integers_are_refused() {
    let too_large = |bits| DecodeReason::IntegerTooLarge { bits };
    refused(&Type::U16, &[], 0, DecodeReason::Truncated { missing: 1 });
    refused(&Type::U16, &[0x80], 1, DecodeReason::Truncated { missing: 1 });
    refused(&Type::U16, &[0x80, 0x00], 0, DecodeReason::IntegerNotShortest);
    refused(&Type::U16, &[0xff, 0xff, 0x04], 0, too_large(16));
    refused(&Type::U16, &[0x80, 0x80, 0x80, 0x00], 0, too_large(16));
    refused(&Type::U32, &[0xff, 0xff, 0xff, 0xff, 0x1f], 0, too_large(32));
    refused(&Type::U32, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 0, too_large(32));
    refused(&Type::U64, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], 0, too_large(64));
    refused(&Type::S16, &[0xff, 0xff, 0x02], 0, too_large(16));
    refused(&Type::S16, &[0x80, 0x80, 0x7d], 0, too_large(16));
    refused(&Type::S32, &[0xff, 0xff, 0xff, 0xff, 0x08], 0, too_large(32));
    refused(&Type::S32, &[0x80, 0x80, 0x80, 0x80, 0x70], 0, too_large(32));
    refused(&Type::S64, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 0, too_large(64));
    refused(&Type::S32, &[0xff, 0x7f], 0, DecodeReason::IntegerNotShortest);
    refused(&Type::S32, &[0xbf, 0x00], 0, DecodeReason::IntegerNotShortest);
    refused(&Type::S64, &[0x80, 0x00], 0, DecodeReason::IntegerNotShortest);
    refused(&Type::S64, &[0x80], 1, DecodeReason::Truncated { missing: 1 });
}

#[test]
fn every_nan_is_read_as_nan() {
    for bytes in [[1, 0, 0xc0, 0x7f], [0, 0, 0xc0, 0xff]] {
        assert_eq!(decode(&Type::F32, &bytes).unwrap(), Value::F32(f32::NAN));
    }
    assert_eq!(decode(&Type::F64, &[1, 0, 0, 0, 0, 0, 0xf0, 0x7f]).unwrap(), Value::F64(f64::NAN));
}

#[test]
fn malformed_scalars_are_refused() {
    let not_a_bit = |byte, what| DecodeReason::NotZeroOrOne { byte, what };
    refused(&Type::Bool, &[2], 0, not_a_bit(2, "bool"));
    refused(&option(Type::U8), &[2, 0], 0, not_a_bit(2, "option"));
    refused(&result(None, None), &[0xff], 0, not_a_bit(0xff, "result"));
    refused(&Type::F32, &[0, 0], 0, DecodeReason::Truncated { missing: 2 });
    refused(&Type::Char, &[], 0, DecodeReason::Truncated { missing: 1 });
    refused(&Type::Char, &[0x80], 0, DecodeReason::BadChar);
    refused(&Type::Char, &[0xc3], 0, DecodeReason::Truncated { missing: 1 });
    refused(&Type::Char, &[0xc3, 0x28], 0, DecodeReason::BadChar);
    refused(&Type::Char, &[0xc0, 0x80], 0, DecodeReason::BadChar);
    refused(&Type::Char, &[0xed, 0xa0, 0x80], 0, DecodeReason::BadChar);
    refused(&Type::Char, &[0xf4, 0x90, 0x80, 0x80], 0, DecodeReason::BadChar);
    refused(&Type::Char, &[0xf8, 0x88, 0x80, 0x80], 0, DecodeReason::BadChar);
    refused(&Type::String, &[3, 0x61], 1, DecodeReason::CountTooLarge { count: 3, left: 1 });
    refused(&Type::String, &[3, 0x61, 0xff, 0x61], 2, DecodeReason::BadUtf8);
    refused(&Type::U8, &[1, 2, 3], 1, DecodeReason::Trailing { count: 2 });
    refused(&flags(3), &[0b1000], 0, DecodeReason::UnknownFlag);
    refused(&flags(9), &[0, 2], 0, DecodeReason::UnknownFlag);
    refused(&flags(9), &[0], 0, DecodeReason::Truncated { missing: 1 });
    refused(&enumeration(3), &[3], 0, DecodeReason::CaseTooLarge { case: 3, count: 3 });
}

#[test]
fn counts_are_held_against_the_bytes_left() {
    let too_many = |count, left| DecodeReason::CountTooLarge { count, left };
    refused(&list(Type::Bool), &[4, 0, 0, 0], 1, too_many(4, 3));
    refused(&list(Type::F64), &[2, 0, 0, 0, 0, 0, 0, 0, 0], 1, too_many(2, 8));
    refused(&list(Type::String), &[0xff, 0xff, 0xff, 0xff, 0x0f], 5, too_many(u32::MAX as usize, 0));
    refused(&list(Type::U8), &[0xff, 0xff, 0xff, 0xff, 0x0f, 1], 5, too_many(u32::MAX as usize, 1));
    refused(&map(Type::U8, Type::U8), &[2, 0, 0, 0], 1, too_many(2, 3));
    let huge = Type::FixedList(Box::new(Type::Bool), u32::MAX);
    refused(&huge, &[0], 0, too_many(u32::MAX as usize, 1));
    refused(&list(huge), &[1, 0], 1, too_many(1, 1));
    let three = Type::Record(fields(&[("a", Type::F32), ("b", flags(9)), ("c", Type::Tuple(vec![Type::U8]))]));
    refused(&list(three), &[2, 0, 0, 0, 0, 0, 0, 0], 1, too_many(2, 7));
}

#[test]
fn memory_is_bounded() {
    let mut bytes = Vec::new();
    let count = DECODED_MAX / u32::try_from(size_of::<Value>()).unwrap() + 1;
    encode(&Type::U32, &Value::U32(count), &mut bytes).unwrap();
    let start = bytes.len();
    bytes.resize(start + count as usize, 0);
    refused(&list(Type::Bool), &bytes, start, DecodeReason::TooLarge);
    // Types without any bytes announce nothing that the bytes left could refuse.
    let empty = list(Type::Tuple(vec![]));
    refused(&empty, &bytes[..start], start, DecodeReason::TooLarge);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| (1..depth).fold(Type::U8, |ty, _| option(ty));
    let value = |depth: usize| (1..depth).fold(Value::U8(1), |value, _| Value::some(value));
    let mut bytes = Vec::new();
    encode(&nested(TYPE_DEPTH_MAX), &value(TYPE_DEPTH_MAX), &mut bytes).unwrap();
    assert_eq!(decode(&nested(TYPE_DEPTH_MAX), &bytes).unwrap(), value(TYPE_DEPTH_MAX));
    bytes.insert(0, 1);
    let deeper = nested(TYPE_DEPTH_MAX + 1);
    assert_eq!(decode(&deeper, &bytes).unwrap_err().reason(), &DecodeReason::TooDeep);
    let error = encode(&deeper, &value(TYPE_DEPTH_MAX + 1), &mut bytes).unwrap_err();
    assert_eq!(error.reason(), &EncodeReason::TooDeep);
}

#[test]
fn errors_name_the_place() {
    let item = values::named(Type::Record(fields(&[("price", Type::Bool)])));
    let shape = Type::Variant(cases(&[("items", Some(map(Type::String, list(item))))]));
    let function = Function { params: fields(&[("order", shape)]), result: Some(option(Type::Bool)) };
    insta::assert_snapshot!(
        decode_params(&function, &[0, 1, 1, 0x6b, 2, 1, 7]).unwrap_err(),
        @"params.order.items[0].value[1].price: byte 0x07 where a bool is 0 or 1 at byte 6; both ends of a call must use one contract and one wire version"
    );
    insta::assert_snapshot!(
        decode_result(&function, &[1]).unwrap_err(),
        @"result.some: the bytes end, 1 more needed at byte 1; both ends of a call must use one contract and one wire version"
    );
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let pair = Type::Tuple(vec![Type::U8, Type::String]);
    let function = Function { params: fields(&[("pair", pair)]), result: None };
    let wrong = Value::Tuple(vec![Value::U8(1), Value::U8(1)]);
    insta::assert_snapshot!(
        encode_params(&function, &[wrong]).unwrap_err(),
        @"params.pair[1]: a value of type `string` is needed, a u8 was given"
    );
    insta::assert_snapshot!(encode_params(&function, &[]).unwrap_err(), @"params: `params` has 1 parts, 0 were given");
    insta::assert_snapshot!(
        encode_result(&function, Some(&Value::U8(1))).unwrap_err(),
        @"result: the function's result is nothing, u8 was given"
    );
    let mut out = vec![9];
    let list = list(Type::Bool);
    encode(&list, &Value::List(vec![Value::Bool(true), Value::U8(1)]), &mut out).unwrap_err();
    assert_eq!(out, [9], "nothing is left behind");
}

#[test]
fn misfits() {
    #[track_caller]
    fn misfit(ty: &Type, value: Value, expected: &str) {
        assert_eq!(encode(ty, &value, &mut Vec::new()).unwrap_err().to_string(), expected);
    }
    let shape = values::named(Type::Variant(vec![
        Case { name: "dot".to_owned(), ty: None },
        Case { name: "circle".to_owned(), ty: Some(Type::F32) },
    ]));
    misfit(
        &shape,
        Value::variant(2, None),
        "value: `variant { dot, circle(f32) }` has 2 cases, case 2 was given: cases count from 0",
    );
    misfit(&shape, Value::variant(1, None), "value.circle: this case needs a payload of type `f32`: give one");
    misfit(&shape, Value::variant(0, Some(Value::U8(1))), "value.dot: this case has no payload: leave out the u8");
    misfit(&result(None, None), Value::ok(Some(Value::U8(1))), "value.ok: this case has no payload: leave out the u8");
    misfit(&flags(2), Value::Flags(vec![true]), "value: `flags { f0, f1 }` has 2 parts, 1 were given");
    misfit(&list(Type::U8), Value::List(vec![]), "value: a value of type `list<u8>` is needed, a list was given");
    let fixed = Type::FixedList(Box::new(Type::Bool), 2);
    misfit(&fixed, Value::List(vec![]), "value: `list<bool, 2>` has 2 parts, 0 were given");
    let record = Type::Record(vec![Field { name: "a".to_owned(), ty: Type::U8 }]);
    misfit(&record, Value::Record(vec![]), "value: `record { a: u8 }` has 1 parts, 0 were given");
}

/// What decodes is encoded as it was; where a NaN had other bits, as another encoding of the same value.
fn one_encoding(ty: &Type, bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(value) = decode(ty, bytes) else { return Ok(()) };
    let mut again = Vec::new();
    encode(ty, &value, &mut again).unwrap();
    if again != bytes {
        prop_assert!(format!("{value:?}").contains("NaN"), "{:?} became {:?}", bytes, again);
        prop_assert_eq!(again.len(), bytes.len());
        prop_assert_eq!(decode(ty, &again).unwrap(), value);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_value_comes_back((ty, value) in values::typed()) {
        let mut bytes = Vec::new();
        encode(&ty, &value, &mut bytes).unwrap();
        prop_assert_eq!(decode(&ty, &bytes).unwrap(), value);
    }

    #[test]
    fn every_call_comes_back((function, params, result) in values::called()) {
        let bytes = encode_params(&function, &params).unwrap();
        prop_assert_eq!(decode_params(&function, &bytes).unwrap(), params);
        let bytes = encode_result(&function, result.as_ref()).unwrap();
        prop_assert_eq!(decode_result(&function, &bytes).unwrap(), result);
    }

    #[test]
    fn what_decodes_has_no_other_encoding(ty in values::ty(), bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        one_encoding(&ty, &bytes)?;
    }

    /// Nearly right bytes reach further into a decoder than random ones.
    #[test]
    fn one_changed_byte_is_refused_or_another_value(
        (ty, value) in values::typed(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        encode(&ty, &value, &mut bytes).unwrap();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(if cut { at } else { bytes.len() });
        }
        one_encoding(&ty, &bytes)?;
    }

    #[test]
    fn any_value_against_any_type_is_refused_or_fits((_, value) in values::typed(), ty in values::ty()) {
        let mut bytes = Vec::new();
        match encode(&ty, &value, &mut bytes) {
            Ok(()) => prop_assert_eq!(decode(&ty, &bytes).unwrap(), value),
            Err(_) => prop_assert!(bytes.is_empty()),
        }
    }
}
