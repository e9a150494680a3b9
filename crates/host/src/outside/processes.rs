//! Providers that are processes of their own: which there are, and which of them a call goes to.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lattice::bus::Message;
use lattice::calls::{Callee, Caller};
use lattice::limits::ANNOUNCEMENT_LIFE;
use lattice::process::Announcement;
use lattice::subject::{Subject, Subjects, Token};
use model::contract::ContractName;
use model::ids::{AppName, HostName, ProviderName};

use crate::limits::{PROCESSES_MAX, PROVIDERS_MAX};

/// The processes that this host has heard of. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Processes(Arc<Inner>);

struct Inner {
    host: HostName,
    caller: Caller,
    subjects: Subjects,
    known: Mutex<Known>,
    random: RandomState,
}

type Known = BTreeMap<(AppName, ProviderName), BTreeMap<Token, Heard>>;

/// A process as it was last heard.
struct Heard {
    announcement: Arc<Announcement>,
    at: Instant,
    /// When a call last found it silent.
    missed: Option<Instant>,
    /// Calls of this host that wait for it.
    waiting: Arc<AtomicUsize>,
}

/// A process that a call goes to; it counts as waiting for as long as this lives.
pub(crate) struct Chosen {
    pub(crate) instance: Token,
    pub(crate) announcement: Arc<Announcement>,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Processes {
    /// Nobody has been heard yet. Calls of `host` go through `caller`.
    pub fn new(host: HostName, caller: Caller, subjects: Subjects) -> Self {
        Self(Arc::new(Inner { host, caller, subjects, known: Mutex::default(), random: RandomState::new() }))
    }

    /// A message on [`Subjects::provider_beats`]. One that is no announcement is logged and dropped.
    pub fn hear(&self, message: &Message, now: Instant) {
        let Some((application, provider, instance)) = self.0.subjects.read_provider_beat(&message.subject) else {
            return;
        };
        match Announcement::from_message(message) {
            Ok(announcement) => self.take(application, provider, instance, announcement, now),
            Err(error) => {
                tracing::warn!(%application, %provider, %instance, %error, "a provider's process is not heard");
            }
        }
    }

    fn take(
        &self,
        application: AppName,
        provider: ProviderName,
        instance: Token,
        announcement: Announcement,
        now: Instant,
    ) {
        let mut known = self.known();
        let is_new = !known.contains_key(&(application.clone(), provider.clone()));
        if is_new && known.len() >= PROVIDERS_MAX {
            known.retain(|_, processes| processes.values().any(|heard| heard.is_alive(now)));
        }
        if is_new && (announcement.leaving || known.len() >= PROVIDERS_MAX) {
            return;
        }
        let processes = known.entry((application, provider)).or_default();
        if announcement.leaving {
            processes.remove(&instance);
        } else if let Some(heard) = processes.get_mut(&instance) {
            heard.at = now;
            if *heard.announcement != announcement {
                heard.announcement = Arc::new(announcement);
            }
        } else {
            if processes.len() >= PROCESSES_MAX {
                processes.retain(|_, heard| heard.is_alive(now));
            }
            if processes.len() >= PROCESSES_MAX {
                tracing::debug!(%instance, "{PROCESSES_MAX} processes of its provider are known already: it is not heard");
                return;
            }
            let heard = Heard { announcement: Arc::new(announcement), at: now, missed: None, waiting: Arc::default() };
            processes.insert(instance, heard);
        }
    }

    /// A process that answers `contract`, none of `failed`: of two at random the one with fewer calls waiting, those that
    /// were silent of late last.
    pub(crate) fn choose(
        &self,
        provider: &(AppName, ProviderName),
        contract: &ContractName,
        failed: &[Token],
        now: Instant,
    ) -> Option<Chosen> {
        let known = self.known();
        let fit = known
            .get(provider)?
            .iter()
            .filter(|(instance, heard)| heard.is_fit(contract, now) && !failed.contains(instance));
        let (missed, good): (Vec<_>, Vec<_>) = fit.partition(|(_, heard)| heard.is_missed(now));
        let candidates = if good.is_empty() { missed } else { good };
        let count = u64::try_from(candidates.len()).ok().filter(|count| *count > 0)?;
        let at = |number: u64| candidates.get(usize::try_from(number % count).unwrap_or_default());
        let seed = self.0.random.hash_one(now);
        let pair = [at(seed), at((seed % count) + 1 + (seed >> 32) % count.saturating_sub(1).max(1))];
        let (instance, heard) =
            pair.into_iter().flatten().min_by_key(|(_, heard)| heard.waiting.load(Ordering::Relaxed))?;
        heard.waiting.fetch_add(1, Ordering::Relaxed);
        Some(Chosen {
            instance: (*instance).clone(),
            announcement: Arc::clone(&heard.announcement),
            waiting: Arc::clone(&heard.waiting),
        })
    }

    /// Whether a process that answers `contract` is left besides those of `failed`.
    pub(crate) fn has_other(
        &self,
        provider: &(AppName, ProviderName),
        contract: &ContractName,
        failed: &[Token],
        now: Instant,
    ) -> bool {
        self.known().get(provider).is_some_and(|processes| {
            processes.iter().any(|(instance, heard)| heard.is_fit(contract, now) && !failed.contains(instance))
        })
    }

    /// A call found this process silent.
    pub(crate) fn missed(&self, provider: &(AppName, ProviderName), instance: &Token, now: Instant) {
        if let Some(heard) = self.known().get_mut(provider).and_then(|processes| processes.get_mut(instance)) {
            heard.missed = Some(now);
        }
    }

    /// How many processes serve a provider.
    pub fn count(&self, application: &AppName, provider: &ProviderName, now: Instant) -> usize {
        let known = self.known();
        let processes = known.get(&(application.clone(), provider.clone()));
        processes.map_or(0, |processes| processes.values().filter(|heard| heard.is_alive(now)).count())
    }

    /// Where this host calls a process.
    pub(crate) fn subject(&self, (application, provider): &(AppName, ProviderName), instance: &Token) -> Subject {
        self.0.subjects.provider_call(application, provider, instance, &self.0.host)
    }

    /// The process, as whoever takes calls as hosts do.
    pub(crate) fn callee(&self, (application, provider): &(AppName, ProviderName), instance: &Token) -> Callee {
        let (application, provider, instance) = (application.clone(), provider.clone(), instance.clone());
        Callee::Process { application, provider, instance }
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0.caller
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change is of one entry: a map whose holder panicked is whole.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < ANNOUNCEMENT_LIFE
    }

    fn is_fit(&self, contract: &ContractName, now: Instant) -> bool {
        self.is_alive(now) && self.announcement.serves(contract)
    }

    fn is_missed(&self, now: Instant) -> bool {
        self.missed.is_some_and(|missed| now.saturating_duration_since(missed) < ANNOUNCEMENT_LIFE)
    }
}
