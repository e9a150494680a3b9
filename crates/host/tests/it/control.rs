//! Control, one rule at a time: what follows from which event.

mod draining;
mod following;
mod going_back;
mod homes;
mod lapsing;
mod planning;
mod presence;
mod reckoning;
mod rejoining;
mod scene;
mod unreadable;
