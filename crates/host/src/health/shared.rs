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

impl Health {
    /// The health of all hosts but `me`, whose table it is. None is known yet.
    pub fn of(me: HostName) -> Self {
        Self::seeded(me, RandomState::new().hash_one(std::process::id()))
    }

    /// The same, with choices that `seed` decides.
    pub fn seeded(me: HostName, seed: u64) -> Self {
        Self(Arc::new(Inner { table: Mutex::new(Table::of(me)), seed: AtomicU64::new(seed) }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A beat was heard.
    pub fn beat(&self, beat: Beat) {
        let mut table = self.table();
        let news = table.hear(beat, Instant::now());
        let counts = table.counts();
        drop(table);
        news.iter().for_each(|news| report(news, counts));
    }

    /// The bus tells that the connection of a host is gone.
    pub fn disconnected(&self, host: &HostName) {
        let mut table = self.table();
        let (ejected, counts) = (table.disconnected(host), table.counts());
        drop(table);
        if ejected {
            report(&News::Ejected(host.clone(), Ejection::Disconnected), counts);
        }
    }

    /// Ejects the hosts that have been silent for too long. To be called several times a second, from a thread that
    /// nothing else can hold up.
    pub fn sweep(&self) {
        let mut table = self.table();
        let (silent, counts) = (table.sweep(Instant::now()), table.counts());
        drop(table);
        silent.into_iter().for_each(|host| report(&News::Ejected(host, Ejection::Silent), counts));
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

    /// True where one of `candidates` is known to be ready for a call.
    pub fn is_ready(&self, candidates: &BTreeSet<HostName>, wanted: Wanted<'_>) -> bool {
        self.table().is_ready(candidates, wanted, Instant::now())
    }

    /// True where the last that was heard of `host` is that it lives.
    pub fn is_live(&self, host: &HostName) -> bool {
        self.table().is_live(host)
    }

    /// True where `host` takes calls, as far as is known, and means to go on.
    pub fn is_open(&self, host: &HostName) -> bool {
        self.table().is_open(host)
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
        let mut table = self.health.table();
        let (ejected, counts) = (table.end(&self.host, self.tries, outcome, Instant::now()), table.counts());
        drop(table);
        if ejected {
            report(&News::Ejected(self.host.clone(), Ejection::Missed), counts);
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

fn report(news: &News, Counts { ejected, wrongful, .. }: Counts) {
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
            let text = "the host was ejected though it was sending: look for a slow network or machine";
            tracing::warn!(%host, wrongful, ejected, "{text}");
        }
    }
}
