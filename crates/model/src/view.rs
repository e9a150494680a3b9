//! What a component shows of itself: its imports and exports as plain values.

use std::sync::Arc;

use crate::contract::{Contract, ContractName};
use crate::digest::Digest;

/// A component as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentView {
    /// The component's bytes, addressed.
    pub digest: Digest,
    /// Imported interfaces, in order of their labels.
    pub imports: Vec<Port>,
    /// Exported interfaces, in order of their labels.
    pub exports: Vec<Port>,
    /// Linear memories that one instance defines.
    pub memories: u32,
}

impl ComponentView {
    /// The import under `label`.
    pub fn import(&self, label: &str) -> Option<&Port> {
        self.imports.iter().find(|port| port.label == label)
    }

    /// The export under `label`.
    pub fn export(&self, label: &str) -> Option<&Port> {
        self.exports.iter().find(|port| port.label == label)
    }
}

/// One imported or exported interface (or lone function) of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name in the component: the interface's full name, or a plain label.
    pub label: String,
    /// The interface's full name, stated by the label itself or by `implements`.
    pub contract: Option<ContractName>,
    /// What the interface holds.
    pub shape: Shape,
}

/// What a port holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Functions over value types: it can travel as messages. For a port without a contract name, the contract
    /// is named `local:component/LABEL`.
    Contract(Arc<Contract>),
    /// Types only: nothing to link.
    Types,
    /// It needs what messages cannot carry yet.
    Refused(Refusal),
}

/// Why an interface cannot travel as messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("function `{function}` uses {construct} (`{ty}`), which cannot travel as a message yet")]
pub struct Refusal {
    /// The function.
    pub function: String,
    /// What it uses: `a resource`, `async func`, `a stream`, `a future` or `error-context`.
    pub construct: Construct,
    /// The type, as WIT writes it.
    pub ty: String,
    /// All functions of the interface, as WIT names them: a method `bucket.get` is `[method]bucket.get`.
    pub functions: Vec<String>,
}

/// A construct of WIT that is not covered by messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of WIT")]
pub enum Construct {
    Resource,
    Async,
    Stream,
    Future,
    ErrorContext,
}

impl std::fmt::Display for Construct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Construct::Resource => "a resource",
            Construct::Async => "an async function",
            Construct::Stream => "a stream",
            Construct::Future => "a future",
            Construct::ErrorContext => "an error context",
        })
    }
}
