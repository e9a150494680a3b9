//! Providers: what belongs to those that hosts run, and what to those outside.

use super::super::file::ProviderFile;
use super::super::leaf::{At, ProviderKind};
use super::super::tree::Notes;
use super::super::{EXTERNAL, Provider};

/// True where the contract is there, and was refused already.
fn is_written(kind: &At<ProviderKind>, notes: &Notes) -> bool {
    let table = kind.key.strip_suffix("use").unwrap_or_default();
    notes.spans.get(&format!("{table}contract")).is_some()
}

pub(super) fn resolve(file: ProviderFile, notes: &mut Notes) -> Option<Provider> {
    let kind = file.kind?;
    let external = kind.value.0 == EXTERNAL;
    match &file.contract {
        None if external && !is_written(&kind, notes) => {
            let help = "add `contract = \"namespace:package/interface\"`, the one on which it answers".to_owned();
            notes.fault_at(&kind, "an external provider states its contract".to_owned(), help);
        }
        Some(contract) if !external => {
            let message = format!("`{}` knows its contracts itself", kind.value.0);
            notes.fault_at(contract, message, "leave out `contract`".to_owned());
        }
        _ => {}
    }
    let config = file.config.unwrap_or_default();
    if let Some((key, _)) = config.iter().next().filter(|_| external) {
        let message = "an external provider is not configured here".to_owned();
        notes.fault_at(key, message, "configure the process itself, and leave out `config`".to_owned());
    }
    Some(Provider {
        kind: kind.value.0.to_owned(),
        config: config.into_iter().map(|(key, value)| (key.value, value.value)).collect(),
        contract: file.contract.map(|contract| contract.value),
    })
}
