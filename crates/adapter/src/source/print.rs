//! Interfaces as WIT text again, and what worlds import and export: what a project needs to call a contract.

use std::collections::BTreeMap;

use model::contract::ContractName;
use wit_component::{Output as _, WitPrinter};
use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind, TypeOwner, WorldItem};

use super::{Source, SourceError, interface_name};

/// An interface as a WIT file of its own, with the package's name at its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceText {
    /// Its name.
    pub name: ContractName,
    /// The text, with its documentation.
    pub text: String,
    /// The text without documentation: equal where the interfaces are.
    pub bare: String,
}

/// A world and the interfaces that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldView {
    /// Its name in its package.
    pub name: String,
    /// The interfaces that it imports, also for the types that others use.
    pub imports: Vec<ContractName>,
    /// The interfaces that it exports.
    pub exports: Vec<ContractName>,
}

impl Source {
    /// The interface under `name` and those whose types it uses, directly or not, as WIT text, in order of names.
    ///
    /// # Errors
    ///
    /// There is no interface of that name, or more than one.
    pub fn interface_texts(&self, name: &str) -> Result<Vec<InterfaceText>, SourceError> {
        let (wanted, _) = self.named(name)?;
        let mut found = BTreeMap::new();
        let mut open = vec![wanted];
        while let Some(interface) = open.pop() {
            let Some(name) = interface_name(&self.resolve, interface) else { continue };
            if found.insert(name, interface).is_none() {
                open.extend(used(&self.resolve, interface));
            }
        }
        found.into_iter().map(|(name, interface)| self.interface_text(name, interface)).collect()
    }

    /// The worlds in it: that of the component where it came from one.
    pub fn worlds(&self) -> Vec<WorldView> {
        let chosen = self.resolve.worlds.iter().filter(|(id, _)| self.world.is_none_or(|world| world == *id));
        let named = |items: &mut dyn Iterator<Item = &WorldItem>| {
            items
                .filter_map(|item| match item {
                    WorldItem::Interface { id, .. } => interface_name(&self.resolve, *id),
                    _ => None,
                })
                .collect()
        };
        let view = |(_, world): (_, &wit_parser::World)| WorldView {
            name: world.name.clone(),
            imports: named(&mut world.imports.values()),
            exports: named(&mut world.exports.values()),
        };
        chosen.map(view).collect()
    }

    fn interface_text(&self, name: ContractName, interface: InterfaceId) -> Result<InterfaceText, SourceError> {
        let printed = |has_docs: bool| {
            let mut printer = WitPrinter::default();
            printer.emit_docs(has_docs);
            let begun = printer.print_interface_outer(&self.resolve, interface, &name.interface);
            printer.output.indent_start();
            let all = begun.and_then(|()| printer.print_interface(&self.resolve, interface));
            printer.output.indent_end();
            all.map(|()| format!("package {};\n\n{}", package(&name), printer.output)).map_err(|error| {
                SourceError::Wit {
                    subject: self.subject.clone(),
                    reason: format!("{name} cannot be written: {error:#}"),
                }
            })
        };
        let (text, bare) = (printed(true)?, printed(false)?);
        Ok(InterfaceText { name, text, bare })
    }
}

/// The package of an interface, with its version.
fn package(name: &ContractName) -> String {
    let version = name.version.as_ref().map_or(String::new(), |version| format!("@{version}"));
    format!("{}{version}", name.package_name())
}

/// The interfaces that types of an interface come from.
fn used(resolve: &Resolve, interface: InterfaceId) -> Vec<InterfaceId> {
    let types = resolve.interfaces.get(interface).into_iter().flat_map(|interface| interface.types.values());
    let owner = |id: &wit_parser::TypeId| match resolve.types.get(*id)?.kind {
        TypeDefKind::Type(Type::Id(other)) => match resolve.types.get(other)?.owner {
            TypeOwner::Interface(owner) if owner != interface => Some(owner),
            _ => None,
        },
        _ => None,
    };
    types.filter_map(owner).collect()
}
