//! All hosts that were heard of.

use std::collections::BTreeMap;
use std::time::Instant;

use model::ids::HostName;

use super::choice::{Grade, Wanted, choose, grade};
use super::record::{Gone, HostHealth, Record};
use super::{Beat, Ejection};
use crate::limits::{FORGET_TIME, HOSTS_MAX};

/// What has happened since the table was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ejections, of all kinds.
    pub ejected: u64,
    /// Ejections of hosts whose later beats showed that they had been sending all the while.
    pub wrongful: u64,
    /// Beats of hosts for which there was no room.
    pub ignored: u64,
}

/// How a call to a host ended, as far as the host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host answered, whatever it said.
    Answered,
    /// It did not answer in time; the call was sent at `begun`.
    Missed {
        /// When the call was sent.
        begun: Instant,
    },
    /// Nobody waits for the answer any more, or the call never left.
    Abandoned,
}

/// News of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    Ejected(HostName, Ejection),
    Returned { host: HostName },
    Wrongful { host: HostName },
}

/// The hosts that were heard of, [`HOSTS_MAX`] at most.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The host whose table it is: it does not choose itself, and is not ejected for what it does not hear.
    me: Option<HostName>,
    hosts: BTreeMap<HostName, Record>,
    counts: Counts,
}

impl Table {
    /// No hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// No hosts, and none but others ever: the table of host `me`.
    pub fn of(me: HostName) -> Self {
        Self { me: Some(me), ..Self::default() }
    }

    /// A beat was heard.
    pub fn beat(&mut self, beat: Beat, now: Instant) {
        self.hear(beat, now);
    }

    pub(super) fn hear(&mut self, beat: Beat, now: Instant) -> Option<News> {
        let host = beat.host.clone();
        let Some(record) = self.hosts.get_mut(&host) else {
            self.meet(host, beat, now);
            return None;
        };
        let heard = record.hear(beat, now);
        self.counts.wrongful += u64::from(heard.wrongful);
        match (heard.wrongful, heard.returned) {
            (true, _) => Some(News::Wrongful { host }),
            (false, true) => Some(News::Returned { host }),
            (false, false) => None,
        }
    }

    fn meet(&mut self, host: HostName, beat: Beat, now: Instant) {
        if self.me.as_ref() == Some(&host) {
            return;
        }
        if self.hosts.len() >= HOSTS_MAX {
            let gone = self.hosts.iter().find(|(_, record)| record.gone.is_some()).map(|(name, _)| name.clone());
            let Some(gone) = gone else {
                self.counts.ignored += 1;
                return;
            };
            self.hosts.remove(&gone);
        }
        self.hosts.insert(host, Record::new(beat, now));
    }

    /// The bus tells that the connection of a host is gone.
    pub fn disconnected(&mut self, host: &HostName) -> bool {
        let Some(record) = self.hosts.get_mut(host).filter(|record| record.gone.is_none()) else { return false };
        record.gone = Some(Gone::Disconnected);
        self.counts.ejected += 1;
        true
    }

    /// Ejects the hosts that have been silent for too long, and gives those that were ejected just now. Forgets hosts
    /// that have been gone for [`FORGET_TIME`].
    pub fn sweep(&mut self, now: Instant) -> Vec<HostName> {
        let forgotten = |record: &Record| now.saturating_duration_since(record.heard) > FORGET_TIME;
        self.hosts.retain(|_, record| record.gone.is_none() || !forgotten(record));
        let silent = self.hosts.iter_mut().filter_map(|(host, record)| record.fall_silent(now).then(|| host.clone()));
        let silent: Vec<_> = silent.collect();
        self.counts.ejected += u64::try_from(silent.len()).unwrap_or(u64::MAX);
        silent
    }

    /// This host did not listen until now: silence before is nobody's fault.
    pub fn excuse(&mut self, now: Instant) {
        self.hosts.values_mut().for_each(|record| record.excuse(now));
    }

    /// Chooses who of `candidates` is called, never one of `failed`: of the best of them the less loaded of two at
    /// random. Equal tables and seeds give equal choices. The call counts as outstanding until [`Table::end`]; the
    /// second part says whether it tries a host that gave no answers, and goes to `end` too.
    pub fn pick<'c>(
        &mut self,
        candidates: impl IntoIterator<Item = &'c HostName>,
        failed: &[HostName],
        wanted: Wanted<'_>,
        seed: u64,
        now: Instant,
    ) -> Option<(HostName, bool)> {
        let fresh = candidates.into_iter().filter(|host| !failed.contains(host));
        let known = fresh.filter_map(|host| self.hosts.get_key_value(host));
        let graded = known.filter_map(|(host, record)| Some((grade(record, wanted, now)?, host, record)));
        let graded: Vec<_> = graded.collect();
        let best = graded.iter().map(|(grade, ..)| *grade).min()?;
        let hosts: Vec<_> = graded.iter().filter(|(grade, ..)| *grade == best).map(|(_, h, r)| (*h, *r)).collect();
        let host = choose(&hosts, seed)?.clone();
        let tries = self.hosts.get_mut(&host).is_some_and(|record| record.begin(now));
        Some((host, tries))
    }

    /// True where one of `candidates` that is none of `failed` could be chosen.
    pub fn has_other<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c HostName>,
        failed: &[HostName],
        wanted: Wanted<'_>,
        now: Instant,
    ) -> bool {
        let fresh = candidates.into_iter().filter(|host| !failed.contains(host));
        fresh.filter_map(|host| self.hosts.get(host)).any(|record| grade(record, wanted, now).is_some())
    }

    /// True where one of `candidates` is known to be ready for a call: it has taken up the generation that placed it there.
    pub fn is_ready<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c HostName>,
        wanted: Wanted<'_>,
        now: Instant,
    ) -> bool {
        let known = candidates.into_iter().filter_map(|host| self.hosts.get(host));
        known.into_iter().any(|record| grade(record, wanted, now) == Some(Grade::Good))
    }

    /// A call that [`Table::pick`] chose `host` for came to an end. True where the host is ejected for it.
    pub fn end(&mut self, host: &HostName, tried: bool, outcome: Outcome, now: Instant) -> bool {
        let Some(record) = self.hosts.get_mut(host) else { return false };
        match outcome {
            Outcome::Answered => record.answer(now),
            Outcome::Abandoned => record.abandon(tried),
            Outcome::Missed { begun } => {
                let ejected = record.miss(begun, tried, now);
                self.counts.ejected += u64::from(ejected);
                return ejected;
            }
        }
        false
    }

    /// True where the last that was heard of `host` is that it lives: neither silent nor disconnected, nor joining.
    pub fn is_live(&self, host: &HostName) -> bool {
        self.hosts.get(host).is_some_and(|record| record.gone.is_none() && record.beat.phase != super::Phase::Joining)
    }

    /// True where `host` takes calls, as far as is known, and means to go on.
    pub fn is_open(&self, host: &HostName) -> bool {
        self.hosts.get(host).is_some_and(|record| record.gone.is_none() && record.beat.phase == super::Phase::Open)
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What is known of each host.
    pub fn view(&self, now: Instant) -> Vec<HostHealth> {
        self.hosts.values().map(|record| record.view(now)).collect()
    }
}
