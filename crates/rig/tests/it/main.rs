//! Servers, faults and processes through their public face.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test may panic")]

mod nats;
mod process;
mod proxy;
