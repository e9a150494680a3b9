//! Taps: live messages of an application, told to whoever asks for them.
//!
//! Whoever wants to hear publishes a wish on the bus, again and again; a host that runs something of the application publishes
//! its messages, decoded by contract, while a wish stands. Nobody who does not ask costs a message more than a look at an
//! atomic. What is told is bounded: so many messages a second, the rest is counted. The servers see to it that only operators
//! and the application's deployers ask and hear (`docs/AUTHORITY.md`).
//!
//! A message is told by the host that sends it; one that comes from no actor (by HTTP, from a client) by the host that takes it.

mod ear;
mod line;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::Ear;
use lattice::bus::{Bus, BusError, Message};
use lattice::subject::Subjects;
use model::blueprint::CompositePlan;
use model::ids::{ActorName, AppName, HostName};
use tokio::task::AbortHandle;

pub use self::line::{Answered, Tapped, TappedError};

use self::ear::ActorEar;
use crate::limits::{TAP_LEASE, TAP_MESSAGES_PER_S_MAX, TAPS_MAX};

/// What a host is asked to tell. Cheap to clone.
#[derive(Clone)]
pub struct Taps(Arc<Inner>);

struct Inner {
    bus: Arc<dyn Bus>,
    subjects: Subjects,
    host: HostName,
    /// False where nobody listens, or nobody has for a while.
    listens: AtomicBool,
    wishes: Mutex<Wishes>,
}

struct Wishes {
    /// Whose messages are wanted, of an application or of one actor, and how long.
    until: BTreeMap<(AppName, Option<ActorName>), Instant>,
    /// What was told since then.
    second: Instant,
    told: u32,
    /// What was not told since something last was, by application.
    dropped: BTreeMap<AppName, u64>,
}

impl Taps {
    /// Tells on `bus`, as `host`, what it is asked for.
    pub fn new(bus: Arc<dyn Bus>, subjects: Subjects, host: HostName) -> Self {
        let wishes = Wishes { until: BTreeMap::new(), second: Instant::now(), told: 0, dropped: BTreeMap::new() };
        Self(Arc::new(Inner { bus, subjects, host, listens: AtomicBool::new(false), wishes: Mutex::new(wishes) }))
    }

    /// Hears who wants to listen, as long as there is a bus.
    ///
    /// # Errors
    ///
    /// The bus takes no subscription.
    pub async fn attend(&self) -> Result<AbortHandle, BusError> {
        let (taps, mut asked) = (self.clone(), self.0.bus.subscribe(self.0.subjects.taps()).await?);
        let attending = tokio::spawn(async move {
            while let Some(message) = asked.next().await {
                if let Some((application, actor)) = taps.0.subjects.read_tap(&message.subject) {
                    taps.wish(application, actor, Instant::now());
                }
            }
        });
        Ok(attending.abort_handle())
    }

    /// What hears the messages of an actor's composite.
    pub fn ear(&self, application: &AppName, actor: &ActorName, plan: &CompositePlan) -> Arc<dyn Ear> {
        Arc::new(ActorEar::new(self.clone(), application, actor, plan))
    }

    /// About how many applications and actors somebody asks.
    pub fn wishes(&self) -> usize {
        self.0.wishes().until.len()
    }

    /// Somebody wants to hear for another while.
    fn wish(&self, application: AppName, actor: Option<ActorName>, now: Instant) {
        let mut wishes = self.0.wishes();
        wishes.until.retain(|_, until| *until > now);
        let wish = (application, actor);
        if wishes.until.len() < TAPS_MAX || wishes.until.contains_key(&wish) {
            wishes.until.insert(wish, now + TAP_LEASE);
            self.0.listens.store(true, Ordering::Relaxed);
        }
    }

    fn listens(&self) -> bool {
        self.0.listens.load(Ordering::Relaxed)
    }

    /// Whether a message between these two is to be told now: how many were not told before it.
    fn admit(&self, application: &AppName, parties: [Option<&str>; 2], now: Instant) -> Option<u64> {
        let mut wishes = self.0.wishes();
        wishes.until.retain(|_, until| *until > now);
        if wishes.until.is_empty() {
            self.0.listens.store(false, Ordering::Relaxed);
            wishes.dropped.clear();
            return None;
        }
        let concerns = |actor: &Option<ActorName>| {
            actor.as_ref().is_none_or(|actor| parties.iter().flatten().any(|party| *party == actor.as_str()))
        };
        let is_wanted = wishes.until.keys().any(|(wanted, actor)| wanted == application && concerns(actor));
        if !is_wanted {
            return None;
        }
        if now.saturating_duration_since(wishes.second) >= Duration::from_secs(1) {
            (wishes.second, wishes.told) = (now, 0);
        }
        if wishes.told >= TAP_MESSAGES_PER_S_MAX {
            *wishes.dropped.entry(application.clone()).or_default() += 1;
            return None;
        }
        wishes.told += 1;
        Some(wishes.dropped.remove(application).unwrap_or_default())
    }

    /// Tells a message. What the bus does not take is counted as well.
    fn tell(&self, application: &AppName, tapped: &Tapped) {
        let message = Message::new(self.0.subjects.tapped(application, &self.0.host), tapped.encode());
        if self.0.bus.publish(message).is_err() {
            *self.0.wishes().dropped.entry(application.clone()).or_default() += tapped.dropped.saturating_add(1);
        }
    }
}

impl Inner {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Taps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taps of {}", self.0.host)
    }
}

/// Asks for the messages of an application, or of one actor of it, for [`TAP_LEASE`] from now on.
///
/// # Errors
///
/// The bus does not take it.
pub fn ask(
    bus: &dyn Bus,
    subjects: &Subjects,
    application: &AppName,
    actor: Option<&ActorName>,
) -> Result<(), BusError> {
    bus.publish(Message::new(subjects.tap(application, actor), Vec::new()))
}
