//! Whether some bytes are the adapter that they are said to be, before anything is made of them.
//!
//! Looked at is what a component shows: its imports, exports and types. Whether its code does what its types say, only
//! calls can show.

use model::contract::{Contract, ContractName};
use model::view::{Port, Shape};
use model::wire::Side;

use crate::emit::{RPC_WIT, WASMBUS_WIT};
use crate::inspect::{Kind, Ports, inspect};
use crate::source::{Source, SourceError, WitFile};

/// Why some bytes are not the adapter that they should be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// They are no component at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// They are a component, but no adapter, or the other of the two.
    #[error("it is {found}, and not a {side}")]
    Kind {
        /// What it should be.
        side: Side,
        /// What it is.
        found: &'static str,
    },
    /// It declares another wire, or none.
    #[error("it declares {}, and not wire `{wire}`", .found.as_ref().map_or("no wire".to_owned(), |found| format!("wire `{found}`")))]
    Wire {
        /// What it should declare.
        wire: String,
        /// What it declares.
        found: Option<String>,
    },
    /// It lacks one of its two interfaces, or has it in another form.
    #[error("its {port} `{interface}` is missing, or is not what the contract says")]
    Interface {
        /// `import` or `export`.
        port: &'static str,
        /// The interface.
        interface: ContractName,
    },
    /// It has more than its two interfaces.
    #[error("it has an {port} `{label}`, which no adapter of this contract has")]
    Extra {
        /// `import` or `export`.
        port: &'static str,
        /// What it is called.
        label: String,
    },
}

/// Whether `bytes` are the `side` adapter of `contract` and declare the wire id `wire`: they have the contract on the one
/// side, the bus on the other, and nothing else. An adapter that was written by hand may import WASI as well, so this is
/// for generated ones; `subject` names the bytes in errors.
pub fn verify(subject: &str, bytes: &[u8], contract: &Contract, side: Side, wire: &str) -> Result<(), VerifyError> {
    let seen = inspect(subject, bytes)?;
    match seen.kind {
        Kind::Adapter(found) if found == side => {}
        other => return Err(VerifyError::Kind { side, found: described(other) }),
    }
    if seen.wire.as_deref() != Some(wire) {
        return Err(VerifyError::Wire { wire: wire.to_owned(), found: seen.wire });
    }
    let (imported, exported) = match side {
        Side::Sender => (bus("sender")?, contract.clone()),
        Side::Receiver => (contract.clone(), bus("receiver")?),
    };
    only("import", &seen.imports, &imported)?;
    only("export", &seen.exports, &exported)
}

fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Adapter(Side::Sender) => "a sender",
        Kind::Adapter(Side::Receiver) => "a receiver",
        Kind::Composite => "a composite",
        Kind::Component => "a component that neither imports nor exports the bus",
        Kind::Module => "a core module",
        Kind::WitPackage => "an encoded WIT package",
    }
}

/// One of the platform's own interfaces.
fn bus(interface: &str) -> Result<Contract, SourceError> {
    let file = |path: &str, text: &str| vec![WitFile { path: path.to_owned(), text: text.to_owned() }];
    let (main, types) = (file("wasmbus.wit", WASMBUS_WIT), file("types.wit", RPC_WIT));
    Source::from_wit("the platform's WIT", &main, &[types])?.contract(interface)
}

/// Whether `ports` have this contract, and otherwise types at most.
fn only(port: &'static str, ports: &Ports, contract: &Contract) -> Result<(), VerifyError> {
    let is_it = |found: &&Port| found.label == contract.name.to_string();
    let fits = |found: &Port| matches!(&found.shape, Shape::Contract(shape) if **shape == *contract);
    if !ports.interfaces.iter().find(is_it).is_some_and(fits) {
        return Err(VerifyError::Interface { port, interface: contract.name.clone() });
    }
    let has_code = |found: &&Port| !is_it(found) && !matches!(found.shape, Shape::Types);
    let extra = ports.interfaces.iter().find(has_code).map(|found| &found.label).or_else(|| ports.functions.first());
    match extra {
        Some(label) => Err(VerifyError::Extra { port, label: label.clone() }),
        None => Ok(()),
    }
}
