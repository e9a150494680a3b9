//! The bus and the envelope of calls, through their public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, clippy::indexing_slicing)]

mod bus;
mod call;
mod subject;
