//! Calls as a host makes them, without a host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use lattice::store::Bucket;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use model::manifest::ConfigValue;
use provider::service::Wire;
use provider::{Call, Provider, ProviderError, Surroundings, contracts, kind};

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
    let call = Call { contract: &contract.name, method: "increment", payload: &payload, deadline };
    let result = provider.call(call).await?;
    Ok(Wire::lift(decode_result(function, &result).unwrap().unwrap()).unwrap())
}
