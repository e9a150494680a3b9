//! What joins the hosts of a lattice and their clients: messages, what is agreed and stored, and who may do what.
//!
//! [`bus::Bus`] carries messages; [`memory::MemoryBus`] is its twin inside one process. [`call`] says how a call and its
//! answer are written as messages: metadata in headers, the value bytes as payload. [`store::Buckets`] and
//! [`objects::Objects`] keep what hosts agree on, each with a twin inside one process; [`document`] says what is kept
//! there. [`connect::Connection`] reaches NATS for all of these; [`authority`] says who may do what there.
//!
//! [`calls`] makes and serves calls, [`pulse`] tells whether a process may serve any. [`secrets`] keeps values that hosts
//! alone can open.
//!
//! This crate must not know wasmtime or OCI, nor what the payloads mean. Tests are in `tests/it`: buses and stores by
//! their behaviour, each beside its twin, against real servers and injected faults; envelopes and documents by round
//! trips, golden bytes and tables of broken ones.

pub mod authority;
pub mod bus;
pub mod call;
pub mod calls;
pub mod chunk;
pub mod connect;
pub mod document;
pub mod limits;
pub mod memory;
pub mod nats;
pub mod objects;
pub mod process;
pub mod pulse;
pub mod secrets;
pub mod store;
pub mod stream;
pub mod subject;
