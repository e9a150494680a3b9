//! Connections: what is found at the other end, and what is said where there is none.

mod again;
mod errors;
mod found;
mod place;
