//! Who listens to the messages of an actor while it runs.

use std::fmt::Debug;
use std::time::Duration;

use model::failure::Failure;

/// Hears an actor's messages, once each has been answered. It must not block.
pub trait Ear: Debug + Send + Sync {
    /// Whether anybody listens now. It is asked for each message: a look at an atomic.
    fn listens(&self) -> bool;

    /// A message was answered. One whose caller gave up is not heard of.
    fn hears(&self, heard: Heard<'_>);
}

/// A message and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Which way it went.
    pub way: Way,
    /// The function.
    pub method: &'a str,
    /// Its encoded parameters.
    pub payload: &'a [u8],
    /// The encoded result.
    pub answer: Result<&'a [u8], &'a Failure>,
    /// How many calls waited for it.
    pub depth: u32,
    /// How long it took.
    pub elapsed: Duration,
}

/// The way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into the actor, by the receiver with this index.
    In(usize),
    /// Out of it, by the sender with this index.
    Out(usize),
}
