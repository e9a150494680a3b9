//! What a call gives: replies, failures, and how far it came.

use model::failure::Progress::{NotStarted, Unknown};
use model::failure::{Failure, Progress, RpcError};

use crate::guest;
use crate::scene::{Mirror, Nowhere, Road, actor, ask, call, engine, lone, settings, within};

#[tokio::test]
async fn replies_come_back() {
    let actor = lone("echo");
    for payload in [&b""[..], b"hello", &[0; 100_000]] {
        assert_eq!(ask(&actor, "echo", payload).await.unwrap(), payload);
    }
    assert_eq!(actor.stats().calls, 3);
}

#[tokio::test]
async fn failures_say_what_happened_and_how_far_it_came() {
    let table: [(&str, Progress, &str); 8] = [
        (
            "unreachable",
            Unknown,
            "actor-handler: actor 'a' trapped: wasm trap: wasm `unreachable` instruction executed",
        ),
        ("recurse", Unknown, "actor-handler: actor 'a' trapped: wasm trap: call stack exhausted"),
        ("invalid", Unknown, "actor-handler: actor 'a' trapped: list pointer/length out of bounds of memory"),
        ("quit", Unknown, "actor-handler: actor 'a' trapped: it called exit with status 1"),
        ("Gorge", Unknown, "host-error: actor 'a': its memory limit of 67108864 bytes is exhausted"),
        ("xerr", Unknown, "invalid-parameter: payload"),
        ("?", Unknown, "method-not-handled: ?"),
        ("forward", Unknown, "transport: nobody serves test:other/api"),
    ];
    let actor = lone("a");
    for (method, progress, text) in table {
        let failure = ask(&actor, method, b"payload").await.unwrap_err();
        assert_eq!((failure.progress, failure.to_string().as_str()), (progress, text), "{method}");
        assert_eq!(ask(&actor, "echo", b"on").await.unwrap(), b"on", "after {method}");
    }
}

#[tokio::test]
async fn messages_go_out_with_their_context() {
    let actor = actor(&engine(), settings("out"), Mirror);
    let reply = actor.call(0, "fetch", &[1, 2], &call().at_depth(3)).await.unwrap();
    assert_eq!(String::from_utf8(reply).unwrap(), "0 etch [1, 2] test:other/api None depth 4 id 7");
}

#[tokio::test]
async fn actors_call_each_other_on_one_task() {
    let engine = engine();
    let road = Road::default();
    let front = actor(&engine, settings("front"), road.clone());
    road.0.set(actor(&engine, settings("back"), Nowhere)).unwrap();
    assert_eq!(ask(&front, "fe", b"through").await.unwrap(), b"through");
    let failure = ask(&front, "fu", b"").await.unwrap_err();
    assert!(matches!(&failure.error, RpcError::ActorHandler(text) if text.contains("'back'")), "{failure}");
}

#[tokio::test]
async fn contracts_with_async_functions_run_in_the_concurrent_engine() {
    let engine = engine();
    let component = engine.load(&guest::CONCURRENT).unwrap().component;
    assert!(component.is_concurrent());
    let road = Road::default();
    let front = engine.actor(&component, settings("front"), std::sync::Arc::new(road.clone())).unwrap();
    let back = engine.actor(&component, settings("back"), std::sync::Arc::new(Nowhere)).unwrap();
    road.0.set(back).unwrap();
    assert_eq!(ask(&front, "fe", b"through").await.unwrap(), b"through");
    assert!(matches!(ask(&front, "fu", b"").await.unwrap_err().error, RpcError::ActorHandler(_)));
    let failure = front.call(0, "fspin", b"", &within(std::time::Duration::from_millis(30))).await.unwrap_err();
    assert!(matches!(failure.error, RpcError::DeadlineExceeded(_)), "{failure}");
    assert_eq!(ask(&front, "fe", b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn an_unknown_receiver_is_refused() {
    let failure = lone("a").call(1, "echo", b"", &call()).await.unwrap_err();
    let text = "actor 'a' has no receiver 1".to_owned();
    assert_eq!(failure, Failure { error: RpcError::HostError(text), progress: NotStarted });
}
