//! The planner: `plan(intent, previous, inventory)` decides what runs, `check` judges any such decision, `explain`
//! says why; `placement::place` decides where it runs, and `placement::check_placement` judges that.
//!
//! All of it is pure: plain values in, plain values out, in the same order on every host. This crate must not know
//! NATS, wasm, WIT text, time or randomness.
//!
//! Start reading at [`plan()`], which tells the story in one function; then `choose.rs` (which link serves which
//! import), `resolve.rs` (who answers), `fuse.rs` and `composite.rs` (what becomes one component). `check.rs` shares
//! no code with those: it derives from the intent what a blueprint must hold. Where things run begins at [`placement`],
//! with [`placement::demand()`] as the bridge between the two.
//!
//! Tests are in `tests/it`: manifests as scripts with their plans as snapshots, a snapshot of every problem and
//! warning, generated intents whose plans pass `check`, and corrupted blueprints that do not; for placement, scripts of what
//! happens to a lattice, random histories, corrupted placements, and the full size with `LATH_LONG=1`.

mod adapters;
mod chain;
mod check;
mod choose;
mod clients;
mod composite;
mod explain;
mod findings;
mod fuse;
mod grants;
mod intent;
mod layout;
pub mod limits;
mod native;
pub mod placement;
mod planning;
mod problem;
mod ready;
mod resolve;
mod routes;
mod substitutes;
mod suggest;
mod supply;
mod unlinked;

pub use check::{Breach, Violation, check};
pub use explain::{LinkExplanation, explain};
pub use grants::{Granted, granted_through};
pub use intent::{AdapterPair, GivenAdapter, Intent, Inventory, Offer, State, Substitute};
pub use planning::{Notes, Plan, plan};
pub use problem::{
    AdapterFault, Candidate, Caution, Consumer, Fault, Flaw, Misfit, Place, Problem, Tie, Unready, Warning, Who,
};
pub use substitutes::{Need, needs};
