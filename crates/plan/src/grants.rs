//! What an actor may reach through interfaces that the host meets, and where fused actors would share it.
//!
//! Composition merges equal imports of the host, so fused actors see one instance of such an interface.

use std::collections::BTreeMap;

use model::contract::ContractName;
use model::manifest::Grants;

/// Interfaces whose answers depend on the actor's environment.
const ENVIRONMENT: &str = "wasi:cli/environment";

/// True where what an actor sees through `interface` depends on its grants.
pub fn grants_matter_for(interface: &ContractName) -> bool {
    interface.unversioned() == ENVIRONMENT
}

/// The part of `grants` that an actor sees through an interface for which grants matter, as the manifest writes it.
pub(crate) fn written(grants: &Grants) -> String {
    env_written(&grants.env)
}

fn env_written(env: &BTreeMap<String, String>) -> String {
    if env.is_empty() {
        return "no `env`".to_owned();
    }
    let pairs: Vec<_> = env.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    format!("`env = {{ {} }}`", pairs.join(", "))
}
