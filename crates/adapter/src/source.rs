//! Where contracts come from: WIT text, encoded WIT packages, components and core modules with embedded WIT.

mod contract;
mod nesting;
mod print;

use std::borrow::Cow;
use std::path::Path;

use model::contract::{Contract, ContractName};
use model::view::Refusal;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{InterfaceId, Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

pub(crate) use contract::{Extractor, interface_name};
pub use print::{InterfaceText, WorldView};

use crate::limits::NESTING_MAX;

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not WebAssembly, or broken.
    #[error(
        "{subject} is not a valid WebAssembly component: {reason}; build it for a component target such as wasm32-wasip2"
    )]
    Wasm {
        /// Which bytes.
        subject: String,
        /// What the validator says.
        reason: String,
    },
    /// A core module that holds no component type.
    #[error(
        "{subject} is a core WebAssembly module without an embedded component type: {reason}; build it with bindings \
         generated from WIT, or for wasm32-wasip2"
    )]
    Module {
        /// Which bytes.
        subject: String,
        /// What the encoder says.
        reason: String,
    },
    /// A core module of the time before components.
    #[error(
        "{subject} is a core module for WASI preview 1, not a component; build it for wasm32-wasip2, or make a \
         component of it: `wasm-tools component new {subject} --adapt wasi_snapshot_preview1.command.wasm -o component.wasm`"
    )]
    Preview1 {
        /// Which bytes.
        subject: String,
    },
    /// WIT text that does not parse or resolve.
    #[error("{subject} is not valid WIT: {reason}")]
    Wit {
        /// Which file or folder.
        subject: String,
        /// What the parser says, with file and line.
        reason: String,
    },
    /// Types that name types that name types, too far.
    #[error("{subject} has types nested more than {NESTING_MAX} deep; use flatter types, and fewer aliases of aliases")]
    Nested {
        /// Which source.
        subject: String,
    },
    /// No such contract in the source.
    #[error("{subject} has no contract `{wanted}`; it has {}", listed(.known))]
    NoContract {
        /// Which source.
        subject: String,
        /// The name asked for.
        wanted: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The contract exists but holds no function.
    #[error("contract `{contract}` has no functions: there is nothing to call; name another interface")]
    Empty {
        /// The contract.
        contract: String,
    },
    /// The contract uses what messages cannot carry.
    #[error("contract `{contract}`: {refusal}; keep to value types and plain functions")]
    Refused {
        /// The contract.
        contract: String,
        /// The function and type.
        refusal: Refusal,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A text file of WIT: its path, for messages, and its text.
#[derive(Clone, Debug)]
pub struct WitFile {
    /// The path, for messages.
    pub path: String,
    /// The text.
    pub text: String,
}

/// Resolved WIT, with the world of the component if it came from one.
pub struct Source {
    subject: String,
    pub(crate) resolve: Resolve,
    pub(crate) world: Option<WorldId>,
}

impl Source {
    /// Reads WIT text: the files of one package and, for each dependency, the files of its package.
    pub fn from_wit(subject: &str, main: &[WitFile], dependencies: &[Vec<WitFile>]) -> Result<Self, SourceError> {
        let mut resolve = Resolve::default();
        let groups = dependencies.iter().map(|files| parse_group(files)).collect::<Result<Vec<_>, _>>();
        let resolved = groups.and_then(|groups| {
            let main = parse_group(main)?;
            resolve.push_groups(main, groups).map_err(|error| error.to_string())
        });
        match resolved {
            Ok(_) => Self::bounded(subject, resolve, None),
            Err(reason) => Err(SourceError::Wit { subject: subject.to_owned(), reason }),
        }
    }

    /// Reads a component, an encoded WIT package, or a core module with an embedded component type.
    pub fn from_wasm(subject: &str, bytes: &[u8]) -> Result<Self, SourceError> {
        let bytes = componentize(subject, bytes)?;
        let decoded = decode(subject, &bytes)?;
        match decoded {
            DecodedWasm::Component(resolve, world) => Self::bounded(subject, resolve, Some(world)),
            DecodedWasm::WitPackage(resolve, _) => Self::bounded(subject, resolve, None),
        }
    }

    fn bounded(subject: &str, resolve: Resolve, world: Option<WorldId>) -> Result<Self, SourceError> {
        let subject = subject.to_owned();
        if nesting::is_bounded(&resolve) {
            Ok(Self { subject, resolve, world })
        } else {
            Err(SourceError::Nested { subject })
        }
    }

    /// The contract under `name`: in full, without its version, or the interface alone where that is unique.
    pub fn contract(&self, name: &str) -> Result<Contract, SourceError> {
        let (interface, id) = self.named(name)?;
        let contract = Extractor::new(&self.resolve)
            .contract(interface, id.clone())
            .map_err(|refusal| SourceError::Refused { contract: id.to_string(), refusal })?;
        if contract.functions.is_empty() {
            return Err(SourceError::Empty { contract: id.to_string() });
        }
        Ok(contract)
    }

    /// Every named interface of the source, in order of names.
    pub fn contract_names(&self) -> Vec<ContractName> {
        self.interfaces().into_iter().map(|(_, name)| name).collect()
    }

    /// The one interface under `name`.
    fn named(&self, name: &str) -> Result<(InterfaceId, ContractName), SourceError> {
        let known = self.interfaces();
        let named = |id: &ContractName| {
            id.to_string() == name || id.unversioned() == name || id.interface == name && !name.contains(':')
        };
        let mut found = known.iter().filter(|(_, id)| named(id));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one.clone()),
            _ => Err(SourceError::NoContract {
                subject: self.subject.clone(),
                wanted: name.to_owned(),
                known: known.iter().map(|(_, id)| id.to_string()).collect(),
            }),
        }
    }

    fn interfaces(&self) -> Vec<(InterfaceId, ContractName)> {
        let mut all: Vec<_> = self
            .resolve
            .interfaces
            .iter()
            .filter_map(|(id, _)| Some((id, interface_name(&self.resolve, id)?)))
            .collect();
        all.sort_by(|(_, a), (_, b)| a.cmp(b));
        all
    }
}

fn parse_group(files: &[WitFile]) -> Result<UnresolvedPackageGroup, String> {
    let mut map = SourceMap::new();
    for file in files {
        map.push(Path::new(&file.path), file.text.clone());
    }
    map.parse().map_err(|(map, error)| error.render(&map))
}

/// Bytes of a component as they are; a core module with an embedded component type is wrapped.
pub fn componentize<'a>(subject: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, SourceError> {
    if !Parser::is_core_wasm(bytes) {
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(bytes)
            .map_err(|error| invalid(subject, &error))?;
        return Ok(bytes.into());
    }
    let refused = |reason: String| SourceError::Module { subject: subject.to_owned(), reason };
    if !has_component_type(bytes) {
        if imports_preview1(bytes) {
            return Err(SourceError::Preview1 { subject: subject.to_owned() });
        }
        return Err(refused("it has no custom section `component-type`".to_owned()));
    }
    let encoded = std::panic::catch_unwind(|| {
        ComponentEncoder::default().validate(true).module(bytes).and_then(ComponentEncoder::encode)
    });
    match encoded {
        Ok(encoded) => encoded.map(Cow::from).map_err(|error| refused(format!("{error:#}"))),
        // It decodes the embedded type, and panics where `decode` may.
        Err(_) => Err(refused("its component type is of a form that cannot be read".to_owned())),
    }
}

/// Modules of WASI from before components import from modules of these names.
fn imports_preview1(module: &[u8]) -> bool {
    let is_preview1 = |module: &str| matches!(module, "wasi_snapshot_preview1" | "wasi_unstable");
    Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ImportSection(imports)) => {
            imports.into_imports().any(|import| import.is_ok_and(|import| is_preview1(import.module)))
        }
        _ => false,
    })
}

/// Bindings generators write one section `component-type:…` for each world.
fn has_component_type(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).any(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type"))
    })
}

/// Reads the WIT that a component embeds. The decoder holds some valid components for impossible, such as one that
/// imports an interface under two labels which share a type; its panic is an error here.
fn decode(subject: &str, component: &[u8]) -> Result<DecodedWasm, SourceError> {
    let decoded = std::panic::catch_unwind(|| wit_component::decode(component));
    let unread = "its types are of a form that the WIT decoder cannot read; give the parts that it was composed of";
    match decoded {
        Ok(decoded) => decoded.map_err(|error| invalid(subject, &error)),
        Err(_) => Err(invalid(subject, &unread)),
    }
}

fn invalid(subject: &str, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Wasm { subject: subject.to_owned(), reason: format!("{error:#}") }
}
