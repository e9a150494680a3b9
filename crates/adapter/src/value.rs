//! Dynamic values: what a payload holds once a contract's types have been applied to it.

pub(crate) mod memory;
pub(crate) mod misfit;
mod path;

pub use misfit::{Misfit, MisfitReason};
pub use model::value::Value;
pub(crate) use path::excerpt;
pub use path::{Segment, ValuePath};
