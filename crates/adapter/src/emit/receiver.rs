//! The receiver: finds the function by name, decodes parameters, calls the contract, encodes the result.

use std::collections::BTreeMap;

use model::wire::WireVersion;
use wasm_encoder::BlockType;
use wasm_encoder::ValType::I32;
use wit_parser::abi::AbiVariant;

use super::error::EmitError;
use super::flat::{At, Direction, fresh, transfer};
use super::generator::{Generator, Routine};
use super::module::{Body, Global, ModuleBuilder, mem};
use super::runtime::{Fault, Helper, begin_call, end_call};
use super::setup::{self, Call, core_signature, encode_message, export_realloc};
use super::shape::ShapeId;
use super::world::World;

pub(super) fn module(world: &World, wire: WireVersion) -> Result<Vec<u8>, EmitError> {
    let mut module = ModuleBuilder::default();
    let mut imports = Vec::new();
    for function in &world.functions {
        let signature = core_signature(&world.resolve, AbiVariant::GuestImport, function);
        let name = world.contract_import(function);
        imports.push(module.import(name, &signature.params, &signature.results));
    }
    let (mut g, calls) = setup::prepare(world, module, wire, AbiVariant::GuestImport)?;
    export_realloc(&mut g, world);
    let name = world.bus_export();
    let receive = g.module.declare("receive", &[I32, I32, I32, I32], &[I32]);
    g.module.export(name, receive);
    let mut served = Vec::new();
    for (call, import) in calls.iter().zip(imports) {
        let index = g.module.declare(&call.function.name, &[I32, I32], &[I32]);
        let body = serve(&mut g, call, import)?;
        g.module.define(index, body);
        served.push((call.function.name.as_str(), index));
    }
    let body = dispatch(&g, &served);
    g.module.define(receive, body);
    g.finish_routines()?;
    Ok(g.module.finish("lath-receiver"))
}

/// `receive(method, method length, payload, payload length) -> reply`.
fn dispatch(g: &Generator<'_>, served: &[(&str, u32)]) -> Body {
    let (method, length, message, message_length) = (0, 1, 2, 3);
    let mut b = Body::new(4);
    begin_call(&mut b);
    let mut by_length: BTreeMap<usize, Vec<(&str, u32)>> = BTreeMap::new();
    for (name, index) in served {
        by_length.entry(name.len()).or_default().push((name, *index));
    }
    for (name_length, served) in by_length {
        let name_length = i32::try_from(name_length).unwrap_or(i32::MAX);
        b.ins().local_get(length).i32_const(name_length).i32_eq().if_(BlockType::Empty);
        for (name, index) in served {
            name_differs(&mut b, method, name.as_bytes());
            b.ins().i64_eqz().if_(BlockType::Empty);
            b.ins().local_get(message).local_get(message_length).call(index);
            end_call(&mut b);
            b.ins().return_().end();
        }
        b.ins().end();
    }
    let error = g.places.error.cast_signed();
    b.ins().i32_const(g.places.reply.cast_signed()).i32_const(1).i32_store8(mem(0));
    b.ins().i32_const(error).i32_const(g.error.method_not_handled.cast_signed()).i32_store8(mem(0));
    b.ins().i32_const(error).local_get(method).i32_store(mem(g.error.payload));
    b.ins().i32_const(error).local_get(length).i32_store(mem(g.error.payload + 4));
    end_call(&mut b);
    b.ins().i32_const(g.places.reply.cast_signed());
    b
}

/// Pushes an `i64` that is zero when the bytes at the address in a local are these.
fn name_differs(b: &mut Body, at: u32, name: &[u8]) {
    b.ins().i64_const(0);
    let mut rest = name;
    let mut offset = 0;
    while !rest.is_empty() {
        let (width, bytes, after) = chunk(rest);
        b.ins().local_get(at);
        match width {
            8 => b.ins().i64_load(mem(offset)),
            4 => b.ins().i64_load32_u(mem(offset)),
            2 => b.ins().i64_load16_u(mem(offset)),
            _ => b.ins().i64_load8_u(mem(offset)),
        };
        b.ins().i64_const(bytes.cast_signed()).i64_xor().i64_or();
        rest = after;
        offset += width;
    }
}

/// The widest load that the bytes allow, what it should give, and the bytes after it.
fn chunk(bytes: &[u8]) -> (u32, u64, &[u8]) {
    if let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        (8, u64::from_le_bytes(*head), rest)
    } else if let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        (4, u32::from_le_bytes(*head).into(), rest)
    } else if let Some((head, rest)) = bytes.split_first_chunk::<2>() {
        (2, u16::from_le_bytes(*head).into(), rest)
    } else {
        (1, bytes.first().copied().unwrap_or(0).into(), bytes.get(1..).unwrap_or_default())
    }
}

/// `(payload, length) -> reply` of one function.
fn serve(g: &mut Generator<'_>, call: &Call<'_>, import: u32) -> Result<Body, EmitError> {
    let (message, length) = (0, 1);
    let mut b = Body::new(2);
    let (begin, fail) = (g.helper(Helper::Begin), g.helper(Helper::Fail));
    let reply = g.places.reply.cast_signed();
    let at = b.i32();
    b.ins().local_get(message).local_tee(at).local_get(length).call(begin);
    b.ins().block(BlockType::Empty);
    let params = match call.params {
        Some(shape) => {
            let params = allocate(g, &mut b, shape, at)?;
            let decode = g.routine(Routine::Decode(shape));
            b.ins().local_get(at).local_get(params).call(decode).local_tee(at).i32_eqz().br_if(0);
            Some((shape, params))
        }
        None => None,
    };
    b.ins().local_get(at).global_get(Global::End as u32).i32_ne().if_(BlockType::Empty);
    b.ins().i32_const(Fault::Trailing as i32).local_get(at).call(fail).drop().br(1).end();
    let result = invoke(g, &mut b, call, (import, at), params)?;
    let (start, end) = encode_message(g, &mut b, result);
    let bytes = g.places.error.cast_signed();
    b.ins().i32_const(reply).i32_const(0).i32_store8(mem(0));
    b.ins().i32_const(bytes).local_get(start).i32_store(mem(0));
    b.ins().i32_const(bytes).local_get(end).local_get(start).i32_sub().i32_store(mem(4));
    b.ins().i32_const(reply).return_().end();
    let describe = g.helper(Helper::Describe);
    b.ins().i32_const(call.name.at.cast_signed()).i32_const(call.name.len.cast_signed()).call(describe);
    b.ins().i32_const(reply).i32_const(1).i32_store8(mem(0)).i32_const(reply);
    Ok(b)
}

/// A local with the address of room for a value; leaves the block when there is none.
fn allocate(g: &mut Generator<'_>, b: &mut Body, id: ShapeId, at: u32) -> Result<u32, EmitError> {
    let shape = g.shape(id)?;
    let alloc = g.helper(Helper::Alloc);
    let place = b.i32();
    b.ins().i64_const(shape.size.into()).i32_const(shape.align.cast_signed()).local_get(at);
    b.ins().call(alloc).local_tee(place).i32_eqz().br_if(0);
    Ok(place)
}

/// Calls the contract; gives shape and address of the result in memory.
fn invoke(
    g: &mut Generator<'_>,
    b: &mut Body,
    call: &Call<'_>,
    (import, at): (u32, u32),
    params: Option<(ShapeId, u32)>,
) -> Result<Option<(ShapeId, u32)>, EmitError> {
    let place = match call.result {
        Some(shape) if call.core.indirect_result => Some((shape, allocate(g, b, shape, at)?)),
        Some(shape) => {
            let base = b.i32();
            b.ins().i32_const(g.places.flat.cast_signed()).local_set(base);
            Some((shape, base))
        }
        None => None,
    };
    match params {
        Some((_, base)) if call.core.indirect_params => {
            b.ins().local_get(base);
        }
        Some((shape, base)) => {
            let flat = g.shape(shape)?.flat.unwrap_or_default();
            let slots = fresh(b, &flat);
            transfer(g, b, shape, &slots, At { base, offset: 0 }, Direction::FromMemory)?;
            for slot in slots {
                b.ins().local_get(slot.local);
            }
        }
        None => {}
    }
    match place {
        Some((_, place)) if call.core.indirect_result => {
            b.ins().local_get(place).call(import);
        }
        Some((shape, base)) => {
            let slots = fresh(b, &call.core.results);
            b.ins().call(import);
            for slot in slots.iter().rev() {
                b.ins().local_set(slot.local);
            }
            transfer(g, b, shape, &slots, At { base, offset: 0 }, Direction::ToMemory)?;
        }
        None => {
            b.ins().call(import);
        }
    }
    Ok(place)
}
