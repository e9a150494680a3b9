//! Branching on a case index.

use wasm_encoder::BlockType;

use super::error::EmitError;
use super::module::{Body, to_u32};
use super::shape::ShapeId;

/// Runs `arm` for the case in local `index` when that case has a payload.
pub(super) fn switch(
    b: &mut Body,
    index: u32,
    cases: &[Option<ShapeId>],
    mut arm: impl FnMut(&mut Body, ShapeId) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let payloads: Vec<(usize, ShapeId)> =
        cases.iter().enumerate().filter_map(|(at, case)| case.map(|shape| (at, shape))).collect();
    let [(only, shape)] = payloads.as_slice() else {
        return table(b, index, cases, arm);
    };
    b.ins().local_get(index).i32_const(to_u32(*only).cast_signed()).i32_eq().if_(BlockType::Empty);
    arm(b, *shape)?;
    b.ins().end();
    Ok(())
}

/// Nested blocks, one for each payload; leaving the n-th innermost one starts the n-th arm.
fn table(
    b: &mut Body,
    index: u32,
    cases: &[Option<ShapeId>],
    mut arm: impl FnMut(&mut Body, ShapeId) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let payloads: Vec<ShapeId> = cases.iter().flatten().copied().collect();
    let count = to_u32(payloads.len());
    if count == 0 {
        return Ok(());
    }
    // The outermost block is the way out.
    for _ in 0..=count {
        b.ins().block(BlockType::Empty);
    }
    let mut next = 0;
    let targets: Vec<u32> = cases
        .iter()
        .map(|case| match case {
            Some(_) => {
                next += 1;
                next - 1
            }
            None => count,
        })
        .collect();
    b.ins().local_get(index).br_table(targets, count).end();
    for (done, shape) in (1..).zip(payloads) {
        arm(b, shape)?;
        b.ins().br(count - done).end();
    }
    Ok(())
}
