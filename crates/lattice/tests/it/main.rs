//! The bus and the envelope of calls, through their public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, clippy::indexing_slicing)]

mod authority;
mod bus;
mod call;
mod calls;
mod chunk;
mod connect;
mod document;
mod golden;
mod objects;
mod planted;
mod pulse;
mod secrets;
mod store;
mod stream;
mod subject;
mod twin;
