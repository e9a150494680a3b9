//! The SDK: calls are checked against the contract before any function runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::failure::{Failure, Progress, RpcError};
use model::wire::WireVersion;
use provider::service::{Backend, Builder, Service};
use provider::{Call, Provider, contracts};

struct Nothing;
impl Backend for Nothing {}

fn builder() -> Builder<Nothing> {
    Service::build(contracts::counter().unwrap(), Arc::new(Nothing))
}

async fn check(contract: &str, method: &str, payload: &[u8], expected: &str) {
    let service = builder()
        .function("increment", async |_, (key, value): (String, i32), _| {
            Ok(if key.is_empty() { Err(RpcError::NotImplemented) } else { Ok(value + 1) })
        })
        .finish()
        .unwrap();
    let contract = contract.parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    let answer = service
        .call(Call {
            contract: &contract,
            method,
            payload,
            wire: WireVersion::V1,
            deadline,
            opens: &provider::Opens::All,
        })
        .await;
    let seen = match answer {
        Ok(bytes) => format!("{bytes:?}"),
        Err(Failure { error, progress: Progress::NotStarted }) => format!("not started: {}", error.parts().0),
        Err(failure) => format!("unknown: {failure}"),
    };
    assert_eq!(seen, expected, "{contract} {method} {payload:?}");
}

#[tokio::test]
async fn calls_are_checked_against_the_contract() {
    let counter = "lath:keyvalue/counter@0.1.0";
    check(counter, "increment", &[1, b'k', 4], "[0, 5]").await;
    check(counter, "increment", &[0, 4], "[1, 3]").await;
    check(counter, "decrement", &[1, b'k', 4], "not started: method-not-handled").await;
    check(counter, "increment", &[1, b'k'], "not started: deser").await;
    check(counter, "increment", &[1, b'k', 4, 4], "not started: deser").await;
    check(counter, "increment", &[1, 0xff, 4], "not started: deser").await;
    check(counter, "increment", &[], "not started: deser").await;
    check("lath:keyvalue/counter@0.2.0", "increment", &[1, b'k', 4], "not started: invalid-parameter").await;
    check("lath:keyvalue/counter", "increment", &[1, b'k', 4], "not started: invalid-parameter").await;
    check("acme:stock/api@0.1.0", "increment", &[1, b'k', 4], "not started: invalid-parameter").await;
}

#[test]
fn functions_must_be_those_of_the_contract() {
    let ok = async |_: Arc<Nothing>, (_, value): (String, i32), _: Instant| Ok(Ok::<_, RpcError>(value));
    let wide = async |_: Arc<Nothing>, (_, value): (String, i64), _: Instant| Ok(Ok::<_, RpcError>(value));
    let plain = async |_: Arc<Nothing>, (_, value): (String, i32), _: Instant| Ok(value);
    let few = async |_: Arc<Nothing>, (_,): (String,), _: Instant| Ok(Ok::<_, RpcError>(1));
    let check = |builder: Builder<Nothing>, expected: &str| {
        let error = builder.finish().map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(builder(), "function `increment` is not implemented");
    check(builder().function("increment", ok).function("reset", ok), "it has no function `reset`");
    check(builder().function("increment", wide), "function `increment` has other types");
    check(builder().function("increment", plain), "function `increment` has other types");
    check(builder().function("increment", few), "function `increment` has other types");
}
