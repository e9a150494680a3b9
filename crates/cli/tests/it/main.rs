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
mod add;
mod build;
mod call;
mod command;
mod compose;
mod context;
mod documents;
mod errors;
mod help;
mod host;
mod hostile;
mod inspect;
mod lath;
mod lattice;
mod lattice_bridge;
mod lattice_examples;
mod lattice_failure;
mod lattice_idle;
mod lattice_outside;
mod lattice_patch;
mod lattice_platform;
mod lattice_scale;
mod lattice_streams;
mod lattice_support;
mod lattice_tap;
mod new;
mod observe;
mod operate;
mod plan;
mod record;
mod run;
mod run_patch;
mod secret;
mod tls;
mod wit;
