//! Behaviour of providers and of the ingress, through their public faces.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::unreachable,
    reason = "a test may fail in any way that is loud"
)]

mod bucket;
mod client;
mod counters;
mod drain;
mod durability;
mod files;
mod hostile;
mod hostile_servers;
mod http1;
mod http2;
mod http_limits;
mod kinds;
mod logs;
mod native;
mod outgoing;
mod plain;
mod process;
mod routes;
mod server;
mod services;
mod shared;
mod stores;
mod streamed;
mod tls;
mod traces;
mod trouble;
mod typed;
