//! WAVE: parsed by `wasm-wave`, typed and written here, so that every type is covered and errors name their place.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;

use model::contract::Type;

/// True where `some` or `ok` may be left out around a value: not around another option or result.
fn may_stand_bare(inner: &Type) -> bool {
    !matches!(inner.shape(), Type::Option(_) | Type::Result { .. })
}
