//! Every value type, echoed.

wit_bindgen::generate!({ world: "typed" });

use exports::test::typed::shapes::*;

struct Typed;
export!(Typed);

impl Guest for Typed {
    fn echo_bool(v: bool) -> bool {
        v
    }

    fn echo_u8(v: u8) -> u8 {
        v
    }

    fn echo_s8(v: i8) -> i8 {
        v
    }

    fn echo_u16(v: u16) -> u16 {
        v
    }

    fn echo_s16(v: i16) -> i16 {
        v
    }

    fn echo_u32(v: u32) -> u32 {
        v
    }

    fn echo_s32(v: i32) -> i32 {
        v
    }

    fn echo_u64(v: u64) -> u64 {
        v
    }

    fn echo_s64(v: i64) -> i64 {
        v
    }

    fn echo_f32(v: f32) -> f32 {
        v
    }

    fn echo_f64(v: f64) -> f64 {
        v
    }

    fn echo_char(v: char) -> char {
        v
    }

    fn echo_string(v: String) -> String {
        v
    }

    fn echo_bytes(v: Vec<u8>) -> Vec<u8> {
        v
    }

    fn echo_numbers(v: Vec<i64>) -> Vec<i64> {
        v
    }

    fn echo_floats(v: Vec<f32>) -> Vec<f32> {
        v
    }

    fn echo_strings(v: Vec<String>) -> Vec<String> {
        v
    }

    fn echo_lists(v: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
        v
    }

    fn echo_points(v: Vec<Point>) -> Vec<Point> {
        v
    }

    fn echo_tuple(v: (u8, String, f64)) -> (u8, String, f64) {
        v
    }

    fn echo_point(v: Point) -> Point {
        v
    }

    fn echo_person(v: Person) -> Person {
        v
    }

    fn echo_people(v: Vec<Person>) -> Vec<Person> {
        v
    }

    fn echo_deep(v: Deep) -> Deep {
        v
    }

    fn echo_account(v: Account) -> Account {
        v
    }

    fn echo_mixed(v: Mixed) -> Mixed {
        v
    }

    fn echo_color(v: Color) -> Color {
        v
    }

    fn echo_option(v: Option<u32>) -> Option<u32> {
        v
    }

    fn echo_nested_option(v: Option<Option<String>>) -> Option<Option<String>> {
        v
    }

    fn echo_result(v: Result<u32, String>) -> (Result<u32, String>,) {
        (v,)
    }

    fn echo_result_ok(v: Result<String, ()>) -> (Result<String, ()>,) {
        (v,)
    }

    fn echo_result_err(v: Result<(), u8>) -> (Result<(), u8>,) {
        (v,)
    }

    fn echo_result_none(v: Result<(), ()>) -> (Result<(), ()>,) {
        (v,)
    }

    fn echo_few(v: Few) -> Few {
        v
    }

    fn echo_eight(v: Eight) -> Eight {
        v
    }

    fn echo_sixteen(v: Sixteen) -> Sixteen {
        v
    }

    fn echo_many(v: Many) -> Many {
        v
    }

    fn join(
        a: u8,
        b: u16,
        c: u32,
        d: u64,
        e: i8,
        f: i16,
        g: i32,
        h: i64,
        i: bool,
        j: char,
        k: String,
        l: f32,
        m: f64,
        n: Point,
        o: Option<u32>,
        p: Vec<u8>,
        q: Color,
        r: String,
    ) -> String {
        let (x, y) = (n.x, n.y);
        format!("{a},{b},{c},{d},{e},{f},{g},{h},{i},{j},{k},{l},{m},{x},{y},{o:?},{p:?},{q:?},{r}")
    }

    fn nothing() {}

    fn answer() -> u32 {
        42
    }

    fn ignore(_v: String) {}

    fn settle(v: Result<Person, String>) -> Result<Person, String> {
        v
    }
}
