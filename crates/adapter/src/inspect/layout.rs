//! How a component is laid out in bytes: its imports and exports by name, its nested components, its core modules,
//! its own wire id.

use std::ops::Range;

use wasmparser::{BinaryReaderError, ComponentExternName, ComponentExternalKind, ComponentTypeRef, Parser, Payload};

use super::Code;
use crate::emit::WIRE_SECTION;

#[derive(Default)]
pub(super) struct Layout<'a> {
    /// Imported and exported instances, in order.
    pub(super) imports: Vec<Named>,
    pub(super) exports: Vec<Named>,
    /// The components directly inside.
    pub(super) nested: Vec<&'a [u8]>,
    pub(super) code: Code,
    /// The wire id that the component itself declares, not one nested in it.
    pub(super) wire: Option<String>,
}

/// The name of an imported or exported instance.
pub(super) struct Named {
    pub(super) label: String,
    /// The interface that it is said to implement, or is.
    pub(super) interface: String,
}

impl Named {
    fn of(name: &ComponentExternName<'_>) -> Self {
        let label = name.full_name().into_owned();
        let interface = name.full_implements().map_or_else(|| label.clone(), |implements| implements.into_owned());
        Self { label, interface }
    }
}

/// Reads the layout of `component`.
pub(super) fn layout(component: &[u8]) -> Result<Layout<'_>, BinaryReaderError> {
    let mut layout = Layout::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match &payload {
            Payload::Version { .. } => depth = depth.saturating_add(1),
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => layout.count(component, &payload),
        }
        if depth == 1 {
            layout.note(component, payload)?;
        }
    }
    Ok(layout)
}

impl<'a> Layout<'a> {
    /// Counts code, at whatever depth.
    fn count(&mut self, component: &[u8], payload: &Payload<'_>) {
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                self.code.modules = self.code.modules.saturating_add(1);
                let size = slice(component, unchecked_range).map_or(0, <[u8]>::len);
                self.code.modules_size = self.code.modules_size.saturating_add(size);
            }
            Payload::ComponentSection { .. } => self.code.components = self.code.components.saturating_add(1),
            _ => {}
        }
    }

    /// Notes what the component itself has.
    fn note(&mut self, component: &'a [u8], payload: Payload<'a>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    if matches!(import.ty, ComponentTypeRef::Instance(_)) {
                        self.imports.push(Named::of(&import.name));
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        self.exports.push(Named::of(&export.name));
                    }
                }
            }
            Payload::ComponentSection { unchecked_range, .. } => self.nested.extend(slice(component, &unchecked_range)),
            Payload::CustomSection(section) if section.name() == WIRE_SECTION => {
                self.wire = std::str::from_utf8(section.data()).ok().map(str::to_owned);
            }
            _ => {}
        }
        Ok(())
    }
}

fn slice<'a>(component: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    component.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}
