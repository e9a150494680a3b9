//! The bytes of each version of the wire, for each type. Checked in: they never change.

use model::wire::WireVersion;
use wasmtime::component::Val;

use super::support::{Fixture, case, err, interface, list, ok, some, text, variant};

const TYPES: &str = "
    record point { x: s32, y: s32 }
    record wide { flag: bool, name: string, parts: list<point>, last: option<u64> }
    variant shape { circle(f64), square(u8), label(string), nothing }
    enum color { red, green, blue }
    flags one { a }
    flags eight { a, b, c, d, e, f, g, h }
    flags nine { a, b, c, d, e, f, g, h, i }
    flags seventeen { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q }
    flags all { b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15,
        b16, b17, b18, b19, b20, b21, b22, b23, b24, b25, b26, b27, b28, b29, b30, b31 }
    type alias = point;
    type matrix = list<list<u16, 2>, 2>;
";

struct Row {
    ty: &'static str,
    value: Val,
    hex: &'static str,
}

fn row(ty: &'static str, value: Val, hex: &'static str) -> Row {
    Row { ty, value, hex }
}

fn point(x: i32, y: i32) -> Val {
    Val::Record(vec![("x".into(), Val::S32(x)), ("y".into(), Val::S32(y))])
}

fn flags(names: &[&str]) -> Val {
    Val::Flags(names.iter().map(|name| (*name).into()).collect())
}

fn integers() -> Vec<Row> {
    vec![
        row("bool", Val::Bool(false), "00"),
        row("bool", Val::Bool(true), "01"),
        row("u8", Val::U8(200), "c8"),
        row("s8", Val::S8(-1), "ff"),
        row("u16", Val::U16(0), "00"),
        row("u16", Val::U16(127), "7f"),
        row("u16", Val::U16(128), "8001"),
        row("u16", Val::U16(u16::MAX), "ffff03"),
        row("s16", Val::S16(63), "3f"),
        row("s16", Val::S16(64), "c000"),
        row("s16", Val::S16(-64), "40"),
        row("s16", Val::S16(-65), "bf7f"),
        row("s16", Val::S16(i16::MIN), "80807e"),
        row("u32", Val::U32(300), "ac02"),
        row("u32", Val::U32(16_384), "808001"),
        row("u32", Val::U32(2_097_152), "80808001"),
        row("u32", Val::U32(u32::MAX), "ffffffff0f"),
        row("s32", Val::S32(-1), "7f"),
        row("s32", Val::S32(8191), "ff3f"),
        row("s32", Val::S32(8192), "80c000"),
        row("s32", Val::S32(i32::MAX), "ffffffff07"),
        row("s32", Val::S32(i32::MIN), "8080808078"),
        row("u64", Val::U64(1), "01"),
        row("u64", Val::U64(1 << 35), "808080808001"),
        row("u64", Val::U64(u64::MAX), "ffffffffffffffffff01"),
        row("s64", Val::S64(-2), "7e"),
        row("s64", Val::S64(i64::MAX), "ffffffffffffffffff00"),
        row("s64", Val::S64(i64::MIN), "8080808080808080807f"),
    ]
}

fn scalars() -> Vec<Row> {
    vec![
        row("f32", Val::Float32(1.5), "0000c03f"),
        row("f32", Val::Float32(-0.0), "00000080"),
        row("f32", Val::Float32(f32::from_bits(0xffc1_2345)), "0000c07f"),
        row("f32", Val::Float32(f32::NEG_INFINITY), "000080ff"),
        row("f64", Val::Float64(1.5), "000000000000f83f"),
        row("f64", Val::Float64(f64::from_bits(0xfff8_0000_0000_0001)), "000000000000f87f"),
        row("char", Val::Char('A'), "41"),
        row("char", Val::Char('é'), "c3a9"),
        row("char", Val::Char('€'), "e282ac"),
        row("char", Val::Char('😀'), "f09f9880"),
        row("string", text(""), "00"),
        row("string", text("héllo"), "0668c3a96c6c6f"),
        row("one", flags(&["a"]), "01"),
        row("eight", flags(&["a", "h"]), "81"),
        row("nine", flags(&["b", "i"]), "0201"),
        row("seventeen", flags(&["q"]), "000001"),
        row("all", flags(&["b0", "b31"]), "01000080"),
        row("color", Val::Enum("blue".into()), "02"),
    ]
}

fn composites() -> Vec<Row> {
    let wide = Val::Record(vec![
        ("flag".into(), Val::Bool(true)),
        ("name".into(), text("ab")),
        ("parts".into(), Val::List(vec![point(1, -1), point(300, 0)])),
        ("last".into(), some(Val::U64(128))),
    ]);
    let u16s = |a, b| Val::FixedLengthList(vec![Val::U16(a), Val::U16(b)]);
    vec![
        row("point", point(1, -2), "017e"),
        row("alias", point(0, 64), "00c000"),
        row("wide", wide, "0102616202017fac0200018001"),
        row("tuple<u8, string>", Val::Tuple(vec![Val::U8(7), text("x")]), "070178"),
        row("shape", variant("circle", Val::Float64(2.0)), "000000000000000040"),
        row("shape", variant("square", Val::U8(9)), "0109"),
        row("shape", variant("label", text("hi")), "02026869"),
        row("shape", case("nothing"), "03"),
        row("option<u8>", Val::Option(None), "00"),
        row("option<u8>", some(Val::U8(5)), "0105"),
        row("option<option<u8>>", some(Val::Option(None)), "0100"),
        row("result<u8, string>", ok(Val::U8(1)), "0001"),
        row("result<u8, string>", err(text("no")), "01026e6f"),
        row("result<_, u8>", Val::Result(Ok(None)), "00"),
        row("result<u8>", Val::Result(Err(None)), "01"),
        row("result", Val::Result(Err(None)), "01"),
        row("list<u8>", list(&[1, 2, 255]), "030102ff"),
        row("list<bool>", Val::List(vec![Val::Bool(true), Val::Bool(false)]), "020100"),
        row("list<f32>", Val::List(vec![Val::Float32(1.0), Val::Float32(f32::NAN)]), "020000803f0000c07f"),
        row("list<u32>", Val::List(vec![Val::U32(1), Val::U32(128)]), "02018001"),
        row("list<string>", Val::List(vec![text("a"), text(""), text("bc")]), "03016100026263"),
        row("list<list<u8>>", Val::List(vec![list(&[]), list(&[9])]), "02000109"),
        row("list<point>", Val::List(vec![]), "00"),
        row("list<u16, 3>", Val::FixedLengthList(vec![Val::U16(1), Val::U16(2), Val::U16(300)]), "0102ac02"),
        row("matrix", Val::FixedLengthList(vec![u16s(1, 2), u16s(3, 128)]), "0102038001"),
        row("map<string, u8>", Val::Map(vec![(text("a"), Val::U8(1)), (text("b"), Val::U8(2))]), "02016101016202"),
    ]
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Both directions through both adapters, each row in the instances that earlier rows used.
fn check(wire: WireVersion, rows: &[Row]) {
    let functions: String =
        rows.iter().enumerate().map(|(at, row)| format!("f{at}: func(v: {0}) -> {0};\n", row.ty)).collect();
    let fixture = Fixture::speaking(wire, &interface(&format!("{TYPES}{functions}")));
    let (sent, seen) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let mut sender = fixture.sender(move |message| {
        sent.0.send(message.clone()).unwrap();
        Ok(message.payload)
    });
    let mut receiver = fixture.receiver(move |name, params| {
        seen.0.send((name.to_owned(), params.to_vec())).unwrap();
        params.to_vec()
    });
    for (at, row) in rows.iter().enumerate() {
        let method = format!("f{at}");
        let params = std::slice::from_ref(&row.value);
        let result = sender.call(&method, params).unwrap();
        let message = sent.1.try_recv().unwrap();
        assert_eq!(to_hex(&message.payload), row.hex, "{} {:?}", row.ty, row.value);
        assert_eq!((message.method, message.contract.as_str()), (method.clone(), "t:t/c@1.0.0"));
        assert_eq!(message.link, Val::Option(None));
        assert_eq!(result.as_ref(), Some(&row.value), "{}", row.ty);
        let payload = from_hex(row.hex);
        let reply = receiver.receive(&method, &payload).unwrap().unwrap();
        assert_eq!(seen.1.try_recv().unwrap(), (method, params.to_vec()), "{}", row.ty);
        assert_eq!(to_hex(&reply), row.hex, "{} {:?}", row.ty, row.value);
    }
}

#[test]
fn golden_bytes() {
    check(WireVersion::V1, &integers());
    check(WireVersion::V1, &scalars());
    check(WireVersion::V1, &composites());
}

/// Version 2 writes lists of numbers as they lie in memory, and all else as version 1.
#[test]
fn golden_bytes_of_version_2() {
    check(WireVersion::V2, &integers());
    check(WireVersion::V2, &scalars());
    check(WireVersion::V2, &lists_of_numbers());
    let is_other = |row: &Row| !["list<f32>", "list<u32>", "list<u16, 3>", "matrix"].contains(&row.ty);
    check(WireVersion::V2, &composites().into_iter().filter(is_other).collect::<Vec<_>>());
}

fn lists_of_numbers() -> Vec<Row> {
    let one = |value| Val::List(vec![value]);
    let u16s = |a, b| Val::FixedLengthList(vec![Val::U16(a), Val::U16(b)]);
    vec![
        row("list<u16>", Val::List(vec![Val::U16(1), Val::U16(0x8000)]), "0201000080"),
        row("list<s16>", one(Val::S16(-2)), "01feff"),
        row("list<u32>", Val::List(vec![]), "00"),
        row("list<u32>", Val::List(vec![Val::U32(1), Val::U32(128)]), "020100000080000000"),
        row("list<s32>", one(Val::S32(i32::MIN)), "0100000080"),
        row("list<u64>", one(Val::U64(1 << 35)), "010000000008000000"),
        row("list<s64>", one(Val::S64(-1)), "01ffffffffffffffff"),
        row("list<f32>", one(Val::Float32(-1.5)), "010000c0bf"),
        row("list<f64>", Val::List(vec![Val::Float64(1.5), Val::Float64(-0.0)]), "02000000000000f83f0000000000000080"),
        row(
            "tuple<u8, list<u64>, u8>",
            Val::Tuple(vec![Val::U8(1), one(Val::U64(2)), Val::U8(3)]),
            "0101020000000000000003",
        ),
        row("list<u16, 2>", u16s(1, 300), "01002c01"),
        row("matrix", Val::FixedLengthList(vec![u16s(1, 2), u16s(3, 300)]), "0100020003002c01"),
        row("list<list<u16>>", Val::List(vec![one(Val::U16(7)), Val::List(vec![])]), "0201070000"),
        row("list<tuple<u32, u32>>", one(Val::Tuple(vec![Val::U32(1), Val::U32(128)])), "01018001"),
        row("list<char>", one(Val::Char('€')), "01e282ac"),
        row("list<color>", one(Val::Enum("blue".into())), "0102"),
        row("map<u32, u32>", Val::Map(vec![(Val::U32(1), Val::U32(300))]), "0101ac02"),
    ]
}

/// Enums and variants of more than 128 cases take two bytes for the later ones.
#[test]
fn many_cases() {
    for count in [128, 129, 256, 257, 300] {
        let names: Vec<String> = (0..count).map(|at| format!("c{at}")).collect();
        let cases = names.join(", ");
        let declarations = format!(
            "enum e {{ {cases} }}\nvariant v {{ {cases}, last(string) }}\n
             fe: func(v: e) -> e; fv: func(v: v) -> v;"
        );
        let fixture = Fixture::new(&interface(&declarations));
        let mut sender = fixture.sender(|message| Ok(message.payload));
        let mut receiver = fixture.receiver(|_, params| params.to_vec());
        for name in [&names[0], &names[127], names.last().unwrap()] {
            let values = [Val::Enum(name.clone()), case(name), variant("last", text("x"))];
            for (value, method) in values.iter().zip(["fe", "fv", "fv"]) {
                assert_eq!(sender.call(method, std::slice::from_ref(value)).unwrap().as_ref(), Some(value));
            }
        }
        assert_eq!(receiver.receive("fe", &[127]).unwrap().unwrap(), [127]);
        assert!(receiver.receive("fe", &[0xac, 0x02]).unwrap().is_err(), "case 300 of {count}");
        let last = u16::try_from(count).unwrap();
        let index = [u8::try_from(last % 128).unwrap() | 0x80, u8::try_from(last / 128).unwrap(), 1, b'x'];
        assert_eq!(receiver.receive("fv", &index).unwrap().unwrap(), index);
    }
}
