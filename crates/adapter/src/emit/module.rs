//! The core module being written: functions, static bytes, globals; and the body of one function.

use std::collections::BTreeMap;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module,
    NameMap, NameSection, TypeSection, ValType,
};

use crate::limits::{MEMORY_PAGES_MAX, MEMORY_TAIL};

/// One page of linear memory, in bytes.
pub(super) const PAGE: u32 = 65_536;

/// Address 0 is never handed out, so that a decoder can answer 0 for "failed".
const STATIC_BASE: u32 = 16;

/// The global variables of every adapter, in index order.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Global {
    /// First free byte of the arena.
    Heap = 0,
    /// Highest address the arena may grow to without growing memory.
    Room = 1,
    /// Highest address a decoder may bring the arena to.
    Limit = 2,
    /// First byte after the message being decoded.
    End = 3,
    /// First byte of the message being decoded.
    Start = 4,
    /// What was wrong with the message (a `Fault`).
    Fault = 5,
    /// Where it was wrong: an address between `Start` and `End`.
    FaultAt = 6,
    /// Whether a call has ended since the arena was last emptied.
    Ended = 7,
    /// Constant: where the arena begins.
    Base = 8,
}

/// A piece of static memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Text {
    pub(super) at: u32,
    pub(super) len: u32,
}

struct Signature {
    params: Vec<ValType>,
    results: Vec<ValType>,
}

struct Defined {
    name: String,
    ty: u32,
    body: Option<Function>,
}

/// Collects a core module; imports come first.
#[derive(Default)]
pub(super) struct ModuleBuilder {
    types: Vec<Signature>,
    imports: Vec<(String, String, u32)>,
    defined: Vec<Defined>,
    exports: Vec<(String, u32)>,
    statics: Vec<u8>,
    texts: BTreeMap<String, Text>,
}

impl ModuleBuilder {
    fn signature(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let known = self.types.iter().position(|t| t.params == params && t.results == results);
        let index = known.unwrap_or_else(|| {
            self.types.push(Signature { params: params.to_vec(), results: results.to_vec() });
            self.types.len() - 1
        });
        to_u32(index)
    }

    /// Imports a function; all imports precede the first `declare`.
    pub(super) fn import(&mut self, name: (String, String), params: &[ValType], results: &[ValType]) -> u32 {
        debug_assert!(self.defined.is_empty(), "imports come before definitions");
        let ty = self.signature(params, results);
        self.imports.push((name.0, name.1, ty));
        to_u32(self.imports.len() - 1)
    }

    /// Reserves an index for a function whose body follows by [`ModuleBuilder::define`].
    pub(super) fn declare(&mut self, name: &str, params: &[ValType], results: &[ValType]) -> u32 {
        let ty = self.signature(params, results);
        self.defined.push(Defined { name: name.to_owned(), ty, body: None });
        to_u32(self.imports.len() + self.defined.len() - 1)
    }

    pub(super) fn define(&mut self, index: u32, body: Body) {
        let at = to_usize(index).saturating_sub(self.imports.len());
        if let Some(defined) = self.defined.get_mut(at) {
            defined.body = Some(body.finish());
        }
    }

    pub(super) fn export(&mut self, name: String, index: u32) {
        self.exports.push((name, index));
    }

    /// A constant string; equal strings share one place.
    pub(super) fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let at = self.bytes(text.as_bytes(), 1);
        let text_at = Text { at, len: to_u32(text.len()) };
        self.texts.insert(text.to_owned(), text_at);
        text_at
    }

    /// Constant bytes at a fixed address.
    pub(super) fn bytes(&mut self, bytes: &[u8], align: u32) -> u32 {
        let at = self.static_top().next_multiple_of(align.max(1));
        self.statics.resize(to_usize(at - STATIC_BASE), 0);
        self.statics.extend_from_slice(bytes);
        at
    }

    /// Zeroed working space at a fixed address.
    pub(super) fn scratch(&mut self, size: u32, align: u32) -> u32 {
        self.bytes(&vec![0; to_usize(size)], align)
    }

    fn static_top(&self) -> u32 {
        STATIC_BASE + to_u32(self.statics.len())
    }

    /// Writes the module. `module_name` goes into the name section, for backtraces.
    pub(super) fn finish(self, module_name: &str) -> Vec<u8> {
        let base = self.static_top().next_multiple_of(16);
        let pages = (base + MEMORY_TAIL).div_ceil(PAGE).max(1);
        let mut module = Module::new();
        module.section(&self.type_section());
        module.section(&self.import_section());
        module.section(&self.function_section());
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: pages.into(),
            maximum: Some(MEMORY_PAGES_MAX.into()),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        module.section(&memories);
        module.section(&globals(base, pages * PAGE - MEMORY_TAIL));
        module.section(&self.export_section());
        module.section(&self.code_section());
        let mut data = DataSection::new();
        let at = ConstExpr::i32_const(STATIC_BASE.cast_signed());
        data.active(0, &at, self.statics.iter().copied());
        module.section(&data);
        module.section(&self.name_section(module_name));
        module.finish()
    }

    fn type_section(&self) -> TypeSection {
        let mut section = TypeSection::new();
        for ty in &self.types {
            section.ty().function(ty.params.iter().copied(), ty.results.iter().copied());
        }
        section
    }

    fn import_section(&self) -> ImportSection {
        let mut section = ImportSection::new();
        for (module, name, ty) in &self.imports {
            section.import(module, name, EntityType::Function(*ty));
        }
        section
    }

    fn function_section(&self) -> FunctionSection {
        let mut section = FunctionSection::new();
        for defined in &self.defined {
            section.function(defined.ty);
        }
        section
    }

    fn export_section(&self) -> ExportSection {
        let mut section = ExportSection::new();
        section.export("memory", ExportKind::Memory, 0);
        for (name, index) in &self.exports {
            section.export(name, ExportKind::Func, *index);
        }
        section
    }

    fn code_section(&self) -> CodeSection {
        let mut section = CodeSection::new();
        // A declared function without a body cannot happen; if it did, it would trap.
        let mut missing = Body::new(0);
        missing.ins().unreachable();
        let missing = missing.finish();
        for defined in &self.defined {
            section.function(defined.body.as_ref().unwrap_or(&missing));
        }
        section
    }

    fn name_section(&self, module_name: &str) -> NameSection {
        let mut names = NameMap::new();
        for (index, defined) in self.defined.iter().enumerate() {
            names.append(to_u32(self.imports.len() + index), &defined.name);
        }
        let mut section = NameSection::new();
        section.module(module_name);
        section.functions(&names);
        section
    }
}

fn globals(base: u32, room: u32) -> GlobalSection {
    let mut section = GlobalSection::new();
    let mut add = |value: u32, mutable| {
        let ty = GlobalType { val_type: ValType::I32, mutable, shared: false };
        section.global(ty, &ConstExpr::i32_const(value.cast_signed()));
    };
    add(base, true);
    add(room, true);
    for _ in Global::Limit as u32..Global::Base as u32 {
        add(0, true);
    }
    add(base, false);
    section
}

/// The body of a function: locals are added while code is written.
pub(super) struct Body {
    params: u32,
    locals: Vec<ValType>,
    code: Vec<u8>,
    short_lived: BTreeMap<&'static str, u32>,
}

impl Body {
    pub(super) fn new(params: u32) -> Self {
        Self { params, locals: Vec::new(), code: Vec::new(), short_lived: BTreeMap::new() }
    }

    pub(super) fn ins(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    pub(super) fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        self.params + to_u32(self.locals.len() - 1)
    }

    pub(super) fn i32(&mut self) -> u32 {
        self.local(ValType::I32)
    }

    pub(super) fn i64(&mut self) -> u32 {
        self.local(ValType::I64)
    }

    /// An `i32` local whose value is dead at the next call of this function.
    pub(super) fn tmp32(&mut self) -> u32 {
        self.short("i32", ValType::I32)
    }

    /// An `i64` local whose value is dead at the next call of this function.
    pub(super) fn tmp64(&mut self) -> u32 {
        self.short("i64", ValType::I64)
    }

    /// An `i32` local for the address where the integer being read began; dead at the next call.
    pub(super) fn start32(&mut self) -> u32 {
        self.short("start", ValType::I32)
    }

    fn short(&mut self, key: &'static str, ty: ValType) -> u32 {
        if let Some(known) = self.short_lived.get(key) {
            return *known;
        }
        let local = self.local(ty);
        self.short_lived.insert(key, local);
        local
    }

    fn finish(self) -> Function {
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.code);
        function.instructions().end();
        function
    }
}

/// A memory operand at a constant offset.
pub(super) fn mem(offset: u32) -> MemArg {
    MemArg { offset: offset.into(), align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

/// Sizes inside an adapter fit in 32 bits: addresses do, and the refusals of `emit` bound the rest.
pub(super) fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
