//! What passes between the instances of an actor and the world, as somebody writes it down or gives it again.
//!
//! An actor with [`ActorSettings::tapes`](crate::ActorSettings::tapes) asks for a [`Tape`] for each fresh instance. An
//! instance serves one call at a time and waits for each answer, so all that a tape is told is in one order, and with it
//! all that the instance does is determined. Without tapes the hooks are a look at an [`Option`].

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use model::failure::Failure;
use rand_core::TryRng;
use wasmtime_wasi::clocks::{MonotonicClock, WallClock};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, Rng, WasiCtxBuilder, thread_rng};

use crate::outbound::Outgoing;

/// Gives the tapes of an actor's instances.
pub trait Tapes: Debug + Send + Sync {
    /// A fresh instance is about to be made.
    fn instance(&self) -> Arc<dyn Tape>;
}

/// Sees what one instance does, and decides what clocks and random numbers it gets. It must not block.
pub trait Tape: Send + Sync {
    /// A call came in, by the receiver with this index.
    fn begins(&self, receiver: usize, method: &str, payload: &[u8]);

    /// The call that began last has ended.
    fn ends(&self, answer: Result<&[u8], &Failure>);

    /// The instance sends a message, by the sender with this index.
    fn sends(&self, sender: usize, message: &Outgoing);

    /// What came back for the message that was sent last.
    fn returns(&self, answer: Result<&[u8], &Failure>);

    /// What the wall clock shows the instance, since 1970, where it is really `now`.
    fn wall(&self, now: Duration) -> Duration;

    /// What the monotonic clock shows it, in nanoseconds since the instance first looked at the world, where it is really
    /// `now`.
    fn monotonic(&self, now: u64) -> u64;

    /// The random numbers that it gets; those in `bytes` are fresh.
    fn random(&self, kind: Randomness, bytes: &mut [u8]);
}

/// Which of its sources of random numbers an instance asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Randomness {
    /// `wasi:random/random`.
    Secure,
    /// `wasi:random/insecure`.
    Insecure,
    /// `wasi:random/insecure-seed`.
    Seed,
}

/// Gives the world of an instance the clocks and the random numbers of its tape.
pub(crate) fn furnish(world: &mut WasiCtxBuilder, tape: &Arc<dyn Tape>) {
    let random = |kind| TapedRandom { tape: Arc::clone(tape), kind, real: thread_rng() };
    let mut seed = [0; 16];
    random(Randomness::Seed).fill_bytes(&mut seed);
    world
        .wall_clock(TapedClock { tape: Arc::clone(tape), real: WallClock::new() })
        .monotonic_clock(TapedClock { tape: Arc::clone(tape), real: MonotonicClock::new() })
        .secure_random(random(Randomness::Secure))
        .insecure_random(random(Randomness::Insecure))
        .insecure_random_seed(u128::from_le_bytes(seed));
}

struct TapedClock<C> {
    tape: Arc<dyn Tape>,
    real: C,
}

impl<C: HostWallClock> HostWallClock for TapedClock<C> {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.tape.wall(self.real.now())
    }
}

impl<C: HostMonotonicClock> HostMonotonicClock for TapedClock<C> {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.tape.monotonic(self.real.now())
    }
}

struct TapedRandom {
    tape: Arc<dyn Tape>,
    kind: Randomness,
    real: Box<dyn Rng + Send>,
}

impl TryRng for TapedRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.real.fill_bytes(bytes);
        self.tape.random(self.kind, bytes);
        Ok(())
    }
}
