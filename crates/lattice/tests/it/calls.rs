//! Calls between hosts, on both buses.

mod failing;
mod hostile;
mod large;
mod pacing;
mod process;
mod scene;
mod stopping;
mod whole;
mod window;
