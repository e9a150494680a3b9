//! The host through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub, reason = "a test binary has no public face")]

mod actor_limits;
mod application;
mod article;
mod building;
mod bus;
mod chains;
mod drain;
mod faults;
mod json_adapters;
mod kvcounter;
mod leaks;
mod logs;
mod scene;
mod shop;
mod supervisor;
mod two_stores;
mod world;
