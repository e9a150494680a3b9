//! A service behind its contract's receiver answers as it does in a host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params};
use adapter::generate::generate;
use adapter::value::Value;
use engine::{Actor, ActorSettings, CallContext, Engine, EngineSettings};
use model::failure::{Failure, Progress, RpcError};
use model::wire::{Side, WireVersion};
use provider::service::{Backend, Service};
use provider::{Call, Provider, contracts};

struct Adder;
impl Backend for Adder {}

fn service() -> Arc<Service<Adder>> {
    let service = Service::build(contracts::counter().unwrap(), Arc::new(Adder))
        .function("increment", async |_: Arc<Adder>, (key, value): (String, i32), _| match key.as_str() {
            "busy" => Err(Failure::not_started(RpcError::HostError("busy".to_owned()))),
            "bad" => Ok(Err(RpcError::InvalidParameter("bad".to_owned()))),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(Ok(0))
            }
            _ => Ok(Ok(value + 1)),
        })
        .finish();
    Arc::new(service.unwrap())
}

fn behind_receiver(service: &Arc<Service<Adder>>) -> Actor {
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let receiver = engine.load(&generate(service.contract(), Side::Receiver).unwrap()).unwrap().component;
    let settings =
        ActorSettings { receivers: vec!["lath:wasmbus/receiver@0.1.0".to_owned()], ..ActorSettings::new("adder") };
    engine.native(&receiver, settings, service.contract().clone(), service.clone()).unwrap()
}

fn payload(key: &str, value: i32) -> Vec<u8> {
    let contract = contracts::counter().unwrap();
    encode_params(&contract.functions["increment"], &[Value::String(key.to_owned()), Value::S32(value)]).unwrap()
}

#[tokio::test]
async fn the_receiver_gives_the_same_bytes_as_the_codec() {
    let service = service();
    let behind = behind_receiver(&service);
    let contract = contracts::counter().unwrap();
    for key in ["a", "☃", "bad", "busy"] {
        let payload = payload(key, 41);
        let deadline = Instant::now() + Duration::from_secs(60);
        let opens = &provider::Opens::All;
        let call = Call {
            contract: &contract.name,
            method: "increment",
            payload: &payload,
            wire: WireVersion::V1,
            deadline,
            opens,
        };
        let direct = service.call(call).await;
        let received = behind.call(0, "increment", &payload, &CallContext::new(1, deadline)).await;
        assert_eq!(received, direct, "{key}");
        if key == "a" {
            let value = decode_result(&contract.functions["increment"], &received.unwrap()).unwrap();
            assert_eq!(value, Some(Value::ok(Some(Value::S32(42)))));
        }
    }
}

#[tokio::test]
async fn what_is_no_call_of_the_contract_is_refused_before_the_function() {
    let service = service();
    let behind = behind_receiver(&service);
    let deadline = Instant::now() + Duration::from_secs(60);
    for (method, payload, case) in
        [("decrement", payload("a", 1), "method-not-handled"), ("increment", vec![0xff; 9], "deser")]
    {
        let failure = behind.call(0, method, &payload, &CallContext::new(1, deadline)).await.unwrap_err();
        assert_eq!(failure.error.parts().0, case);
    }
}

#[tokio::test]
async fn a_function_that_is_late_is_dropped_at_the_deadline() {
    let service = service();
    let behind = behind_receiver(&service);
    let context = CallContext::new(1, Instant::now() + Duration::from_millis(50));
    let failure = behind.call(0, "increment", &payload("slow", 1), &context).await.unwrap_err();
    assert_eq!((failure.error.parts().0, failure.progress), ("deadline-exceeded", Progress::Unknown));
    assert_eq!(behind.stats().running, 0);
}
