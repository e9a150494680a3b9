//! Control, one rule at a time: what follows from which event.

mod draining;
mod following;
mod lapsing;
mod planning;
mod presence;
mod rejoining;
mod scene;
mod unreadable;
