//! Why no adapter could be generated.

use std::error::Error;

/// An error of a library that answers with an opaque error.
type Cause = Box<dyn Error + Send + Sync + 'static>;

/// Why an adapter could not be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// An interface declared inline in a world has no address of its own.
    #[error("the contract has no name: give the interface a name inside a package")]
    Unnamed,
    /// There is nothing to call.
    #[error("contract {contract} declares no function: link a contract that does")]
    NoFunctions {
        /// The contract's full name.
        contract: String,
    },
    /// Something that this version cannot carry in a message.
    #[error(
        "{place} of contract {contract} uses `{ty}`, and {feature} cannot be carried in a message yet: \
         pass a value type instead, or fuse the two components"
    )]
    NotCovered {
        /// The contract's full name.
        contract: String,
        /// The function, or the type when no function is involved.
        place: String,
        /// The offending type, as WIT.
        ty: String,
        /// What kind of thing it is, in the plural.
        feature: &'static str,
    },
    /// A type too large for any message.
    #[error("a type takes {size} bytes in memory, more than the {most} a message may decode to: use a list")]
    TooLarge {
        /// Size of the type, in bytes.
        size: usize,
        /// Most bytes a message may decode to.
        most: u32,
    },
    /// Variants nested in variants, passed flat: each level multiplies the code.
    #[error(
        "the contract's functions pass nested variants that take more than {most} steps to move: \
         put the value into a list, or nest less"
    )]
    TooComplex {
        /// Most steps in one adapter.
        most: u32,
    },
    /// The contract brings its own, different idea of a platform interface.
    #[error("the contract's `lath:` packages differ from the platform's: use the published ones")]
    Bus {
        /// What differs.
        #[source]
        source: Cause,
    },
    /// The types have no layout.
    #[error("the contract's types have no layout in memory: make them smaller")]
    Layout {
        /// What the WIT library says.
        #[source]
        source: Cause,
    },
    /// The world of the adapter could not be formed.
    #[error("no adapter world can be formed around {contract}: check the packages it uses")]
    World {
        /// The contract's full name.
        contract: String,
        /// What the WIT library says.
        #[source]
        source: Cause,
    },
    /// The module could not be wrapped as a component.
    #[error("the adapter of {contract} could not be wrapped as a component: report this with the WIT")]
    Wrap {
        /// The contract's full name.
        contract: String,
        /// What the component encoder says.
        #[source]
        source: Cause,
    },
    /// The generator contradicts itself.
    #[error("the adapter generator lost track of a {what}: report this with the WIT")]
    Inconsistent {
        /// What was not where it should be.
        what: &'static str,
    },
}
