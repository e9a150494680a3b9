//! Generated adapters, run in wasmtime against host functions.

mod failure;
mod golden;
mod hostile;
mod limits;
mod refusals;
mod roundtrip;
mod support;
mod values;
