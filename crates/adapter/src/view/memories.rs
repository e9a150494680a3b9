//! Counts the linear memories that one instance of a component defines.

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Parser, Payload,
};

/// Linear memories defined by one instance of `component`, those of nested components included. What an imported or
/// instantiated component brings is not known here and counts as nothing.
pub(crate) fn count(component: &[u8]) -> Result<u32, BinaryReaderError> {
    let mut levels = Levels(Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::End(_) = levels.read(payload?)?
            && let Some(memories) = levels.close()
        {
            return Ok(memories);
        }
    }
    Ok(0)
}

/// The modules and components that are being read, outermost first.
struct Levels(Vec<Level>);

enum Level {
    /// A core module and the memories that it defines.
    Module(u32),
    Component(Frame),
}

/// The memories of what is in one component's index spaces.
#[derive(Default)]
struct Frame {
    modules: Vec<u32>,
    components: Vec<u32>,
    total: u32,
}

impl Levels {
    /// Takes note of a payload, and gives it back.
    fn read<'a>(&mut self, payload: Payload<'a>) -> Result<Payload<'a>, BinaryReaderError> {
        match &payload {
            Payload::Version { encoding: Encoding::Module, .. } => self.0.push(Level::Module(0)),
            Payload::Version { encoding: Encoding::Component, .. } => self.0.push(Level::Component(Frame::default())),
            Payload::MemorySection(section) => self.define(section.count()),
            Payload::InstanceSection(section) => self.each(section.clone(), Frame::instantiate_module)?,
            Payload::ComponentInstanceSection(section) => self.each(section.clone(), Frame::instantiate_component)?,
            Payload::ComponentImportSection(section) => self.each(section.clone(), |frame, i| frame.import(i.ty))?,
            Payload::ComponentExportSection(section) => {
                self.each(section.clone(), |frame, export| frame.export(export.kind, export.index))?;
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?);
                }
            }
            _ => {}
        }
        Ok(payload)
    }

    /// Ends the innermost level; gives the memories of the whole once it was the outermost.
    fn close(&mut self) -> Option<u32> {
        let done = self.0.pop()?;
        match (done, self.top()) {
            (Level::Module(memories), None) | (Level::Component(Frame { total: memories, .. }), None) => Some(memories),
            (Level::Module(memories), Some(frame)) => {
                frame.modules.push(memories);
                None
            }
            (Level::Component(inner), Some(frame)) => {
                frame.components.push(inner.total);
                None
            }
        }
    }

    fn define(&mut self, count: u32) {
        if let Some(Level::Module(memories)) = self.0.last_mut() {
            *memories = memories.saturating_add(count);
        }
    }

    fn each<T>(
        &mut self,
        items: impl IntoIterator<Item = Result<T, BinaryReaderError>>,
        note: impl Fn(&mut Frame, &T),
    ) -> Result<(), BinaryReaderError> {
        for item in items {
            let item = item?;
            if let Some(frame) = self.top() {
                note(frame, &item);
            }
        }
        Ok(())
    }

    /// An alias adds to an index space.
    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        let (kind, memories) = match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
                (ComponentExternalKind::Module, self.outer(*count).map(|frame| at(&frame.modules, *index)))
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                (ComponentExternalKind::Component, self.outer(*count).map(|frame| at(&frame.components, *index)))
            }
            ComponentAlias::InstanceExport { kind, .. } => (*kind, None),
            _ => return,
        };
        if let Some(frame) = self.top() {
            frame.add(kind, memories.unwrap_or(0));
        }
    }

    fn top(&mut self) -> Option<&mut Frame> {
        match self.0.last_mut()? {
            Level::Component(frame) => Some(frame),
            Level::Module(_) => None,
        }
    }

    fn outer(&self, count: u32) -> Option<&Frame> {
        match self.0.iter().rev().nth(count as usize)? {
            Level::Component(frame) => Some(frame),
            Level::Module(_) => None,
        }
    }
}

impl Frame {
    fn instantiate_module(&mut self, instance: &Instance<'_>) {
        if let Instance::Instantiate { module_index, .. } = instance {
            self.total = self.total.saturating_add(at(&self.modules, *module_index));
        }
    }

    fn instantiate_component(&mut self, instance: &ComponentInstance<'_>) {
        if let ComponentInstance::Instantiate { component_index, .. } = instance {
            self.total = self.total.saturating_add(at(&self.components, *component_index));
        }
    }

    fn import(&mut self, ty: ComponentTypeRef) {
        match ty {
            ComponentTypeRef::Module(_) => self.modules.push(0),
            ComponentTypeRef::Component(_) => self.components.push(0),
            _ => {}
        }
    }

    /// An export adds the exported item to its index space once more.
    fn export(&mut self, kind: ComponentExternalKind, index: u32) {
        let memories = match kind {
            ComponentExternalKind::Module => at(&self.modules, index),
            _ => at(&self.components, index),
        };
        self.add(kind, memories);
    }

    fn add(&mut self, kind: ComponentExternalKind, memories: u32) {
        match kind {
            ComponentExternalKind::Module => self.modules.push(memories),
            ComponentExternalKind::Component => self.components.push(memories),
            _ => {}
        }
    }
}

fn at(space: &[u32], index: u32) -> u32 {
    space.get(index as usize).copied().unwrap_or(0)
}
