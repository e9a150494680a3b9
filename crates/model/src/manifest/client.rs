//! Clients: what programs outside the lattice may call.

use std::fmt;
use std::str::FromStr;

use crate::contract::ContractName;
use crate::ids::ActorName;

/// A contract of an actor: `cart/acme:shop/cart`. A contract without a version means every version that the actor has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MayCall {
    /// The actor.
    pub actor: ActorName,
    /// The contract.
    pub contract: ContractName,
}

impl fmt::Display for MayCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.actor, self.contract)
    }
}

/// Why a text does not say what a client may call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the contract of an actor: write `ACTOR/namespace:package/interface`, such as `cart/acme:shop/cart`"
)]
pub struct MayCallError {
    /// The refused text.
    pub text: String,
}

impl FromStr for MayCall {
    type Err = MayCallError;

    fn from_str(text: &str) -> Result<Self, MayCallError> {
        let parts =
            text.split_once('/').and_then(|(actor, contract)| Some((actor.parse().ok()?, contract.parse().ok()?)));
        let (actor, contract) = parts.ok_or_else(|| MayCallError { text: text.to_owned() })?;
        Ok(Self { actor, contract })
    }
}
