//! Whether this process, a host or a provider, has been awake: one that was frozen must not run calls that waited in its
//! buffers while it slept.
//!
//! A thread of its own stamps the time every [`PULSE_INTERVAL`]. A stamp older than [`GAP_MAX`] means that the process
//! stands still, or just woke up; so does a gap that the thread finds in its own ticks. After a gap the process is in
//! *quarantine*: it admits no calls until whoever watches [`Pulse::gaps`] has rejoined the lattice and calls
//! [`Pulse::release`].
//!
//! The same thread drives what must never wait for anything else: beats, and the detector of silent hosts.
//!
//! [`PULSE_INTERVAL`]: crate::limits::PULSE_INTERVAL
//! [`GAP_MAX`]: crate::limits::GAP_MAX

mod stamp;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::failure::{Failure, RpcError};
use tokio::sync::watch;

pub use self::stamp::{Gap, Stamp};

use crate::limits::{GAP_MAX, PULSE_INTERVAL};

/// What the thread does at each tick, besides its stamp: every [`PULSE_INTERVAL`]. It must not block.
pub type Tick = Box<dyn FnMut(Instant) + Send>;

/// The pulse of this process. Its thread ends when this is dropped.
pub struct Pulse {
    stamp: Arc<Stamp>,
    gaps: watch::Receiver<u64>,
    awake: watch::Sender<bool>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Starts the thread. The process begins in quarantine, as after a gap, unless it is `free`: nothing can
    /// have waited for it.
    ///
    /// # Errors
    ///
    /// Where the system gives no thread.
    pub fn start(free: bool, tick: Tick) -> io::Result<Self> {
        let stamp = Arc::new(Stamp::new(Instant::now(), free));
        let (found, gaps) = watch::channel(stamp.gaps());
        let (stop, stopped) = sync_channel::<()>(1);
        let awake = watch::Sender::new(free);
        let (ticking, asleep) = (stamp.clone(), awake.clone());
        let thread = std::thread::Builder::new().name("pulse".to_owned()).spawn(move || {
            let mut tick = tick;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PULSE_INTERVAL) {
                let now = Instant::now();
                if let Some(gap) = ticking.beat(now) {
                    tracing::warn!(gap = ?gap.length, "this process stood still: it takes no calls until it has rejoined");
                    asleep.send_replace(false);
                    found.send_replace(gap.number);
                }
                tick(now);
            }
        })?;
        Ok(Self { stamp, gaps, awake, stop: Some(stop), thread: Some(thread) })
    }

    /// Lets a call in, or says why it may not start.
    ///
    /// # Errors
    ///
    /// `transport`, not started, while the process stands still or is in quarantine.
    pub fn admits(&self) -> Result<(), Failure> {
        self.stamp.admits(Instant::now())
    }

    /// The stamp alone, for whoever admits calls.
    pub fn stamp(&self) -> Arc<Stamp> {
        self.stamp.clone()
    }

    /// The number of the last gap; changes with each. A receiver that is slow sees the last one only, which is the one
    /// that counts.
    pub fn gaps(&self) -> watch::Receiver<u64> {
        self.gaps.clone()
    }

    /// False from each gap on until the process has rejoined after it. Calls are judged by [`Pulse::admits`] alone, which
    /// knows of a gap sooner; this is for those who leave what brings them calls, and come back to it.
    pub fn awake(&self) -> watch::Receiver<bool> {
        self.awake.subscribe()
    }

    /// The process has rejoined after gap `number`. False where there was another gap since: it must rejoin once more.
    pub fn release(&self, number: u64) -> bool {
        let released = self.stamp.release(number);
        // The stamp is looked at within: a gap that is found meanwhile is told after this, or seen here.
        self.awake.send_modify(|awake| *awake = !self.stamp.is_quarantined());
        released
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the pulse ended by a panic");
        }
    }
}

/// Something to be done each `every`, driven by ticks: after a gap it is done once, not for each time that was missed.
#[derive(Debug)]
pub struct Every {
    every: Duration,
    next: Instant,
}

impl Every {
    /// First at `from`.
    pub fn new(every: Duration, from: Instant) -> Self {
        Self { every, next: from }
    }

    /// True where it is time.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            let next = self.next + self.every;
            self.next = if next > now { next } else { now + self.every };
        }
        due
    }
}

fn asleep() -> Failure {
    let text = format!("the process stood still for more than {} s; call another", GAP_MAX.as_secs());
    Failure::not_started(RpcError::Transport(text))
}

fn quarantined() -> Failure {
    let text = "the process has not rejoined the lattice since it stood still; call another";
    Failure::not_started(RpcError::Transport(text.to_owned()))
}
