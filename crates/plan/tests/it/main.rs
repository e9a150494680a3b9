//! The planner through its public face.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value
)]

mod corrupted;
mod grants;
mod http;
mod middleware;
mod placement;
mod problems;
mod properties;
mod room;
mod scripts;
mod substitutes;
mod wires;
mod world;
