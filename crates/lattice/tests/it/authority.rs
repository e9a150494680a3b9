//! Authority against real servers: who may do what, and who is not let in at all.

mod deputy;
mod matrix;
mod outsider;
mod place;
mod raw;
mod refused;
mod server;
mod store;
mod tls;
mod tokens;
