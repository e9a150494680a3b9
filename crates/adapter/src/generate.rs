//! Senders and receivers from contracts.

use model::contract::{Contract, ContractName};
use model::wire::{Side, WireVersion};

use crate::canonical;
use crate::emit::{self, EmitError};

/// Why an adapter cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The contract has no valid text form, for instance a type that its interface does not name.
    #[error("contract `{contract}` cannot be written as WIT: {reason}; check the component that states it")]
    Canonical {
        /// The contract.
        contract: ContractName,
        /// What the WIT parser says.
        reason: String,
    },
    /// The emitter refused it.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

/// The `side` adapter of `contract` for version 1 of the wire, as a component. Equal contracts give equal bytes.
pub fn generate(contract: &Contract, side: Side) -> Result<Vec<u8>, GenerateError> {
    generate_in(contract, side, WireVersion::V1)
}

/// The same for any version of the wire.
pub fn generate_in(contract: &Contract, side: Side, wire: WireVersion) -> Result<Vec<u8>, GenerateError> {
    let (resolve, interface) = canonical::resolve(contract)
        .map_err(|reason| GenerateError::Canonical { contract: contract.name.clone(), reason })?;
    Ok(emit::emit(&resolve, interface, side, wire)?)
}

/// The contract as WIT text: sorted, without documentation.
pub fn contract_text(contract: &Contract) -> String {
    canonical::text(contract)
}
