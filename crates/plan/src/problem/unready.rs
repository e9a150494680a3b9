//! Why an actor cannot be asked whether it is ready.

use model::contract::ContractName;

use super::listed;

/// Why an actor cannot be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unready {
    /// It has no such contract.
    #[error("but answers on {}", listed(offered))]
    Contract {
        /// The contracts that it has.
        offered: Vec<ContractName>,
    },
    /// The contract has no such function.
    #[error("but that contract has {}", listed(known))]
    Function {
        /// The functions that there are.
        known: Vec<String>,
    },
    /// The function takes something, or does not say yes or no.
    #[error("which is `{function}`: it must take nothing, and return nothing, `bool` or a `result` of these")]
    Question {
        /// The function as the contract has it.
        function: String,
    },
    /// A hand-written adapter stands in between.
    #[error("but a hand-written adapter answers there, on wire `{receiver}`, which hosts do not speak")]
    Wire {
        /// The receiver's wire id.
        receiver: String,
    },
    /// It is nowhere by itself.
    #[error("but runs inside of other actors alone, where no host can ask it")]
    Fused,
}
