//! Each check of the tidiness of this project, shown to fail on a bad text; and the project itself, which passes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failed test may panic")]

mod contracts;
mod dependencies;
mod documents;
mod edges;
mod guests;
mod limits;
mod manifests;
mod project;
mod sources;
mod task;
