//! Real servers and injected faults, for tests: NATS servers, a Redis server, a proxy that spoils a connection, processes that are
//! frozen and killed.
//!
//! This crate must not know Lath: the tests of every crate may use it. No crate depends on it outside its tests.
//! Start reading at [`nats::Server`]. Everything ends with the value that stands for it, and every wait has a deadline;
//! what went wrong carries the last lines of the log. Tests are in `tests/it`.

pub mod nats;
pub mod planted;
pub mod process;
pub mod proxy;
pub mod redis;

mod http;
mod ports;
