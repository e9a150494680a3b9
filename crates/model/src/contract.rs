//! Contracts: WIT interfaces as plain values.
//!
//! A [`Contract`] is what remains of an interface once text, documentation and order are gone: its functions and the
//! types they speak in. Two components that mean the same interface give equal contracts, whatever toolchain
//! wrote them, so one contract has one sender and one receiver.

mod name;
mod renamed;
mod room;
mod types;

pub(crate) use name::is_wit_name;
pub use name::{ContractName, ContractNameError};
pub use room::{FAILURE_CASES, Room, failure_room};
pub use types::{Case, Field, NamedType, Type, structurally_equal};

use std::collections::BTreeMap;
use std::fmt;

/// A WIT interface as a plain value: value types and plain functions only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The interface's full name.
    pub name: ContractName,
    /// The interface's functions, by name.
    pub functions: BTreeMap<String, Function>,
}

impl Contract {
    /// True where every function of `self` is in `provider` with structurally equal types, so that a provider of
    /// the one can serve a consumer of the other.
    pub fn is_served_by(&self, provider: &Contract) -> Result<(), Mismatch> {
        for (name, wanted) in &self.functions {
            let Some(given) = provider.functions.get(name) else {
                return Err(Mismatch::MissingFunction { function: name.clone() });
            };
            wanted.matches(given).map_err(|part| Mismatch::Function { function: name.clone(), part })?;
        }
        Ok(())
    }
}

/// Where a provider's contract differs from what a consumer expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The provider lacks a function.
    #[error("function `{function}` is missing")]
    MissingFunction {
        /// The function's name.
        function: String,
    },
    /// A function has another type.
    #[error("function `{function}` differs in {part}")]
    Function {
        /// The function's name.
        function: String,
        /// The parameter or result that differs, and how.
        part: String,
    },
}

/// A function of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Parameters in order.
    pub params: Vec<Field>,
    /// The result, where there is one.
    pub result: Option<Type>,
}

impl fmt::Display for Function {
    /// As in WIT: `func(key: string, value: s32) -> result<s32, rpc-error>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
        let result = self.result.as_ref().map(|ty| format!(" -> {ty}")).unwrap_or_default();
        write!(f, "func({}){result}", params.join(", "))
    }
}

impl Function {
    fn matches(&self, given: &Function) -> Result<(), String> {
        if self.params.len() != given.params.len() {
            return Err(format!(
                "the number of parameters ({} wanted, {} given)",
                self.params.len(),
                given.params.len()
            ));
        }
        for (wanted, found) in self.params.iter().zip(&given.params) {
            if wanted.name != found.name {
                return Err(format!("the name of a parameter (`{}` wanted, `{}` given)", wanted.name, found.name));
            }
            if !structurally_equal(&wanted.ty, &found.ty) {
                return Err(format!("parameter `{}` (`{}` wanted, `{}` given)", wanted.name, wanted.ty, found.ty));
            }
        }
        match (&self.result, &given.result) {
            (None, None) => Ok(()),
            (Some(wanted), Some(found)) if structurally_equal(wanted, found) => Ok(()),
            (wanted, found) => Err(format!("the result ({} wanted, {} given)", shown(wanted), shown(found))),
        }
    }
}

fn shown(result: &Option<Type>) -> String {
    result.as_ref().map_or_else(|| "none".to_owned(), |ty| format!("`{ty}`"))
}
