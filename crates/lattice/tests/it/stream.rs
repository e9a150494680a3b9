//! Streamed calls, on both buses.

mod bodies;
mod ends;
mod faults;
mod hostile;
mod parts;
mod scene;
