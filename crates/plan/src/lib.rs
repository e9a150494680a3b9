//! The planner: `plan(intent, previous, inventory)` decides what runs, `check` judges any such decision, `explain`
//! says why.
//!
//! All of it is pure: plain values in, plain values out, in the same order on every host. This crate must not know
//! NATS, wasm, WIT text, time or randomness.
//!
//! Start reading at [`plan()`], which tells the story in one function; then `choose.rs` (which link serves which
//! import), `resolve.rs` (who answers), `fuse.rs` and `composite.rs` (what becomes one component). `check.rs` shares
//! no code with those: it derives from the intent what a blueprint must hold.
//!
//! Tests are in `tests/it`: manifests as scripts with their plans as snapshots, a snapshot of every problem and
//! warning, generated intents whose plans pass `check`, and corrupted blueprints that do not.

mod adapters;
mod check;
mod choose;
mod composite;
mod explain;
mod findings;
mod fuse;
mod grants;
mod intent;
mod planning;
mod problem;
mod resolve;
mod routes;
mod suggest;
mod supply;
mod unlinked;

pub use check::{Breach, Violation, check};
pub use explain::{LinkExplanation, explain};
pub use grants::grants_matter_for;
pub use intent::{AdapterPair, GivenAdapter, Intent, Inventory, Offer, State};
pub use planning::{Plan, plan};
pub use problem::{Candidate, Caution, Consumer, Fault, Misfit, Place, Problem, Side, Warning, Who};
