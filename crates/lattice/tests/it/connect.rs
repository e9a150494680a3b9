//! Connections: what is found at the other end, and what is said where there is none.

mod errors;
mod found;
mod place;
