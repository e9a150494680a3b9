//! What a composite may import and must export.

use std::sync::Arc;

use engine::{Engine, EngineError, EngineSettings};

use crate::guest::{self, component};
use crate::scene::{Nowhere, ask, engine, settings};

#[test]
fn unknown_imports_are_named() {
    let engine = engine();
    let strange = component(
        r#"(component
            (import "acme:fx/rates@1.0.0" (instance (export "rate" (func (result f64)))))
            (import "acme:fx/types@1.0.0" (instance (type $m (tuple u32)) (export "money" (type (eq $m)))))
            (import "send1" (instance (export "send" (func))))
            (import "wasi:io/poll@0.3.0" (instance (export "poll" (func)))))"#,
    );
    let strange = engine.load(&strange).unwrap().component;
    let error = engine.actor(&strange, settings("cart"), Arc::new(Nowhere)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "actor 'cart' imports what the host does not provide: \
         acme:fx/rates@1.0.0, send1, wasi:io/poll@0.3.0; link these imports"
    );
}

#[test]
fn missing_receivers_are_named() {
    let engine = engine();
    let guest = engine.load(&guest::PLAIN).unwrap().component;
    let settings = engine::ActorSettings {
        receivers: vec!["receive0".into(), "receive1".into(), "send0".into()],
        ..settings("cart")
    };
    let error = engine.actor(&guest, settings, Arc::new(Nowhere)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the composite of actor 'cart' exports no `receive` under receive1, send0; compose it again"
    );
}

#[test]
fn a_receiver_of_another_type_is_refused() {
    let engine = engine();
    let check = |message: &str, reply: &str, fits: bool| {
        let module = r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "receive0#receive") (param i32 i32 i32 i32) (result i32) unreachable))"#;
        let world = format!(
            "package test:guest;
             interface bus {{
                 use lath:rpc/types@1.0.0.{{rpc-error}};
                 variant other-error {{ host-error(string), other(string) }}
                 record message {{ {message} }}
                 receive: func(msg: message) -> {reply};
             }}
             world guest {{ export receive0: bus; }}"
        );
        let component = engine.load(&guest::in_world(module, &world)).unwrap().component;
        let settings = engine::ActorSettings { senders: Vec::new(), ..settings("cart") };
        let actor = engine.actor(&component, settings, Arc::new(Nowhere));
        assert_eq!(actor.is_ok(), fits, "{message}; {reply}: {actor:?}");
        let Err(error) = actor else { return };
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "`receive` of `receive0` is not that of lath:wasmbus/receiver");
    };
    check("method: string, arg: list<u8>", "result<list<u8>, rpc-error>", true);
    check("method: string, args: list<u8>", "result<list<u8>, rpc-error>", false);
    check("method: string, arg: list<s8>", "result<list<u8>, rpc-error>", false);
    check("method: string, arg: list<u8>", "result<string, rpc-error>", false);
    check("method: string, arg: list<u8>", "result<list<u8>, string>", false);
    check("method: string, arg: list<u8>", "result<list<u8>, other-error>", false);
}

#[test]
fn a_sender_of_another_type_is_refused() {
    let engine = engine();
    let other = component(r#"(component (import "send0" (instance (export "send" (func (param "x" u32))))))"#);
    let other = engine.load(&other).unwrap().component;
    let settings = engine::ActorSettings { receivers: Vec::new(), ..settings("cart") };
    let error = engine.actor(&other, settings, Arc::new(Nowhere)).unwrap_err();
    assert!(matches!(error, EngineError::Link { .. }), "{error}");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let core = component("(module)");
    for bytes in [&b""[..], b"no", &core] {
        assert!(matches!(engine().load(bytes), Err(EngineError::Compile(_))));
    }
}

#[test]
fn async_types_choose_the_concurrent_engine() {
    let engine = engine();
    for (text, concurrent) in [
        (r#"(component (import "a" (func)))"#, false),
        (r#"(component (import "a" (func async)))"#, true),
        (r#"(component (import "a" (func (param "x" (stream u8)))))"#, true),
        (r#"(component (component (type (future))))"#, true),
    ] {
        assert_eq!(engine.load(&component(text)).unwrap().component.is_concurrent(), concurrent, "{text}");
    }
}

#[test]
fn map_and_fixed_length_lists_are_supported_in_both_engines() {
    let engine = engine();
    for pre in ["", "async "] {
        let text =
            format!(r#"(component (import "a" (func {pre}(param "m" (map string u32)) (param "l" (list u8 4)))))"#);
        engine.load(&component(&text)).unwrap();
    }
}

/// Where address space is short, the engine does without its pool.
#[tokio::test]
async fn an_engine_without_a_pool_serves_too() {
    const CHILD: &str = "LATH_TEST_SHORT_OF_ADDRESS_SPACE";
    if std::env::var_os(CHILD).is_none() {
        let status = std::process::Command::new("sh")
            .args(["-c", r#"ulimit -v 4000000 && exec "$0" linking::an_engine_without_a_pool_serves_too --exact"#])
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let guest = engine.load(&guest::PLAIN).unwrap().component;
    let actor = engine.actor(&guest, settings("cramped"), Arc::new(Nowhere)).unwrap();
    assert_eq!(ask(&actor, "echo", b"still").await.unwrap(), b"still");
    ask(&actor, "Gorge", b"").await.unwrap_err();
}
