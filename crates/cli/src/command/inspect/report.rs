//! What `lath inspect` tells, as JSON has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adapter::compose::labels::Labels;
use adapter::inspect::{Inspection, Kind, Part, Ports, Role};
use model::contract::ContractName;
use model::view::{Port, Shape};
use serde::Serialize;

/// What WebAssembly holds.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) file: PathBuf,
    pub(super) kind: String,
    pub(super) size: usize,
    pub(super) digest: String,
    pub(super) memories: u32,
    pub(super) modules: usize,
    pub(super) modules_size: usize,
    pub(super) components: usize,
    pub(super) wire: Option<String>,
    pub(super) imports: Side,
    pub(super) exports: Side,
    pub(super) contracts: Vec<Interface>,
    pub(super) parts: Vec<PartReport>,
    pub(super) labels: Option<Labels>,
}

/// What WIT text holds.
#[derive(Serialize)]
pub(super) struct WitReport {
    pub(super) file: PathBuf,
    pub(super) kind: &'static str,
    pub(super) contracts: Vec<Interface>,
}

/// Imports or exports.
#[derive(Serialize)]
pub(super) struct Side {
    pub(super) interfaces: Vec<PortReport>,
    pub(super) functions: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct PortReport {
    pub(super) label: String,
    pub(super) contract: Option<String>,
    #[serde(flatten)]
    pub(super) content: Content,
}

#[derive(Serialize)]
pub(super) struct Interface {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) content: Content,
}

/// What an interface holds.
#[derive(Serialize)]
#[serde(tag = "content", rename_all = "kebab-case")]
pub(super) enum Content {
    /// It can travel as messages.
    Contract {
        /// Signatures, by the functions' names.
        functions: BTreeMap<String, String>,
    },
    /// Types only.
    Types,
    /// It cannot travel as messages.
    Refused {
        /// The first function that keeps it from it.
        function: String,
        /// Why.
        reason: String,
    },
}

#[derive(Serialize)]
pub(super) struct PartReport {
    pub(super) role: String,
    pub(super) contracts: Vec<String>,
    pub(super) wire: Option<String>,
    pub(super) size: usize,
    pub(super) digest: String,
}

impl Report {
    pub(super) fn of(path: &Path, inspection: &Inspection) -> Self {
        Self {
            file: path.to_owned(),
            kind: kind(inspection.kind),
            size: inspection.size,
            digest: inspection.digest.to_string(),
            memories: inspection.memories,
            modules: inspection.code.modules,
            modules_size: inspection.code.modules_size,
            components: inspection.code.components,
            wire: inspection.wire.clone(),
            imports: Side::of(&inspection.imports),
            exports: Side::of(&inspection.exports),
            contracts: interfaces(&inspection.contracts),
            parts: inspection.parts.iter().map(PartReport::of).collect(),
            labels: inspection.labels.clone(),
        }
    }
}

impl WitReport {
    pub(super) fn of(path: &Path, contracts: &[(ContractName, Shape)]) -> Self {
        Self { file: path.to_owned(), kind: "wit", contracts: interfaces(contracts) }
    }
}

impl Side {
    fn of(ports: &Ports) -> Self {
        let port = |port: &Port| PortReport {
            label: port.label.clone(),
            contract: port.contract.as_ref().map(ToString::to_string),
            content: Content::of(&port.shape),
        };
        Self { interfaces: ports.interfaces.iter().map(port).collect(), functions: ports.functions.clone() }
    }
}

impl Content {
    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Contract(contract) => Self::Contract {
                functions: contract
                    .functions
                    .iter()
                    .map(|(name, function)| (name.clone(), function.to_string()))
                    .collect(),
            },
            Shape::Types => Self::Types,
            Shape::Refused(refusal) => {
                Self::Refused { function: refusal.function.clone(), reason: refusal.to_string() }
            }
        }
    }
}

impl PartReport {
    fn of(part: &Part) -> Self {
        let (role, contracts, wire) = match &part.role {
            Role::Actor => ("actor".to_owned(), &[][..], None),
            Role::Adapter { side, contracts, wire } => (side.to_string(), contracts.as_slice(), wire.clone()),
        };
        Self {
            role,
            contracts: contracts.iter().map(ToString::to_string).collect(),
            wire,
            size: part.size,
            digest: part.digest.to_string(),
        }
    }
}

fn interfaces(contracts: &[(ContractName, Shape)]) -> Vec<Interface> {
    let interface =
        |(name, shape): &(ContractName, Shape)| Interface { name: name.to_string(), content: Content::of(shape) };
    contracts.iter().map(interface).collect()
}

fn kind(kind: Kind) -> String {
    let word = match kind {
        Kind::Adapter(side) => return side.to_string(),
        Kind::Composite => "composite",
        Kind::Component => "component",
        Kind::Module => "module",
        Kind::WitPackage => "wit-package",
    };
    word.to_owned()
}
