//! A sender and a receiver written by hand, with JSON payloads.

use host::application::Application;
use testkit::application::{folder, root, run};

use crate::scene::assert_get;

const BUILT: &str = "examples/json-adapters/target/wasm32-wasip2/release";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_travels_as_json() {
    let running = run(&root().join("examples/json-adapters")).await.unwrap();
    assert_get(&running, "/a/b?amount=5", 200, r#"{"counter":42}"#).await;
    let calls = running.host.stats().actors.into_values().map(|actor| actor.calls).collect::<Vec<u64>>();
    assert_eq!(calls, [1, 1]);
    running.host.drain().await.unwrap();
}

/// What the planner says of the example with another target or another receiver.
fn problems(to: &str, receiver: &str) -> Vec<String> {
    let folder = folder(&format!(
        r#"
        manifest = 1
        [application]
        name = "test"
        [actors.counter]
        component = "{{root}}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm"
        links."lath:keyvalue/counter" = {{ to = "{to}" }}
        [actors.answer]
        component = "{{root}}/{BUILT}/json_counter_answer.wasm"
        [adapters."lath:keyvalue/counter"]
        sender = "{{root}}/{BUILT}/json_counter_sender.wasm"
        receiver = "{receiver}"
        [providers]
        kv = {{ use = "keyvalue/memory" }}
        [[routes]]
        path = "/*"
        to = "counter"
        "#
    ))
    .unwrap();
    std::fs::write(folder.path().join("other.wasm"), other_receiver()).unwrap();
    let application = Application::open(folder.path(), &mut |_| {}).unwrap();
    let problems = application.plan(None).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}; {}", problem.mend())).collect()
}

/// The receiver, declaring another wire.
fn other_receiver() -> Vec<u8> {
    let mut bytes = std::fs::read(root().join(BUILT).join("json_counter_receiver.wasm")).unwrap();
    let wire = b"json-counter/1";
    let at = bytes.windows(wire.len()).rposition(|window| window == wire).unwrap();
    bytes[at + wire.len() - 1] = b'2';
    bytes
}

#[test]
fn both_ends_must_speak_one_wire() {
    let receiver = format!("{{root}}/{BUILT}/json_counter_receiver.wasm");
    let none: [&str; 0] = [];
    assert_eq!(problems("answer", &receiver), none);
    assert_eq!(
        problems("kv", &receiver),
        [
            "import `lath:keyvalue/counter@0.1.0` of actor counter speaks wire `json-counter/1`, but provider kv answers \
          on `lath/1`; remove the adapters of `lath:keyvalue/counter` from the manifest, so that both ends speak \
          `lath/1`"
        ]
    );
    assert_eq!(
        problems("answer", "other.wasm"),
        ["the adapters of `lath:keyvalue/counter` do not fit: the sender speaks wire `json-counter/1`, the receiver \
          `json-counter/2`; build both adapters for one wire"]
    );
}
