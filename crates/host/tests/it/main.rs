//! The host through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub, reason = "a test binary has no public face")]

mod actor_limits;
mod application;
mod article;
mod authority_of_calls;
mod bridge;
mod building;
mod bus;
mod chains;
mod chains_apart;
mod control;
mod deriving;
mod doors;
mod drain;
mod examples;
mod exchange;
mod executor;
mod faults;
mod generator;
mod health;
mod hosts;
mod json_adapters;
mod keyvalue;
mod kvcounter;
mod lattice_hosts;
mod leaks;
mod logs;
mod middleware;
mod node;
mod operate;
mod outsiders;
mod retries;
mod routing;
mod scene;
mod secrets;
mod settings;
mod shop;
mod simulation;
mod telemetry;
mod toolchains;
mod two_stores;
mod wasi_http;
mod wires;
mod world;
