//! What this host can offer, for the planner.

use std::collections::BTreeMap;

use model::blueprint::Bridge;
use model::contract::ContractName;
use plan::{Inventory, Offer, State};
use provider::{ProviderError, catalogue, contracts, keyvalue};

/// Linear memories that one composite may have: what the engine's pool is made for.
const MEMORIES_MAX: u32 = engine::limits::MEMORIES_PER_COMPONENT_MAX;

/// The built-in providers, the interfaces that the engine satisfies, and the ingress.
pub(crate) fn inventory() -> Result<Inventory, ProviderError> {
    let mut offers = BTreeMap::new();
    for kind in catalogue() {
        let state = match kind.state() {
            provider::State::Local => State::Local,
            provider::State::Shared => State::Shared,
        };
        offers.insert(
            kind.name().to_owned(),
            Offer { contracts: kind.offers()?, natives: names(&kind.natives()), state },
        );
    }
    // The engine has the functions of `wasi:keyvalue`; what they do elsewhere travels as plain values.
    let bridge = Bridge { contract: contracts::store()?, reads: keyvalue::plain::reads() };
    let keyvalue: Vec<_> = engine::keyvalue::interfaces().collect();
    Ok(Inventory {
        offers,
        bridges: names(&keyvalue).into_iter().map(|native| (native, bridge.clone())).collect(),
        // The engine names a track, `@0.2`; the planner compares tracks of whole versions.
        host_imports: engine::host_imports().iter().filter_map(|name| whole(name)).collect(),
        ingress: contracts::handler()?,
        memories_max: MEMORIES_MAX,
    })
}

/// A name with its whole version.
fn whole(name: &str) -> Option<ContractName> {
    name.parse().or_else(|_| format!("{name}.0").parse()).ok()
}

/// Names that this program states; each is one.
fn names(texts: &[String]) -> Vec<ContractName> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
