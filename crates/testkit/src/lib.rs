//! What tests of several crates share: running applications and their callers, generated types and values.
//!
//! No crate depends on it outside its tests. Start reading at [`application`] or [`values`].

pub mod adapters;
pub mod application;
pub mod caller;
pub mod counting;
pub mod generators;
pub mod http;
pub mod lattice;
pub mod log;
pub mod record;
pub mod values;
pub mod versions;
pub mod wit;
