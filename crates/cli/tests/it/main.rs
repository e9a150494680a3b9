//! The binary, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod adapter;
mod call;
mod compose;
mod documents;
mod errors;
mod help;
mod inspect;
mod lath;
mod plan;
mod run;
mod wit;
