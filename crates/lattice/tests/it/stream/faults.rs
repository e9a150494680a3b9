//! Streamed calls over a bus that loses, doubles, delays and reorders messages, by a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use lattice::bus::{Bus, BusError, Message, Subscription};
use lattice::memory::MemoryBus;
use lattice::stream::{Frame, Outgoing};
use lattice::subject::{Subject, Token};
use tokio::sync::watch;

use super::scene::{Scene, rest};

/// What goes wrong, of a thousand messages each.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    lost: u64,
    doubled: u64,
    delayed: u64,
}

/// A connection on which messages of streamed calls go wrong.
struct Faulty {
    inner: Arc<MemoryBus>,
    faults: Faults,
    seed: Mutex<u64>,
    spoiled: Arc<AtomicU64>,
}

impl Faulty {
    /// SplitMix64.
    fn random(&self) -> u64 {
        let mut seed = self.seed.lock().unwrap();
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn happens(&self, of_thousand: u64) -> bool {
        let happens = self.random() % 1000 < of_thousand;
        self.spoiled.fetch_add(u64::from(happens), Ordering::SeqCst);
        happens
    }
}

impl Bus for Faulty {
    fn publish(&self, message: Message) -> Result<(), BusError> {
        if message.subject.as_str().ends_with(".echo") {
            return self.inner.publish(message);
        }
        if self.happens(self.faults.lost) {
            return Ok(());
        }
        if self.happens(self.faults.doubled) {
            self.inner.publish(message.clone())?;
        }
        if self.happens(self.faults.delayed) {
            let (inner, pause) = (self.inner.clone(), Duration::from_millis(self.random() % 3_000));
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                drop(inner.publish(message));
            });
            return Ok(());
        }
        self.inner.publish(message)
    }

    fn subscribe(&self, pattern: Subject) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.inner.subscribe(pattern)
    }

    fn subscribe_group(&self, pattern: Subject, group: Token) -> BoxFuture<'_, Result<Subscription, BusError>> {
        self.inner.subscribe_group(pattern, group)
    }

    fn payload_max(&self) -> usize {
        self.inner.payload_max()
    }

    fn flush(&self, deadline: Instant) -> BoxFuture<'_, Result<(), BusError>> {
        self.inner.flush(deadline)
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.inner.connected()
    }
}

/// One call with a body of half a MiB both ways; whether it came whole, and how many messages went wrong.
async fn run(seed: u64, faults: Faults) -> (bool, u64) {
    let (bus, spoiled) = (MemoryBus::new(), Arc::new(AtomicU64::new(0)));
    let join = |salt: u64| -> Arc<dyn Bus> {
        let (inner, seed) = (Arc::new(bus.join()), Mutex::new(seed.wrapping_mul(2) + salt));
        Arc::new(Faulty { inner, faults, seed, spoiled: spoiled.clone() })
    };
    let scene = Scene::over(join(0), join(1)).await;
    let frames: Vec<Bytes> = (0..64_u8).map(|at| vec![at; 128 * usize::from(at)].into()).collect();
    let body =
        Outgoing::new(futures_util::stream::iter(frames.clone().into_iter().map(|frame| Ok(Frame::Data(frame)))));
    let begun = tokio::time::Instant::now();
    let whole = match scene.open("echo", body).await {
        Err(_) => false,
        Ok(mut answer) => {
            let (bytes, _, broken) = rest(&mut answer.body).await;
            assert!(frames.concat().starts_with(&bytes), "seed {seed}: what came is not what was sent");
            assert!(broken.is_some() || bytes == frames.concat(), "seed {seed}: what was cut off looks whole");
            broken.is_none()
        }
    };
    // Nothing stays: not at the caller, and at the callee no longer than it takes to notice the silence.
    while scene.server.stats().running > 0 || scene.caller.stats().streams > 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "seed {seed}: {:?}", scene.server.stats());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (whole, spoiled.load(Ordering::SeqCst))
}

/// Each seed on a clock of its own, which jumps ahead where nothing else is to do.
fn seeds(faults: Faults) -> (usize, usize) {
    let count = if std::env::var_os("LATH_LONG").is_some() { 2_000 } else { 60 };
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..count {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (is_whole, spoiled) = runtime.block_on(run(seed, faults));
        assert!(is_whole || spoiled > 0, "seed {seed}: it failed though nothing went wrong");
        *(if is_whole { &mut whole } else { &mut broken }) += 1;
    }
    (whole, broken)
}

#[test]
fn lost_messages_are_noticed() {
    let (whole, broken) = seeds(Faults { lost: 40, ..Faults::default() });
    assert!(whole > 0 && broken > 0, "{whole} {broken}");
}

#[test]
fn doubled_messages_are_noticed() {
    let (whole, broken) = seeds(Faults { doubled: 40, ..Faults::default() });
    assert!(whole > 0 && broken > 0, "{whole} {broken}");
}

#[test]
fn late_messages_are_noticed() {
    let (whole, broken) = seeds(Faults { delayed: 40, ..Faults::default() });
    assert!(whole > 0 && broken > 0, "{whole} {broken}");
}

#[test]
fn all_at_once_is_no_worse() {
    let (_, broken) = seeds(Faults { lost: 20, doubled: 20, delayed: 20 });
    assert!(broken > 0);
}
