//! The contracts that come with Lath.

use std::sync::{Arc, OnceLock};

use adapter::source::{Source, SourceError, WitFile};
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
    parsed_once(&CONTRACT, "lath:keyvalue", text, "counter")
}

/// `lath:httpserver/handler`.
///
/// # Errors
///
/// Where the text does not parse: this program is damaged.
pub fn handler() -> Result<Arc<Contract>, ProviderError> {
    static CONTRACT: OnceLock<Arc<Contract>> = OnceLock::new();
    let text = include_str!("../../../wit/lath-httpserver/httpserver.wit");
    parsed_once(&CONTRACT, "lath:httpserver", text, "handler")
}

fn parsed_once(
    cell: &OnceLock<Arc<Contract>>,
    package: &str,
    text: &str,
    interface: &str,
) -> Result<Arc<Contract>, ProviderError> {
    if let Some(contract) = cell.get() {
        return Ok(contract.clone());
    }
    let contract = Arc::new(parse(package, text, interface)?);
    Ok(cell.get_or_init(|| contract).clone())
}

fn parse(package: &str, text: &str, interface: &str) -> Result<Contract, SourceError> {
    let file = |path: &str, text: &str| WitFile { path: path.to_owned(), text: text.to_owned() };
    let rpc = file("lath:rpc", include_str!("../../../wit/lath-rpc/types.wit"));
    Source::from_wit(package, &[file(package, text)], &[vec![rpc]])?.contract(interface)
}
