//! Tests of `model` through its public face.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod chains;
mod contract;
mod destinations;
mod host_file;
mod manifest;
mod names;
mod origins;
mod planted;
mod secret;
mod trace;
