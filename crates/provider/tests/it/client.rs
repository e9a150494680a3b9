//! Calls as a host makes them, without a host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use engine::keyvalue::{Answer, Answering, Operation, StoreError};
use futures_util::future::BoxFuture;
use lattice::store::Bucket;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use model::wire::WireVersion;
use provider::keyvalue::plain::Question;
use provider::service::Wire;
use provider::{Call, ConfigValue, Health, Opens, Provider, ProviderError, Surroundings, contracts, kind};

pub(crate) type Counted = Result<Result<i32, RpcError>, Failure>;

pub(crate) fn name(text: &str) -> ProviderName {
    text.parse().unwrap()
}

pub(crate) fn config(entries: &[(&str, ConfigValue)]) -> BTreeMap<String, ConfigValue> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

pub(crate) fn text(text: &str) -> ConfigValue {
    ConfigValue::Text(text.to_owned())
}

pub(crate) fn try_open(
    use_: &str,
    entries: &[(&str, ConfigValue)],
    data: &Path,
) -> Result<Arc<dyn Provider>, ProviderError> {
    try_open_in(use_, entries, data, None)
}

pub(crate) fn try_open_in(
    use_: &str,
    entries: &[(&str, ConfigValue)],
    data: &Path,
    state: Option<Arc<dyn Bucket>>,
) -> Result<Arc<dyn Provider>, ProviderError> {
    let (application, name) = ("app".parse().unwrap(), name("kv"));
    let surroundings = Surroundings { application: &application, name: &name, data, state };
    kind(use_, &name)?.open(&config(entries), &surroundings)
}

pub(crate) fn open(use_: &str, entries: &[(&str, ConfigValue)], data: &Path) -> Arc<dyn Provider> {
    try_open(use_, entries, data).unwrap()
}

/// An error with all that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(crate) async fn increment(provider: &dyn Provider, key: &str, value: i32) -> Counted {
    increment_before(provider, key, value, Instant::now() + Duration::from_secs(20)).await
}

pub(crate) async fn increment_before(provider: &dyn Provider, key: &str, value: i32, deadline: Instant) -> Counted {
    let contract = contracts::counter().unwrap();
    let function = &contract.functions["increment"];
    let payload = encode_params(function, &[Value::String(key.to_owned()), Value::S32(value)]).unwrap();
    let opens = &Opens::All;
    let call = Call {
        contract: &contract.name,
        method: "increment",
        payload: &payload,
        wire: WireVersion::V1,
        deadline,
        opens,
    };
    let result = provider.call(call).await?;
    Ok(Wire::lift(decode_result(function, &result).unwrap().unwrap()).unwrap())
}

/// A provider whose stores are reached as from another host.
pub(crate) struct ByMessages(pub(crate) Arc<dyn Provider>);

impl Provider for ByMessages {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        self.0.call(call)
    }

    fn keyvalue<'a>(&'a self, store: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        Box::pin(async move {
            let (contract, mut answer) = (contracts::store().unwrap(), Answer::Done);
            for question in Question::of(store, operation)? {
                let (method, payload) = (question.method, &question.payload);
                let opens = &Opens::Only(Arc::new([store.parse().unwrap()].into()));
                let call = Call { contract: &contract.name, method, payload, wire: WireVersion::V1, deadline, opens };
                let answered = self.0.call(call).await.map_err(|failure| StoreError::Other(failure.to_string()))?;
                answer = question.answer(&answered)?;
            }
            Ok(answer)
        })
    }

    fn health(&self) -> Health {
        self.0.health()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.0.drain()
    }
}
