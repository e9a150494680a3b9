//! Tests of the engine through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub, reason = "a test binary has no public face")]

mod cache;
mod calls;
mod computations;
mod deadlines;
mod guest;
mod lifecycle;
mod limits;
mod linking;
mod logs;
mod scene;
mod scripts;
mod world;
