//! A host: runs an application's composites and providers, joins them by links, and serves them.
//!
//! [`application`] reads an application and plans it; [`Host::start`] runs it. Decisions about its life are the pure
//! function [`supervisor::step`]; `runtime` carries out its effects; `router` takes calls where their links lead.
//!
//! This crate must not know the terminal, and of the transport only the bus trait. Tests are in `tests/it`: the
//! supervisor as a script, applications of real components over HTTP and over the bus, faults and limits.

pub mod application;
mod bus;
mod host;
mod ingress;
mod inventory;
pub mod limits;
mod router;
mod runtime;
pub mod supervisor;

pub use host::{Host, HostError, HostSettings, HostStats, Loaded, Ready};
