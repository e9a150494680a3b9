//! `up`, `down`, `status`, `plan`, `rollback` and `drain` over a real NATS server; in `commands` the test plays the
//! hosts, in `processes` they are real.

mod canary;
mod commands;
mod hosts;
mod patching;
mod processes;
mod tapping;
mod watching;
