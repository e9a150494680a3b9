//! What operators do to a lattice, over its twin in memory.

mod bounds;
mod collecting;
mod deploying;
mod draining;
mod lattice_world;
mod patching;
mod platform;
mod previewing;
mod routes;
mod telling;
mod waiting;
