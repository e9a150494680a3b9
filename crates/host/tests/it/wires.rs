//! Versions of the wire through a host: equal answers in each, and a refusal of any other.

use adapter::codec::Codec;
use adapter::value::Value;
use model::contract::Contract;
use model::failure::{Failure, Progress};
use model::wire::{WireVersion, Wires};
use testkit::application::{Running, folder, root, run_speaking};

use WireVersion::{V1, V2};

use crate::scene::assert_get;

const GUESTS: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release";

/// The steps by which version 2 takes the place of version 1.
fn steps() -> [Wires; 4] {
    [Wires::default(), Wires::new(V1, [V1, V2]), Wires::new(V2, [V1, V2]), Wires::new(V2, [V2])]
}

async fn run(actors: &str, wires: &Wires) -> Running {
    let folder = folder(&format!("manifest = 1\n[application]\nname = \"test\"\n{actors}")).unwrap();
    run_speaking(folder.path(), wires).await.unwrap()
}

/// Calls an actor as a sender of a version does.
async fn call(
    running: &Running,
    (actor, contract): (&str, &Contract),
    (function, params): (&str, &[Value]),
    wire: WireVersion,
) -> Result<Value, Failure> {
    let (codec, signature) = (Codec(wire), &contract.functions[function]);
    let payload = codec.encode_params(signature, params).unwrap();
    let mut message = running.caller(actor, contract.clone()).message(function, payload);
    message.wire = wire.id().parse().unwrap();
    let reply = running.send(message).await?;
    Ok(codec.decode_result(signature, &reply).unwrap().unwrap())
}

fn contract(running: &Running, actor: &str) -> Contract {
    let view = &running.application.intent().components[&actor.parse().unwrap()];
    let exported = view.exports.iter().find_map(|port| match &port.shape {
        model::view::Shape::Contract(contract) => Some((**contract).clone()),
        _ => None,
    });
    exported.unwrap()
}

/// Lists of numbers, and what holds some.
fn lists() -> Vec<(&'static str, Value)> {
    let numbers = [0, 1, -1, 63, 64, i64::MIN, i64::MAX].map(Value::S64).to_vec();
    let floats = [0.0, -0.5, f32::MAX, f32::INFINITY].map(Value::F32).to_vec();
    let lists = vec![Value::List(vec![]), Value::List(vec![Value::U32(0), Value::U32(u32::MAX), Value::U32(128)])];
    vec![
        ("echo-numbers", Value::List(numbers)),
        ("echo-numbers", Value::List((0..16_384).map(Value::S64).collect())),
        ("echo-floats", Value::List(floats)),
        ("echo-lists", Value::List(lists)),
        ("echo-strings", Value::List(vec![Value::String("é".to_owned())])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_answers_alike_in_each_version_that_it_accepts() {
    let actor = format!("[actors.typed]\ncomponent = \"{GUESTS}/typed.wasm\"\n");
    for wires in steps() {
        let running = run(&actor, &wires).await;
        let contract = contract(&running, "typed");
        for wire in WireVersion::ALL {
            for (function, value) in lists() {
                let answer = call(&running, ("typed", &contract), (function, std::slice::from_ref(&value)), wire).await;
                if wires.accept.contains(&wire) {
                    assert_eq!(answer.unwrap(), value, "{wires:?} {wire} {function}");
                } else {
                    let failure = answer.unwrap_err();
                    assert_eq!(failure.progress, Progress::NotStarted, "{failure}");
                    assert!(failure.to_string().contains(wire.id()), "{failure}");
                }
            }
        }
        running.host.drain().await.unwrap();
    }
}

/// Bytes of one version are no message of the other, and say so.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_the_other_version_are_refused() {
    let actor = format!("[actors.typed]\ncomponent = \"{GUESTS}/typed.wasm\"\n");
    let running = run(&actor, &Wires::new(V1, [V1, V2])).await;
    let contract = contract(&running, "typed");
    let signature = &contract.functions["echo-numbers"];
    let params = [Value::List([1, 2, 3].map(Value::S64).to_vec())];
    for (written, said) in [(V1, V2), (V2, V1)] {
        let payload = Codec(written).encode_params(signature, &params).unwrap();
        let mut message = running.caller("typed", contract.clone()).message("echo-numbers", payload);
        message.wire = said.id().parse().unwrap();
        let failure = running.send(message).await.unwrap_err();
        assert_eq!(failure.error.parts().0, "deser", "{failure}");
    }
    running.host.drain().await.unwrap();
}

/// Actor to actor, actor to a provider of the host, and requests that the host makes messages of.
#[tokio::test(flavor = "multi_thread")]
async fn links_and_routes_work_in_every_step() {
    let kvcounter = root().join("examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm");
    let actors = format!(
        "[actors.caller]\ncomponent = \"{GUESTS}/bench_caller.wasm\"\n\
         links.\"test:bench/target\" = {{ to = \"callee\" }}\n\
         [actors.callee]\ncomponent = \"{GUESTS}/bench_callee.wasm\"\n\
         [actors.counter]\ncomponent = \"{}\"\nlinks.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n\
         [providers]\nkv = {{ use = \"keyvalue/memory\" }}\n[[routes]]\npath = \"/*\"\nto = \"counter\"\n",
        kvcounter.display()
    );
    let mut answers = Vec::new();
    for wires in steps() {
        let running = run(&actors, &wires).await;
        let contract = contract(&running, "caller");
        let wire = *wires.accept.first().unwrap();
        answers.push(call(&running, ("caller", &contract), ("drive-total", &[Value::U32(3)]), wire).await.unwrap());
        assert_get(&running, "/a?amount=5", 200, r#"{"counter":5}"#).await;
        let calls = running.host.stats().actors.into_values().map(|actor| actor.calls).sum::<u64>();
        assert_eq!(calls, 5, "{wires:?}");
        running.host.drain().await.unwrap();
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
