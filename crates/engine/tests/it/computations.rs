//! Components that are called with values and have nothing of the world.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use engine::{Computation, ComputationError, ComputationSettings, EngineError};
use model::contract::{Contract, Field, Function, Type};
use model::value::Value;

use crate::guest;
use crate::scene::{AMPLE, engine};

const WORLD: &str = "package test:guest;
    world guest {
        import wasi:random/random@0.2.0;
        import wasi:random/insecure-seed@0.2.0;
        import wasi:random/insecure@0.2.0;
        import wasi:clocks/monotonic-clock@0.2.0;
        import wasi:clocks/wall-clock@0.2.0;
        export test:sums/sums@1.0.0;
    }
    package test:sums@1.0.0 {
        interface sums {
            add: func(a: u32, b: u32) -> u32;
            boom: func();
            bytes: func(len: u32) -> list<u8>;
            count: func() -> u32;
            grow: func(pages: u32);
            roll: func() -> u64;
            spin: func();
            surroundings: func() -> u64;
        }
    }";

static GUEST: LazyLock<Vec<u8>> = LazyLock::new(|| guest::in_world(include_str!("computation.wat"), WORLD));

/// The contract, of functions from numbers to this.
fn contract(functions: &[(&str, usize, Option<Type>)]) -> Arc<Contract> {
    let function = |(name, params, result): &(&str, usize, Option<Type>)| {
        let params = (0..*params).map(|at| Field { name: format!("p{at}"), ty: Type::U32 }).collect();
        ((*name).to_owned(), Function { params, result: result.clone() })
    };
    let functions: BTreeMap<_, _> = functions.iter().map(function).collect();
    Arc::new(Contract { name: "test:sums/sums@1.0.0".parse().unwrap(), functions })
}

fn sums() -> Arc<Contract> {
    contract(&[
        ("add", 2, Some(Type::U32)),
        ("boom", 0, None),
        ("bytes", 1, Some(Type::List(Box::new(Type::U8)))),
        ("count", 0, Some(Type::U32)),
        ("grow", 1, None),
        ("roll", 0, Some(Type::U64)),
        ("spin", 0, None),
        ("surroundings", 0, Some(Type::U64)),
    ])
}

fn settings() -> ComputationSettings {
    ComputationSettings { name: "sums".to_owned(), memory_bytes: 1 << 20, execution: AMPLE, result_bytes_max: 4 << 10 }
}

fn computation(settings: ComputationSettings) -> Computation {
    let engine = engine();
    let component = engine.load(&GUEST).unwrap().component;
    engine.computation(&component, settings, sums()).unwrap()
}

fn numbers(values: &[u32]) -> Vec<Value> {
    values.iter().copied().map(Value::U32).collect()
}

#[tokio::test]
async fn calls_have_instances_of_their_own_unless_they_share_one() {
    let sums = computation(settings());
    assert_eq!(sums.call("add", &numbers(&[40, 2])).await.unwrap(), Some(Value::U32(42)));
    assert_eq!(sums.call("grow", &numbers(&[0])).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(sums.call("count", &[]).await.unwrap(), Some(Value::U32(1)));
    }
    let mut one = sums.begin().await.unwrap();
    assert_eq!(one.call("count", &[]).await.unwrap(), Some(Value::U32(1)));
    assert_eq!(one.call("count", &[]).await.unwrap(), Some(Value::U32(2)));
}

#[tokio::test]
async fn a_computation_sees_no_world_that_could_differ() {
    let sums = computation(settings());
    assert_eq!(sums.call("surroundings", &[]).await.unwrap(), Some(Value::U64(0)));
    let refused = sums.call("roll", &[]).await.unwrap_err();
    assert!(matches!(refused, ComputationError::Trapped { .. }), "{refused:?}");
    assert!(refused.to_string().contains("sums broke down in `roll`: it asked for random numbers"), "{refused}");
}

#[tokio::test]
async fn time_memory_and_results_are_bounded() {
    let check = async |function: &str, params: &[u32], settings: ComputationSettings, expected: &str| {
        let error = computation(settings).call(function, &numbers(params)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    let brief = ComputationSettings { execution: Duration::from_millis(50), ..settings() };
    check("spin", &[], brief, "sums did not finish `spin` within 50 ms").await;
    check("grow", &[64], settings(), "its memory limit of 1048576 bytes is exhausted").await;
    check("bytes", &[100 << 10], settings(), "sums wants more for `bytes` than it may have").await;
    check("boom", &[], settings(), "sums broke down in `boom`: wasm trap: wasm `unreachable`").await;
    let fits = computation(settings()).call("bytes", &numbers(&[4 << 10])).await.unwrap();
    assert_eq!(fits, Some(Value::Bytes(vec![0; 4 << 10])));
}

#[tokio::test]
async fn what_is_asked_must_fit_the_contract() {
    let sums = computation(settings());
    for (function, params, expected) in [
        ("divide", vec![], "there is no such function"),
        ("add", numbers(&[1]), "it takes 2 values"),
        ("grow", vec![Value::Bool(true)], "is not of type u32"),
    ] {
        let error = sums.call(function, &params).await.unwrap_err();
        assert!(matches!(error, ComputationError::Misfit { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_component_must_export_the_contract_and_import_no_more_than_wasi() {
    let engine = engine();
    let component = engine.load(&GUEST).unwrap().component;
    let other = contract(&[("divide", 2, Some(Type::U32))]);
    let refused = engine.computation(&component, settings(), other).unwrap_err();
    assert_eq!(refused.to_string(), "sums does not export `test:sums/sums@1.0.0`; build it for that contract");
    let plain = engine.load(&guest::PLAIN).unwrap().component;
    let refused = engine.computation(&plain, settings(), sums()).unwrap_err();
    assert!(matches!(&refused, EngineError::UnknownImports { imports, .. } if *imports == ["send0"]), "{refused:?}");
}
