//! A host: runs an application's composites and providers, joins them by links, and serves them.
//!
//! [`application`] reads an application and plans it; [`Host::start`] runs one by itself. [`executor`] runs whatever
//! parts of applications a host is given, by the pure function [`executor::state::step`]; `router` takes calls where
//! their links lead.
//!
//! This crate must not know the terminal, and of the transport only the bus trait. Tests are in `tests/it`: the
//! executor as a script, applications of real components over HTTP and over the bus, faults and limits.

pub mod application;
pub mod authority;
pub mod command;
pub mod config;
pub mod control;
pub mod exchange;
pub mod executor;
pub mod generator;
pub mod health;
mod host;
pub mod ingress;
mod inventory;
pub mod limits;
pub mod local;
pub mod node;
pub mod observe;
pub mod operate;
pub mod outside;
pub mod record;
pub mod replay;
pub mod retry;
pub mod router;
mod runtime;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod tap;
pub mod telemetry;

pub use executor::{LoadError, Loaded, Sources};
pub use host::{Host, HostError, HostSettings, HostStats, Ready};
