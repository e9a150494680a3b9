//! The table as all tasks of a host share it.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::ids::HostName;

use super::table::News;
use super::{Beat, Counts, Ejection, HostHealth, Outcome, Table, Wanted};

/// The health of hosts. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: Mutex<Table>,
    /// The randomness of choices: where it starts differs from host to host.
    seed: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(std::process::id()))
    }
}

impl Health {
    /// No hosts yet, and choices that `seed` decides.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Inner { table: Mutex::default(), seed: AtomicU64::new(seed) }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A beat was heard.
    pub fn beat(&self, beat: Beat) {
        let news = self.table().hear(beat, Instant::now());
        news.iter().for_each(report);
    }

    /// The bus tells that the connection of a host is gone.
    pub fn disconnected(&self, host: &HostName) {
        if self.table().disconnected(host) {
            report(&News::Ejected(host.clone(), Ejection::Disconnected));
        }
    }

    /// Ejects the hosts that have been silent for too long. To be called several times a second, from a thread that
    /// nothing else can hold up.
    pub fn sweep(&self) {
        let silent = self.table().sweep(Instant::now());
        silent.into_iter().for_each(|host| report(&News::Ejected(host, Ejection::Silent)));
    }

    /// This host did not listen until now: silence before is nobody's fault.
    pub fn excuse(&self) {
        self.table().excuse(Instant::now());
    }

    /// Chooses who of `candidates` is called, as [`Table::pick`] does.
    pub fn choose(&self, candidates: &BTreeSet<HostName>, failed: &[HostName], wanted: Wanted<'_>) -> Option<Chosen> {
        let seed = self.0.seed.fetch_add(2, Ordering::Relaxed);
        let now = Instant::now();
        let (host, tries) = self.table().pick(candidates, failed, wanted, seed, now)?;
        Some(Chosen { health: self.clone(), host, tries, begun: now, ended: false })
    }

    /// True where one of `candidates` that is none of `failed` could be chosen now.
    pub fn has_other(&self, candidates: &BTreeSet<HostName>, failed: &[HostName], wanted: Wanted<'_>) -> bool {
        self.table().has_other(candidates, failed, wanted, Instant::now())
    }

    /// True where the last that was heard of `host` is that it lives.
    pub fn is_live(&self, host: &HostName) -> bool {
        self.table().is_live(host)
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.table().counts()
    }

    /// What is known of each host.
    pub fn view(&self) -> Vec<HostHealth> {
        self.table().view(Instant::now())
    }
}

/// A host that a call goes to. Dropped without an end, the call was given up.
#[derive(Debug)]
pub struct Chosen {
    health: Health,
    host: HostName,
    tries: bool,
    begun: Instant,
    ended: bool,
}

impl Chosen {
    /// The host.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// The host answered, whatever it said.
    pub fn answered(mut self) {
        self.end(Outcome::Answered);
    }

    /// The host did not answer in time.
    pub fn missed(mut self) {
        let begun = self.begun;
        self.end(Outcome::Missed { begun });
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        if self.health.table().end(&self.host, self.tries, outcome, Instant::now()) {
            report(&News::Ejected(self.host.clone(), Ejection::Missed));
        }
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Outcome::Abandoned);
        }
    }
}

fn report(news: &News) {
    match news {
        News::Ejected(host, Ejection::Silent) => tracing::warn!(%host, "no beats: the host gets no calls"),
        News::Ejected(host, Ejection::Disconnected) => {
            tracing::warn!(%host, "its connection is gone: the host gets no calls until it beats");
        }
        News::Ejected(host, Ejection::Missed) => {
            tracing::warn!(%host, "calls got no answer: the host is tried again after a pause");
        }
        News::Returned { host } => tracing::info!(%host, "the host beats again"),
        News::Wrongful { host } => {
            tracing::warn!(%host, "the host was ejected though it was sending: look for a slow network or machine");
        }
    }
}
