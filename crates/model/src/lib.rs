//! The words of Lath as plain values: names, digests, limits, contracts, manifests, blueprints, failures.
//!
//! Every other crate speaks in these types. This crate must not know async, I/O, clocks, WIT text or wasm:
//! it holds what was parsed elsewhere and what others decide upon.
//!
//! Start reading at [`contract`] (what a component speaks), [`manifest`] (what a user asks for) and
//! [`blueprint`] (what hosts run). Tests are in `tests/it`: tables of good and bad names, snapshots of every
//! manifest error, properties of parsing.

pub mod blueprint;
pub mod contract;
pub mod destination;
pub mod digest;
pub mod failure;
pub mod folder;
pub mod ids;
pub mod limits;
pub mod manifest;
pub mod placement;
pub mod planted;
pub mod secret;
pub mod trace;
pub mod value;
pub mod view;
pub mod wire;

pub use manifest::host_file;
