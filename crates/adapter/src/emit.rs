//! Senders and receivers as WebAssembly, generated from a contract alone.
//!
//! [`emit`] takes a contract and writes a core module with `wasm-encoder`; `wit-component` wraps it. Every layout and
//! naming question goes to `wit-parser`. Start reading at `sender` or `receiver`; `encode` and `decode` write one
//! routine for each shape of value, `flat` knows the flat calling convention, `runtime` the helper functions.
//!
//! Equal contracts give equal bytes: nothing here depends on the order of hash maps, on time or on the platform.

mod decode;
mod encode;
mod error;
mod failure;
mod flat;
mod generator;
mod module;
mod receiver;
mod refuse;
mod runtime;
mod sender;
mod setup;
mod shape;
mod switch;
mod world;

use model::wire::WireVersion;
use wit_parser::{InterfaceId, Resolve};

pub use error::EmitError;
pub use failure::{Room, failure_room};
pub use model::wire::Side;
pub use world::{RPC_WIT, WASMBUS_WIT};

/// The custom section that holds an adapter's wire id: at the outer level of a generated one, in the core module of one
/// that a toolchain built.
pub const WIRE_SECTION: &str = "lath:wire";

/// Generates one adapter of a contract, for one version of the wire.
///
/// `resolve` should hold the contract and the interfaces whose types it uses, and nothing else, so that equal
/// contracts give equal bytes wherever they were read. The platform's own packages are added here.
///
/// # Errors
///
/// When the contract uses what no message can carry yet ([`EmitError::NotCovered`]), or is unfit for an adapter.
pub fn emit(resolve: &Resolve, contract: InterfaceId, side: Side, wire: WireVersion) -> Result<Vec<u8>, EmitError> {
    let name = refuse::check(resolve, contract)?;
    let world = world::World::new(resolve, contract, &name, side)?;
    let module = match side {
        Side::Sender => sender::module(&world, wire)?,
        Side::Receiver => receiver::module(&world, wire)?,
    };
    world.wrap(module, wire.id())
}
