//! What both sides need before the first function is written: shapes, signatures, static places.

use model::wire::WireVersion;
use wasm_encoder::ValType;
use wit_parser::abi::AbiVariant;
use wit_parser::{Function, Resolve, Type, TypeDefKind};

use super::error::EmitError;
use super::failure::kind_of;
use super::flat::area_size;
use super::generator::{ErrorLayout, Generator, Places, Routine};
use super::module::{Body, Global, ModuleBuilder, Text, to_u32};
use super::runtime::{FAULT_TEXTS, Helper, NAME_ROW, make_room, message_size};
use super::shape::{Kind, ShapeId, Shapes, core_types};
use super::world::World;

/// A function of the contract, ready to be written.
pub(super) struct Call<'a> {
    pub(super) function: &'a Function,
    pub(super) name: Text,
    /// None when there are no parameters.
    pub(super) params: Option<ShapeId>,
    pub(super) result: Option<ShapeId>,
    pub(super) core: CoreSignature,
}

/// A core signature, and what goes through memory.
pub(super) struct CoreSignature {
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
    pub(super) indirect_params: bool,
    pub(super) indirect_result: bool,
}

pub(super) fn core_signature(resolve: &Resolve, way: AbiVariant, function: &Function) -> CoreSignature {
    let signature = resolve.wasm_signature(way, function);
    CoreSignature {
        params: core_types(&signature.params),
        results: core_types(&signature.results),
        indirect_params: signature.indirect_params,
        indirect_result: signature.retptr,
    }
}

/// Prepares a generator and the calls of a world. The module has its imports already.
pub(super) fn prepare<'w>(
    world: &'w World,
    mut module: ModuleBuilder,
    wire: WireVersion,
    way: AbiVariant,
) -> Result<(Generator<'w>, Vec<Call<'w>>), EmitError> {
    let mut shapes = Shapes::new(&world.resolve, wire)?;
    let mut calls = Vec::new();
    for function in &world.functions {
        let types: Vec<Type> = function.params.iter().map(|param| param.ty).collect();
        calls.push(Call {
            function,
            name: module.text(&function.name),
            params: if types.is_empty() { None } else { Some(shapes.params(&types)?) },
            result: function.result.map(|ty| shapes.of(&ty)).transpose()?,
            core: core_signature(&world.resolve, way, function),
        });
    }
    let error = error_layout(world, &mut shapes)?;
    let places = places(world, &mut module, &mut shapes, &calls)?;
    Ok((Generator::new(module, shapes, places, error), calls))
}

fn places(
    world: &World,
    module: &mut ModuleBuilder,
    shapes: &mut Shapes<'_>,
    calls: &[Call<'_>],
) -> Result<Places, EmitError> {
    let reply = world.bus.result.ok_or(EmitError::Inconsistent { what: "bus result" })?;
    let reply = shapes.of(&reply)?;
    let reply = shapes.get(reply)?;
    let Kind::Variant { payload, .. } = reply.kind else {
        return Err(EmitError::Inconsistent { what: "bus result" });
    };
    let reply = module.scratch(reply.size, reply.align);
    let name = calls.iter().map(|call| call.name.len).max().unwrap_or(0);
    let mut passed = Vec::new();
    for id in calls.iter().flat_map(|call| [call.params, call.result]).flatten() {
        passed.push(shapes.get(id)?);
    }
    let faults = FAULT_TEXTS.map(|text| module.text(text));
    let faults: Vec<u8> = faults.iter().flat_map(|text| words([text.at, text.len])).collect();
    Ok(Places {
        reply,
        error: reply + payload,
        message: module.scratch(message_size(name), 1),
        flat: module.scratch(area_size(&passed), 8),
        faults: module.bytes(&faults, 4),
    })
}

fn words<const N: usize>(words: [u32; N]) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn error_layout(world: &World, shapes: &mut Shapes<'_>) -> Result<ErrorLayout, EmitError> {
    let lost = EmitError::Inconsistent { what: "bus error" };
    let id = shapes.of(&Type::Id(world.rpc_error))?;
    let shape = shapes.get(id)?;
    let Kind::Variant { payload, .. } = shape.kind else {
        return Err(lost);
    };
    let (Some(deser), Some(method_not_handled)) = (error_case(world, "deser"), error_case(world, "method-not-handled"))
    else {
        return Err(lost);
    };
    Ok(ErrorLayout { size: shape.size, payload, deser, method_not_handled })
}

fn error_cases(world: &World) -> &[wit_parser::Case] {
    match kind_of(&world.resolve, world.rpc_error) {
        Some(TypeDefKind::Variant(variant)) => &variant.cases,
        _ => &[],
    }
}

fn error_case(world: &World, name: &str) -> Option<u32> {
    error_cases(world).iter().position(|case| case.name == name).map(to_u32)
}

/// The table that `Helper::Say` reads: a row for each case of `rpc-error`.
pub(super) fn case_names(world: &World, module: &mut ModuleBuilder) -> u32 {
    let mut table = Vec::new();
    for case in error_cases(world) {
        let name = module.text(&case.name);
        table.extend(words([name.at, name.len, case.ty.is_some().into()]));
    }
    debug_assert_eq!(to_u32(table.len()) % NAME_ROW, 0);
    module.bytes(&table, 4)
}

/// Exports the canonical ABI's `realloc`.
pub(super) fn export_realloc(g: &mut Generator<'_>, world: &World) {
    let realloc = g.helper(Helper::Realloc);
    g.module.export(world.realloc_export(), realloc);
}

/// Encodes a value at the top of the arena; gives locals with the start and the end of the bytes.
pub(super) fn encode_message(g: &mut Generator<'_>, b: &mut Body, value: Option<(ShapeId, u32)>) -> (u32, u32) {
    let (start, end) = (b.i32(), b.i32());
    b.ins().global_get(Global::Heap as u32).local_tee(start).local_set(end);
    if let Some((shape, from)) = value {
        make_room(g, b, end, |b| {
            b.ins().i64_const(0);
        });
        let encode = g.routine(Routine::Encode(shape));
        b.ins().local_get(from).local_get(end).call(encode).local_tee(end).global_set(Global::Heap as u32);
    }
    (start, end)
}
