//! Tests of `adapter` through its public face.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value
)]

mod codec;
mod compose;
mod corpus;
mod corpus_units;
mod differential;
mod differential_bytes;
mod differential_case;
mod differential_kinds;
mod differential_long;
mod differential_room;
mod emit;
mod source;
mod text_args;
mod text_json;
mod text_wave;
mod types;
mod verify;
