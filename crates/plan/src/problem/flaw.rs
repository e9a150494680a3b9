//! Why an actor cannot stand in a chain of middleware.

use super::{Misfit, listed};

/// Why an actor cannot stand in a chain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// It does not offer what comes.
    #[error("{0}")]
    Export(Misfit),
    /// It does not import what it exports.
    #[error("which does not import that contract: calls would end there")]
    Swallows,
    /// It imports it several times.
    #[error("which imports that contract several times, as {}: by which of them calls go on is open", listed(imports))]
    Several {
        /// The labels.
        imports: Vec<String>,
    },
    /// It is of another `wasi:http`.
    #[error("which has `{export}`: a chain of `wasi:http` is of one version, all 0.2 or all 0.3")]
    OtherHttp {
        /// What it has.
        export: String,
    },
    /// It is where the chain begins or ends.
    #[error("which is at an end of that chain itself: a cycle")]
    End,
}
