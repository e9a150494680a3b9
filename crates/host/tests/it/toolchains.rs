//! One component in several toolchains: what each can do, it does alike.
//!
//! `crates/testkit/guests/conform` has it in Rust with the published crates `wasip2` and `wasip3`, in Python
//! (componentize-py) and in JavaScript (componentize-qjs). A row is a toolchain, a column a capability.

use std::path::PathBuf;

use adapter::value::Value;
use testkit::application::{Running, guest, root};
use testkit::caller::contract;
use testkit::http::request;
use testkit::log::{self, Level};

use crate::scene::start;
use crate::wasi_http::client::Server;

/// A toolchain's component.
struct Toolchain {
    name: &'static str,
    component: PathBuf,
    /// Whether its requests go out: componentize-qjs 0.4.5 takes no import of an async function, and `wasi:http` 0.3 has
    /// no other.
    asks: bool,
    /// The largest integer of 64 bits that it keeps exactly: componentize-qjs 0.4.5 makes numbers of JavaScript of them.
    exact: u64,
}

/// `Number.MAX_SAFE_INTEGER`.
const SAFE: u64 = (1 << 53) - 1;

fn toolchains() -> [Toolchain; 4] {
    let conform = root().join("crates/testkit/guests/conform");
    let [two, three] = ["conform_two", "conform_three"].map(|name| guest("wasm32-wasip2", name));
    [
        Toolchain { name: "wasip2", component: two, asks: true, exact: u64::MAX },
        Toolchain { name: "wasip3", component: three, asks: true, exact: u64::MAX },
        Toolchain { name: "python", component: conform.join("python/build/conform.wasm"), asks: true, exact: u64::MAX },
        Toolchain { name: "javascript", component: conform.join("js/build/conform.wasm"), asks: false, exact: SAFE },
    ]
}

async fn running(toolchain: &Toolchain, server: &Server) -> Running {
    let Toolchain { name, component, .. } = toolchain;
    start(&format!(
        r#"
        [application]
        name = "conform"
        [actors.{name}]
        component = "{}"
        config = {{ greeting = "grüß dich" }}
        grants.http = ["http://127.0.0.1:{}"]
        links."wasi:keyvalue" = {{ to = "kv" }}
        [providers]
        kv = {{ use = "keyvalue/memory" }}
        [[routes]]
        path = "/*"
        to = "{name}"
        "#,
        component.canonicalize().unwrap().display(),
        server.port,
    ))
    .await
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn case(case: u32, payload: Value) -> Value {
    Value::Variant { case, payload: Some(Box::new(payload)) }
}

fn point(x: i32, y: i32) -> Value {
    Value::Record(vec![Value::S32(x), Value::S32(y)])
}

/// The largest and the least integer of 64 bits with a sign that a toolchain keeps exactly.
fn exact(toolchain: &Toolchain) -> (i64, i64) {
    i64::try_from(toolchain.exact).map_or((i64::MAX, i64::MIN), |exact| (exact, -exact))
}

/// Everything at its least or its most, or nothing where there can be nothing.
fn everything(toolchain: &Toolchain, most: bool) -> Value {
    let (largest, least) = exact(toolchain);
    let of = |least: Value, largest: Value| if most { largest } else { least };
    let numbers = Value::Record(vec![
        of(Value::U8(0), Value::U8(u8::MAX)),
        of(Value::S8(i8::MIN), Value::S8(i8::MAX)),
        of(Value::U16(0), Value::U16(u16::MAX)),
        of(Value::S16(i16::MIN), Value::S16(i16::MAX)),
        of(Value::U32(0), Value::U32(u32::MAX)),
        of(Value::S32(i32::MIN), Value::S32(i32::MAX)),
        of(Value::U64(0), Value::U64(toolchain.exact)),
        of(Value::S64(least), Value::S64(largest)),
        of(Value::F32(f32::NEG_INFINITY), Value::F32(f32::MAX)),
        of(Value::F64(f64::NAN), Value::F64(-5e-324)),
    ]);
    let shapes = vec![
        Value::Variant { case: 0, payload: None },
        case(1, Value::F64(f64::NAN)),
        case(2, Value::List(vec![point(0, -1), point(i32::MIN, i32::MAX)])),
        case(3, text("")),
    ];
    let outcomes =
        vec![Value::Result(Ok(Some(Box::new(Value::U32(7))))), Value::Result(Err(Some(Box::new(text("no")))))];
    Value::Record(vec![
        Value::Bool(most),
        numbers,
        Value::Char(if most { '\u{10ffff}' } else { '\0' }),
        of(text(""), text("a\0é漢\u{1f600}\u{301}\n\"\\")),
        of(Value::Bytes(Vec::new()), Value::Bytes((0..=255).collect())),
        of(Value::List(Vec::new()), Value::List(vec![text(""), text("ß"), text(&"x".repeat(10_000))])),
        Value::Tuple(vec![Value::U32(u32::from(most)), text("second")]),
        of(Value::Option(None), Value::some(point(3, 4))),
        of(Value::some(Value::Option(None)), Value::some(Value::some(Value::U8(0)))),
        Value::Enum(if most { 2 } else { 0 }),
        Value::Flags(vec![most, false, most]),
        of(Value::List(Vec::new()), Value::List(shapes)),
        of(Value::List(Vec::new()), Value::List(outcomes)),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_what_they_were() {
    let server = Server::start().await;
    for toolchain in toolchains() {
        let running = running(&toolchain, &server).await;
        let values = running.caller(toolchain.name, contract(&toolchain.component, "values").unwrap());
        for value in [everything(&toolchain, false), everything(&toolchain, true)] {
            let echoed = values.call("echo", std::slice::from_ref(&value)).await;
            // Any NaN is as good as another, and none is equal to itself.
            assert_eq!(format!("{echoed:?}"), format!("{:?}", Ok::<_, ()>(Some(value))), "{}", toolchain.name);
        }
        let least = exact(&toolchain).1;
        let square = case(2, Value::List(vec![point(1, 1)]));
        let rows = [
            ("settle", vec![square.clone()], Ok(Some(Value::Result(Ok(Some(Box::new(square))))))),
            ("settle", vec![case(3, text("nöt"))], Ok(Some(Value::Result(Err(Some(Box::new(text("nöt")))))))),
            (
                "told",
                vec![Value::U64(toolchain.exact), Value::S64(least), text("é漢\u{1f600}")],
                Ok(Some(text(&format!("{} {least} 3", toolchain.exact)))),
            ),
        ];
        for (function, params, expected) in rows {
            assert_eq!(values.call(function, &params).await, expected, "{}: {function}", toolchain.name);
        }
        running.host.drain().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_answer_alike() {
    log::listen();
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let (there, away) = (server.port, elsewhere.port);
    let page = format!("/fetch?http://127.0.0.1:{there}/page");
    let denied = format!("/fetch?http://127.0.0.1:{away}/page");
    let large = "grüße ".repeat(30_000);
    let rows: [(&str, &str, &str, u16, &str); 10] = [
        ("POST", "/echo", "", 201, ""),
        ("POST", "/echo", &large, 201, &large),
        ("GET", "/elsewhere", "", 404, "no such page"),
        ("GET", "/keep?key=one", "", 200, "nothing"),
        ("GET", "/keep?key=two", "", 200, "one"),
        ("GET", "/setting?greeting", "", 200, "grüß dich"),
        ("GET", "/setting?other", "", 200, "nothing"),
        ("GET", "/note?text", "", 200, "noted"),
        ("GET", &page, "", 200, "200 the page\n"),
        ("GET", &denied, "", 200, "denied"),
    ];
    for toolchain in toolchains() {
        let running = running(&toolchain, &server).await;
        for (method, path, body, status, expected) in rows {
            let (status, expected) = match path.starts_with("/fetch") && !toolchain.asks {
                true => (404, "no such page"),
                false => (status, expected),
            };
            let answer = request(method, &running.url(path).unwrap(), &[], body).await.unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (status, expected), "{}: {path}", toolchain.name);
        }
        running.host.drain().await.unwrap();
        let said = log::of(toolchain.name);
        let noted = said.iter().filter(|line| line.level == Level::WARN && line.text == "text");
        let contexts: Vec<_> = noted.map(|line| line.fields["context"].as_str()).collect();
        assert_eq!(contexts, ["conform"], "{}: {said:?}", toolchain.name);
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}
