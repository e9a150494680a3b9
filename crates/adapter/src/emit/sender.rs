//! The sender: exports the contract, encodes parameters, calls `send`, decodes the reply.

use model::wire::WireVersion;
use wasm_encoder::BlockType;
use wit_parser::abi::AbiVariant;

use super::error::EmitError;
use super::failure::{Room, failure_room};
use super::flat::{At, Direction, fresh, parameters, transfer};
use super::generator::{Generator, Routine};
use super::module::{Body, Global, ModuleBuilder, Text, mem, to_u32};
use super::runtime::{Fault, Helper, begin_call, end_call};
use super::setup::{self, Call, core_signature, encode_message, export_realloc};
use super::shape::{Kind, ShapeId};
use super::world::World;

/// What every function of a sender refers to.
struct Shared {
    send: u32,
    contract: Text,
    case_names: u32,
}

pub(super) fn module(world: &World, wire: WireVersion) -> Result<Vec<u8>, EmitError> {
    let mut module = ModuleBuilder::default();
    let signature = core_signature(&world.resolve, AbiVariant::GuestImport, &world.bus);
    let send = module.import(world.bus_import(), &signature.params, &signature.results);
    let (mut g, calls) = setup::prepare(world, module, wire, AbiVariant::GuestExport)?;
    let shared =
        Shared { send, contract: g.module.text(&world.contract), case_names: setup::case_names(world, &mut g.module) };
    export_realloc(&mut g, world);
    for call in &calls {
        let name = world.contract_export(call.function);
        let index = g.module.declare(&call.function.name, &call.core.params, &call.core.results);
        let room = failure_room(&world.resolve, call.function);
        let body = function(&mut g, call, &shared, room)?;
        g.module.define(index, body);
        g.module.export(name, index);
    }
    g.finish_routines()?;
    Ok(g.module.finish("lath-sender"))
}

fn function(g: &mut Generator<'_>, call: &Call<'_>, shared: &Shared, room: Room) -> Result<Body, EmitError> {
    let mut b = Body::new(to_u32(call.core.params.len()));
    begin_call(&mut b);
    let params = params_in_memory(g, &mut b, call)?;
    let (start, end) = encode_message(g, &mut b, params);
    let result = result_place(g, &mut b, call)?;
    send(g, &mut b, call, shared, (start, end));
    b.ins().block(BlockType::Empty).block(BlockType::Empty);
    b.ins().i32_const(g.places.reply.cast_signed()).i32_load8_u(mem(0)).br_if(1);
    reply(g, &mut b, call, result)?;
    b.ins().end();
    let describe = g.helper(Helper::Describe);
    b.ins().i32_const(call.name.at.cast_signed()).i32_const(call.name.len.cast_signed()).call(describe);
    b.ins().end();
    failure(g, &mut b, call, (result, room), shared.case_names)?;
    Ok(b)
}

/// The parameters as a record in memory; none for none.
fn params_in_memory(g: &mut Generator<'_>, b: &mut Body, call: &Call<'_>) -> Result<Option<(ShapeId, u32)>, EmitError> {
    let Some(shape) = call.params else {
        return Ok(None);
    };
    if call.core.indirect_params {
        return Ok(Some((shape, 0)));
    }
    let base = b.i32();
    b.ins().i32_const(g.places.flat.cast_signed()).local_set(base);
    let slots = parameters(&call.core.params);
    transfer(g, b, shape, &slots, At { base, offset: 0 }, Direction::ToMemory)?;
    Ok(Some((shape, base)))
}

/// A local with the address where the result is decoded.
fn result_place(g: &mut Generator<'_>, b: &mut Body, call: &Call<'_>) -> Result<u32, EmitError> {
    let place = b.i32();
    match call.result {
        Some(id) if call.core.indirect_result => {
            let shape = g.shape(id)?;
            let area = g.helper(Helper::Area);
            b.ins().i32_const(shape.size.cast_signed()).i32_const(shape.align.cast_signed()).call(area);
        }
        _ => {
            b.ins().i32_const(g.places.flat.cast_signed());
        }
    }
    b.ins().local_set(place);
    Ok(place)
}

/// Method, payload, contract, no link name, and where the reply goes.
fn send(g: &Generator<'_>, b: &mut Body, call: &Call<'_>, shared: &Shared, (start, end): (u32, u32)) {
    let text = |b: &mut Body, text: Text| {
        b.ins().i32_const(text.at.cast_signed()).i32_const(text.len.cast_signed());
    };
    text(b, call.name);
    b.ins().local_get(start).local_get(end).local_get(start).i32_sub();
    text(b, shared.contract);
    b.ins().i32_const(0).i32_const(0).i32_const(0);
    b.ins().i32_const(g.places.reply.cast_signed()).call(shared.send);
}

/// Decodes a good reply and returns; leaves the inner block with a fault otherwise.
fn reply(g: &mut Generator<'_>, b: &mut Body, call: &Call<'_>, result: u32) -> Result<(), EmitError> {
    let (begin, fail) = (g.helper(Helper::Begin), g.helper(Helper::Fail));
    let bytes = g.places.error.cast_signed();
    let at = b.i32();
    b.ins().i32_const(bytes).i32_load(mem(0)).local_tee(at);
    b.ins().i32_const(bytes).i32_load(mem(4)).call(begin);
    if let Some(shape) = call.result {
        let decode = g.routine(Routine::Decode(shape));
        b.ins().local_get(at).local_get(result).call(decode).local_tee(at).i32_eqz().br_if(0);
    }
    b.ins().local_get(at).global_get(Global::End as u32).i32_ne().if_(BlockType::Empty);
    b.ins().i32_const(Fault::Trailing as i32).local_get(at).call(fail).drop().br(1).end();
    if call.core.indirect_result {
        b.ins().local_get(result);
    } else if let Some(shape) = call.result {
        let slots = fresh(b, &call.core.results);
        transfer(g, b, shape, &slots, At { base: result, offset: 0 }, Direction::FromMemory)?;
        for slot in slots {
            b.ins().local_get(slot.local);
        }
    }
    end_call(b);
    b.ins().return_();
    Ok(())
}

/// Puts the error of the call where the function has room for it, or traps.
fn failure(
    g: &mut Generator<'_>,
    b: &mut Body,
    call: &Call<'_>,
    (result, room): (u32, Room),
    case_names: u32,
) -> Result<(), EmitError> {
    if room == Room::None || !call.core.indirect_result {
        b.ins().unreachable();
        return Ok(());
    }
    let (payload, error_shape) = case_place(g, call.result, 1)?;
    b.ins().local_get(result).i32_const(1).i32_store8(mem(0));
    match room {
        Room::Case { index, optional } => {
            let tag = variant_tag(g, error_shape)?;
            store_tag(b, result, payload, tag, index);
            let (mut offset, text) = case_place(g, error_shape, index)?;
            offset += payload;
            if optional {
                b.ins().local_get(result).i32_const(1).i32_store8(mem(offset));
                offset += case_place(g, text, 1)?.0;
            }
            say(g, b, (result, offset), case_names);
        }
        Room::Text => say(g, b, (result, payload), case_names),
        Room::RpcError | Room::None => {
            b.ins().local_get(result).i32_const(payload.cast_signed()).i32_add();
            b.ins().i32_const(g.places.error.cast_signed()).i32_const(g.error.size.cast_signed());
            b.ins().memory_copy(0, 0);
        }
    }
    end_call(b);
    b.ins().local_get(result);
    Ok(())
}

fn say(g: &mut Generator<'_>, b: &mut Body, (base, offset): (u32, u32), case_names: u32) {
    let say = g.helper(Helper::Say);
    b.ins().i32_const(g.places.error.cast_signed());
    b.ins().local_get(base).i32_const(offset.cast_signed()).i32_add();
    b.ins().i32_const(case_names.cast_signed()).call(say);
}

/// Offset and shape of the payload of one case of a variant.
fn case_place(g: &Generator<'_>, variant: Option<ShapeId>, index: u32) -> Result<(u32, Option<ShapeId>), EmitError> {
    let lost = EmitError::Inconsistent { what: "place for a failure" };
    let Some(id) = variant else { return Err(lost) };
    let Kind::Variant { payload, cases, .. } = g.shape(id)?.kind else {
        return Err(lost);
    };
    let case = (0..).zip(cases).find(|(at, _)| *at == index).and_then(|(_, case)| case);
    Ok((payload, case))
}

fn variant_tag(g: &Generator<'_>, variant: Option<ShapeId>) -> Result<u32, EmitError> {
    match variant.map(|id| g.shape(id)).transpose()?.map(|shape| shape.kind) {
        Some(Kind::Variant { tag, .. }) => Ok(tag),
        _ => Err(EmitError::Inconsistent { what: "place for a failure" }),
    }
}

fn store_tag(b: &mut Body, base: u32, offset: u32, tag: u32, index: u32) {
    b.ins().local_get(base).i32_const(index.cast_signed());
    match tag {
        1 => b.ins().i32_store8(mem(offset)),
        2 => b.ins().i32_store16(mem(offset)),
        _ => b.ins().i32_store(mem(offset)),
    };
}
