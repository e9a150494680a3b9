//! Generators that are components: they give what the native one gives, or are refused by name.

use std::sync::Arc;
use std::time::Duration;

use adapter::generator::Error;
use adapter::source::{Source, WitFile};
use engine::ComputationSettings;
use host::generator::{Generator, GeneratorError, GeneratorLimits, values};
use host::limits::{
    ADAPTER_BYTES_MAX, GENERATOR_MEMORY, GENERATOR_NAME_BYTES_MAX, GENERATOR_TIME_MAX, GENERATOR_WIRES_MAX,
};
use model::contract::Contract;
use model::ids::ByteSize;
use model::value::Value;
use testkit::application::chain;
use testkit::generators::{component, engine};

/// Long enough for anything that is not meant to be late.
const AMPLE: Duration = Duration::from_secs(120);

fn contract(interface: &str) -> Contract {
    let text = format!(
        "package test:made@1.0.0;
         interface types {{ record point {{ x: s32, y: s32 }} }}
         interface {interface} {{ use types.{{point}}; beat: func(points: list<point>, factors: list<u32>) -> result<point, string>; }}"
    );
    let file = WitFile { path: "made.wit".to_owned(), text };
    Source::from_wit("the test", &[file], &[]).unwrap().contract(interface).unwrap()
}

fn limits() -> GeneratorLimits {
    GeneratorLimits { time: AMPLE, ..GeneratorLimits::default() }
}

async fn generator(name: &str, limits: GeneratorLimits) -> Generator {
    Generator::within(&engine().unwrap(), &component(name).unwrap(), limits).await.unwrap()
}

/// What a faulty generator comes to over the contract that asks it to be faulty in this way.
async fn fault(interface: &str, wire: u32, limits: GeneratorLimits) -> GeneratorError {
    generator("faulty_generator", limits)
        .await
        .sender(&contract(interface), wire)
        .await
        .map(|made| made.len())
        .unwrap_err()
}

#[tokio::test]
async fn a_component_gives_the_adapters_that_the_native_generator_gives() {
    let (native, made) = (Generator::native(), generator("generator", limits()).await);
    assert_eq!(made.info(), native.info());
    let contract = contract("plain");
    for wire in native.info().wires.clone() {
        let expected = (native.sender(&contract, wire).await.unwrap(), native.receiver(&contract, wire).await.unwrap());
        assert_ne!(expected.0, expected.1);
        for _ in 0..2 {
            let both = (made.sender(&contract, wire).await.unwrap(), made.receiver(&contract, wire).await.unwrap());
            assert!(both == expected, "wire {wire} differs");
        }
    }
}

/// Every adapter of `lath` is made in an instance of its own; what one leaves behind would change nothing all the same.
#[tokio::test]
async fn one_instance_gives_the_same_again() {
    let engine = engine().unwrap();
    let loaded = engine.load(&component("generator").unwrap()).unwrap().component;
    let settings = ComputationSettings {
        name: "again".to_owned(),
        memory_bytes: GENERATOR_MEMORY.0,
        execution: AMPLE,
        result_bytes_max: 4 << 20,
    };
    let asked = Arc::new(adapter::generator::contract().unwrap());
    let computation = engine.computation(&loaded, settings, asked).unwrap();
    let mut instance = computation.begin().await.unwrap();
    for interface in ["one", "other", "one"] {
        let contract = contract(interface);
        let text = Value::Record(vec![
            Value::String(contract.name.to_string()),
            Value::String(adapter::generate::contract_text(&contract)),
        ]);
        let expected = Generator::native().sender(&contract, 1).await.unwrap();
        for _ in 0..2 {
            let made = instance.call("sender", &[text.clone(), Value::U32(1)]).await.unwrap();
            assert!(made == Some(Value::ok(Some(Value::Bytes(expected.clone())))), "{interface}");
        }
    }
}

#[tokio::test]
async fn the_default_limits_are_enough_and_those_of_the_table() {
    let expected = GeneratorLimits { memory: GENERATOR_MEMORY, time: GENERATOR_TIME_MAX, adapter: ADAPTER_BYTES_MAX };
    assert_eq!(GeneratorLimits::default(), expected);
    let made = generator("generator", limits()).await;
    made.sender(&contract("plain"), 1).await.unwrap();
}

#[tokio::test]
async fn a_generator_that_wants_too_much_is_stopped() {
    let brief = GeneratorLimits { time: Duration::from_millis(300), ..limits() };
    let error = fault("loops", 1, brief).await;
    assert_eq!(error.to_string(), "the generator did not finish `sender` within 300 ms");
    let small = GeneratorLimits { memory: ByteSize(16 << 20), ..limits() };
    let error = fault("eats", 1, small).await.to_string();
    assert!(error.contains("its memory limit of 16777216 bytes is exhausted"), "{error}");
    let error = fault("huge", 1, limits()).await.to_string();
    assert!(error.contains("the generator wants more for `sender` than it may have"), "{error}");
    let plain = contract("plain");
    let size = Generator::native().sender(&plain, 1).await.unwrap().len();
    let exact = GeneratorLimits { adapter: ByteSize(size as u64), ..limits() };
    generator("generator", exact).await.sender(&plain, 1).await.unwrap();
    let narrow = GeneratorLimits { adapter: ByteSize(size as u64 - 1), ..limits() };
    let error = generator("generator", narrow).await.sender(&plain, 1).await.map(|made| made.len()).unwrap_err();
    assert!(matches!(error, GeneratorError::Large { size: found, .. } if found == size), "{error:?}");
}

#[tokio::test]
async fn what_is_not_the_adapter_that_was_asked_for_is_refused() {
    let check = async |interface: &str, wire: u32, expected: &str| {
        let error = fault(interface, wire, limits()).await;
        assert!(matches!(error, GeneratorError::Unfit { .. }), "{interface}: {error:?}");
        let text = chain(&error);
        assert!(text.contains(expected), "{interface}: {text}");
        assert!(text.contains(&format!("the sender of contract `test:made/{interface}@1.0.0`")), "{text}");
    };
    check("garbage", 1, "the adapter is not a valid WebAssembly component").await;
    check("nothing", 1, "it is a component that neither imports nor exports the bus, and not a sender").await;
    check("another-side", 1, "it is a receiver, and not a sender").await;
    check("another-wire", 7, "it declares wire `lath/1`, and not wire `lath/7`").await;
    check("another-contract", 1, "its export `test:made/another-contract@1.0.0` is missing, or is not").await;
}

#[tokio::test]
async fn a_generator_that_breaks_down_or_refuses_is_named() {
    let error = fault("panics", 1, limits()).await.to_string();
    assert!(error.contains("the generator broke down in `sender`: wasm trap"), "{error}");
    let error = fault("gambles", 1, limits()).await.to_string();
    assert!(error.contains("it asked for random numbers"), "{error}");
    let GeneratorError::Refused { source: Error::Other(world), .. } = fault("surroundings", 1, limits()).await else {
        panic!("it makes no adapter")
    };
    let [first, second] = [world, chain(&fault("surroundings", 1, limits()).await)];
    assert!(first.starts_with("(0, false, true, 0, "), "{first}");
    assert!(second.ends_with(&first), "{second} is not {first}");
    let error = fault("plain", 3, limits()).await;
    assert_eq!(error.to_string(), "generator faulty does not write version 3 of the wire; it writes 1, 7");
    let error = generator("faulty_generator", limits()).await.receiver(&contract("plain"), 7).await.unwrap_err();
    assert!(chain(&error).contains("makes no receiver of contract `test:made/plain@1.0.0`"), "{error}");
}

#[tokio::test]
async fn what_is_no_generator_is_refused() {
    let engine = engine().unwrap();
    let check = async |bytes: &[u8], expected: &str| {
        let error = chain(&Generator::from_bytes(&engine, bytes).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    check(b"no component", "the generator is not a valid WebAssembly component").await;
    check(b"\0asm\x0d\0\x01\0", "it exports no `lath:generator/generator@0.1.0`, so it is no generator").await;
    let sender = Generator::native().sender(&contract("plain"), 1).await.unwrap();
    check(&sender, "it exports no `lath:generator/generator@0.1.0`").await;
    let text = "package lath:generator@0.1.0; interface generator { info: func() -> string; }".to_owned();
    let file = WitFile { path: "other.wit".to_owned(), text };
    let other = Source::from_wit("another", &[file], &[]).unwrap().contract("generator").unwrap();
    // A sender exports the contract that it is of, and imports the bus.
    let sender = Generator::native().sender(&other, 1).await.unwrap();
    check(&sender, "its `lath:generator/generator@0.1.0` is not the one that this version of lath knows").await;
    let same = Generator::native().sender(&adapter::generator::contract().unwrap(), 1).await.unwrap();
    check(&same, "it imports lath:wasmbus/sender@0.1.0, and a generator may import nothing but WASI").await;
}

#[test]
fn what_a_generator_says_of_itself_is_bounded() {
    let info = |name: &str, wires: usize| {
        let wires = (1..=wires).map(|wire| Value::U32(u32::try_from(wire).unwrap())).collect();
        let text = |text: &str| Value::String(text.to_owned());
        values::info(Some(Value::Record(vec![text(name), text("1.0.0"), Value::List(wires)])))
    };
    let longest = "n".repeat(GENERATOR_NAME_BYTES_MAX);
    assert_eq!(info(&longest, GENERATOR_WIRES_MAX).unwrap().name, longest);
    for (name, wires) in [("", 1), (&*format!("{longest}n"), 1), ("a\nb", 1), ("a", 0), ("a", GENERATOR_WIRES_MAX + 1)]
    {
        assert!(matches!(info(name, wires), Err(GeneratorError::Answer { .. })), "{name:?} with {wires} wires");
    }
    assert!(values::info(None).is_err() && values::info(Some(Value::Record(Vec::new()))).is_err());
}
