//! The bus that joins hosts and clients: subjects, messages, and the envelope of a call.
//!
//! [`bus::Bus`] is what the rest of Lath sees; [`memory::MemoryBus`] is its twin inside one process. [`call`] says how
//! a call and its answer are written as messages: metadata in headers, the value bytes as payload.
//!
//! This crate must not know wasmtime or OCI, nor what the payloads mean. Tests are in `tests/it`: the bus by its
//! behaviour, envelopes by round trips and by tables of broken ones.

pub mod bus;
pub mod call;
pub mod limits;
pub mod memory;
pub mod subject;
