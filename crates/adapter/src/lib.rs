//! Contracts out of WIT, and everything generated from them: senders, receivers, the codec, composition.
//!
//! A [`source::Source`] (WIT text or a component) yields [`model::contract::Contract`]s; [`generate::generate`] turns
//! a contract into an adapter; [`compose::compose`] links actors and adapters into one component. The codec
//! ([`codec`], over [`value`]s) is an independent second implementation of the payload encoding, used at the edges
//! for WAVE and JSON ([`text`]).
//!
//! This crate must not know files, networks, clocks or wasmtime: it compiles to wasm itself, so that the generator
//! can be patched like anything else.
//!
//! Tests are in `tests/it`: adapters run in the engine against the codec on generated contracts and values, golden
//! bytes for each type, tables of malformed bytes, the corpus of published WIT.

mod canonical;
pub mod codec;
pub mod compose;
pub mod emit;
pub mod generate;
pub mod generator;
pub mod inspect;
pub mod limits;
pub mod source;
pub mod text;
pub mod value;
pub mod verify;
pub mod view;
