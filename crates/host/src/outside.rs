//! Programs outside the lattice, which speak JSON over NATS: clients that call actors, and processes that serve
//! contracts. docs/OUTSIDERS.md is their side of it.
//!
//! [`json`] and [`grant`] are pure: what a message means by the contract, and whether it is allowed. [`gateway`] takes
//! the calls of clients; [`processes`] knows who serves contracts, and the router calls them.

pub mod gateway;
pub mod grant;
pub mod json;
pub mod processes;
