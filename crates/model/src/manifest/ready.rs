//! How an actor says that it can take calls.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::contract::{ContractName, is_wit_name};

/// What is asked of a new version of an actor before it takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The function that says whether it is ready.
    pub call: ReadyCall,
    /// How long it may take to become ready.
    pub within: Duration,
}

/// A function of a contract: `acme:shop/health#ready`. A contract without a version means whichever the actor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyCall {
    /// The contract.
    pub contract: ContractName,
    /// The function.
    pub function: String,
}

impl fmt::Display for ReadyCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.contract, self.function)
    }
}

/// Why a text is not the name of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a function of a contract: write `namespace:package/interface#function`, such as \
     `acme:shop/health#ready`"
)]
pub struct ReadyCallError {
    /// The refused text.
    pub text: String,
}

impl FromStr for ReadyCall {
    type Err = ReadyCallError;

    fn from_str(text: &str) -> Result<Self, ReadyCallError> {
        let parts = text.split_once('#').filter(|(_, function)| is_wit_name(function));
        let parts = parts.and_then(|(contract, function)| Some((contract.parse().ok()?, function.to_owned())));
        let (contract, function) = parts.ok_or_else(|| ReadyCallError { text: text.to_owned() })?;
        Ok(Self { contract, function })
    }
}
