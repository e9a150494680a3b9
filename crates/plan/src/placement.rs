//! Where things run: `place(demands, previous, hosts)` gives every application its hosts and moves only what must move.
//!
//! Start reading at [`demand()`] (what of an application must stand together, and where it may), then [`place()`] and
//! `settle.rs` (the hosts of one group). [`check_placement`] shares no code with those; [`unplaced()`] says why something
//! runs on fewer hosts than it asks for.

mod demand;
mod differences;
mod field;
mod groups;
mod host_view;
mod judge;
mod place;
mod reason;
mod rules;
mod settle;
mod state;
mod unplaced;

pub use demand::{Demand, Group, demand};
pub use differences::{Move, Moved, differences};
pub(crate) use groups::groups;
pub use host_view::{HostView, Ready};
pub use judge::{Misplacement, check_placement, check_share};
pub use place::place;
pub use reason::{Obstacle, Reason};
pub use unplaced::{Unplaced, unplaced};
