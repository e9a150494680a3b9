//! Other names for a component's imports.
//!
//! In a component's bytes an import is known by its index; its name stands in one place. An interface that uses the
//! resource of another names the index of that import, so that both can be renamed and still share the resource.
//! wac-graph 0.12 cannot give them labels with `implements`: it then imports the used interface a second time.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{ReencodeComponent as _, RoundtripReencoder};
use wasm_encoder::{ComponentExternName, ComponentImportSection, ComponentSection as _};
use wasmparser::{ComponentImportSectionReader, Parser, Payload};

/// Why imports cannot be renamed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RelabelError {
    #[error("its bytes cannot be read: {0}")]
    Read(#[from] wasmparser::BinaryReaderError),
    #[error("its imports cannot be written: {0}")]
    Write(String),
}

/// `component` with its imports called as `labels` says, from the old name to the new. Those that it does not name, and
/// components within, stay as they are.
pub(super) fn relabel(component: &[u8], labels: &BTreeMap<&str, &str>) -> Result<Vec<u8>, RelabelError> {
    let mut depth = 0_usize;
    let mut renamed = Vec::with_capacity(component.len());
    // What is copied so far, and where the section before ends: there the header of the next begins.
    let (mut copied, mut before) = (0, 0);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match &payload {
            Payload::Version { range, .. } => {
                depth = depth.saturating_add(1);
                before = if depth == 1 { range.end } else { before };
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. }
                if depth == 1 =>
            {
                before = range.end;
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                renamed.extend_from_slice(part(component, copied, Some(before)));
                imports(section.clone(), labels)?.append_to_component(&mut renamed);
                (copied, before) = (section.range().end, section.range().end);
            }
            other if depth == 1 => before = other.as_section().map_or(before, |(_, range)| range.end),
            _ => {}
        }
    }
    renamed.extend_from_slice(part(component, copied, None));
    Ok(renamed)
}

fn part(component: &[u8], from: u64, to: Option<u64>) -> &[u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    component.get(at(from)..to.map_or(component.len(), at)).unwrap_or_default()
}

fn imports(
    section: ComponentImportSectionReader<'_>,
    labels: &BTreeMap<&str, &str>,
) -> Result<ComponentImportSection, RelabelError> {
    let mut imports = ComponentImportSection::new();
    for import in section {
        let import = import?;
        let ty = RoundtripReencoder.component_type_ref(import.ty);
        let ty = ty.map_err(|error| RelabelError::Write(error.to_string()))?;
        match labels.get(&*import.name.full_name()) {
            Some(label) => imports.import(*label, ty),
            None => imports.import(kept(import.name), ty),
        };
    }
    Ok(imports)
}

fn kept(name: wasmparser::ComponentExternName<'_>) -> ComponentExternName<'_> {
    ComponentExternName {
        name: name.name.into(),
        implements: name.implements.map(Into::into),
        version_suffix: name.version_suffix.map(Into::into),
        external_id: name.external_id.map(Into::into),
    }
}
