//! The contracts that come with Lath.

use std::sync::{Arc, OnceLock};

use adapter::source::{Source, WitFile};
use model::contract::Contract;

use crate::error::ProviderError;

/// `lath:keyvalue/counter`.
///
/// # Errors
///
/// Where the text does not parse: this program is damaged.
pub fn counter() -> Result<Arc<Contract>, ProviderError> {
    static CONTRACT: OnceLock<Arc<Contract>> = OnceLock::new();
    let text = include_str!("../../../wit/lath-keyvalue/keyvalue.wit");
    parsed_once(&CONTRACT, text, "counter")
}

/// `lath:keyvalue/store`.
///
/// # Errors
///
/// Where the text does not parse: this program is damaged.
pub fn store() -> Result<Arc<Contract>, ProviderError> {
    static CONTRACT: OnceLock<Arc<Contract>> = OnceLock::new();
    let text = include_str!("../../../wit/lath-keyvalue/store.wit");
    parsed_once(&CONTRACT, text, "store")
}

/// `lath:httpserver/handler`.
///
/// # Errors
///
/// Where the text does not parse: this program is damaged.
pub fn handler() -> Result<Arc<Contract>, ProviderError> {
    static CONTRACT: OnceLock<Arc<Contract>> = OnceLock::new();
    let text = include_str!("../../../wit/lath-httpserver/httpserver.wit");
    parsed_once(&CONTRACT, text, "handler")
}

/// A contract out of WIT text: `interface` of the package in `text`; `dependencies` are the packages that it names, besides
/// `lath:rpc`.
///
/// # Errors
///
/// Where the text does not parse, or the interface holds what cannot travel as messages.
pub fn from_wit(text: &str, interface: &str, dependencies: &[&str]) -> Result<Arc<Contract>, ProviderError> {
    let file = |path: &str, text: &str| WitFile { path: path.to_owned(), text: text.to_owned() };
    let rpc = vec![file("lath:rpc", include_str!("../../../wit/lath-rpc/types.wit"))];
    let others = dependencies.iter().enumerate().map(|(at, text)| vec![file(&format!("dependency {at}"), text)]);
    let dependencies: Vec<_> = others.chain([rpc]).collect();
    Ok(Arc::new(Source::from_wit("contract", &[file("contract", text)], &dependencies)?.contract(interface)?))
}

fn parsed_once(cell: &OnceLock<Arc<Contract>>, text: &str, interface: &str) -> Result<Arc<Contract>, ProviderError> {
    if let Some(contract) = cell.get() {
        return Ok(contract.clone());
    }
    let contract = from_wit(text, interface, &[])?;
    Ok(cell.get_or_init(|| contract).clone())
}
