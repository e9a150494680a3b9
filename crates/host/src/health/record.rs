//! What is known of one host.

use std::time::{Duration, Instant};

use super::{Beat, Phase};
use crate::limits::{BEAT_INTERVAL, MISSED_CALLS_MAX, SILENCE_MAX, TRIAL_PAUSE, TRIAL_PAUSE_MAX, VERDICT_TIME};

/// Why a host is not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ejection {
    /// Its beats stayed away.
    Silent,
    /// The bus said that its connection is gone.
    Disconnected,
    /// Calls to it got no answer.
    Missed,
}

/// What is known of a host, to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostHealth {
    /// The last beat that was heard.
    pub beat: Beat,
    /// How long ago that was.
    pub silence: Duration,
    /// Why it is not chosen; none where it is.
    pub ejected: Option<Ejection>,
    /// Calls from here that it has not answered yet.
    pub outstanding: u32,
}

/// A host in the table.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) beat: Beat,
    /// When the last beat was heard.
    pub(super) heard: Instant,
    /// Since when no beat counts as silence: the last beat, or the end of a gap of this host itself.
    attentive: Instant,
    /// Ejected for what its beats or the bus said.
    pub(super) gone: Option<Gone>,
    /// Calls in a row that got no answer.
    missed: u32,
    trial: Option<Trial>,
    answered: Option<Instant>,
    pub(super) outstanding: u32,
    verdict: Option<Verdict>,
}

/// Ejected, until a beat is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Silent,
    Disconnected,
}

/// Ejected for calls without answers, until a call is answered.
#[derive(Clone, Copy, Debug)]
struct Trial {
    pause: Duration,
    /// When it may be tried.
    from: Instant,
    /// A call tries it now.
    running: bool,
}

/// A host came back from an ejection: did it send all the while?
#[derive(Clone, Copy, Debug)]
struct Verdict {
    /// The last beat before the ejection.
    sequence: u64,
    heard: Instant,
    until: Instant,
}

/// What a beat meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The host was ejected and is back.
    pub(super) returned: bool,
    /// It had been sending all the while: its ejection was wrongful.
    pub(super) wrongful: bool,
}

/// Whether a call may go to a host as far as calls to it tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// One call may try it.
    Trial,
    Missed,
}

impl Record {
    pub(super) fn new(beat: Beat, now: Instant) -> Self {
        Self {
            beat,
            heard: now,
            attentive: now,
            gone: None,
            missed: 0,
            trial: None,
            answered: None,
            outstanding: 0,
            verdict: None,
        }
    }

    /// Takes a beat of the same host. One that was overtaken says nothing.
    pub(super) fn hear(&mut self, beat: Beat, now: Instant) -> Heard {
        if beat.incarnation > self.beat.incarnation {
            let returned = self.gone.is_some();
            *self = Self { outstanding: self.outstanding, ..Self::new(beat, now) };
            return Heard { returned, wrongful: false };
        }
        if beat.incarnation < self.beat.incarnation || beat.sequence <= self.beat.sequence {
            return Heard::default();
        }
        let returned = self.gone.take().is_some();
        if returned {
            let (sequence, heard) = (self.beat.sequence, self.heard);
            self.verdict = Some(Verdict { sequence, heard, until: now + VERDICT_TIME });
        }
        let wrongful = self.verdict.is_some_and(|verdict| verdict.acquits(beat.sequence, now));
        if wrongful || self.verdict.is_some_and(|verdict| now > verdict.until) {
            self.verdict = None;
        }
        (self.beat, self.heard, self.attentive) = (beat, now, now);
        Heard { returned, wrongful }
    }

    /// True where it has been silent for too long just now.
    pub(super) fn fall_silent(&mut self, now: Instant) -> bool {
        let silent = self.gone.is_none() && now.saturating_duration_since(self.attentive) > SILENCE_MAX;
        if silent {
            self.gone = Some(Gone::Silent);
        }
        silent
    }

    /// Silence so far is not the host's: this one did not listen.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.attentive = self.attentive.max(now);
    }

    pub(super) fn ejected(&self, now: Instant) -> Option<Ejection> {
        match (self.gone, self.standing(now)) {
            (Some(Gone::Silent), _) => Some(Ejection::Silent),
            (Some(Gone::Disconnected), _) => Some(Ejection::Disconnected),
            (None, Standing::Good) => None,
            (None, Standing::Trial | Standing::Missed) => Some(Ejection::Missed),
        }
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        match self.trial {
            None => Standing::Good,
            Some(trial) if !trial.running && now >= trial.from => Standing::Trial,
            Some(_) => Standing::Missed,
        }
    }

    /// A call goes there; true where it is the one that tries the host.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        self.outstanding = self.outstanding.saturating_add(1);
        let tries = self.standing(now) == Standing::Trial;
        if let Some(trial) = self.trial.as_mut().filter(|_| tries) {
            trial.running = true;
        }
        tries
    }

    /// A call came back with an answer, whatever it was.
    pub(super) fn answer(&mut self, now: Instant) {
        self.end();
        self.answered = Some(now);
        self.missed = 0;
        self.trial = None;
    }

    /// A call that began at `begun` got no answer within its time. True where the host is ejected for it. One that had
    /// an answer to another call since then is alive, and the function was slow.
    pub(super) fn miss(&mut self, begun: Instant, tried: bool, now: Instant) -> bool {
        self.end();
        if let Some(trial) = self.trial.as_mut() {
            if tried {
                let pause = trial.pause.saturating_mul(2).min(TRIAL_PAUSE_MAX);
                *trial = Trial { pause, from: now + pause, running: false };
            }
            return false;
        }
        if self.answered.is_some_and(|answered| answered > begun) {
            return false;
        }
        self.missed = self.missed.saturating_add(1);
        let ejected = self.missed >= MISSED_CALLS_MAX;
        if ejected {
            self.trial = Some(Trial { pause: TRIAL_PAUSE, from: now + TRIAL_PAUSE, running: false });
        }
        ejected
    }

    /// A call was given up by its caller: nothing is known.
    pub(super) fn abandon(&mut self, tried: bool) {
        self.end();
        if let Some(trial) = self.trial.as_mut().filter(|_| tried) {
            trial.running = false;
        }
    }

    fn end(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    pub(super) fn view(&self, now: Instant) -> HostHealth {
        HostHealth {
            beat: self.beat.clone(),
            silence: now.saturating_duration_since(self.heard),
            ejected: self.ejected(now),
            outstanding: self.outstanding,
        }
    }

    /// How loaded it is, as a fraction: what it says it runs and what is on its way from here, of what it can run.
    pub(super) fn load(&self) -> (u64, u64) {
        let running = u64::from(self.beat.running) + u64::from(self.outstanding);
        (running, u64::from(self.beat.capacity.max(1)))
    }

    pub(super) fn is_draining(&self) -> bool {
        self.beat.phase == Phase::Draining
    }
}

impl Verdict {
    /// True where the numbers of its beats show that it sent at least three in four of those that were due. A frozen
    /// host sends none, and does not make up for them.
    fn acquits(self, sequence: u64, now: Instant) -> bool {
        let sent = sequence.saturating_sub(self.sequence);
        let due = now.saturating_duration_since(self.heard).as_millis() / BEAT_INTERVAL.as_millis().max(1);
        now <= self.until && u128::from(sent) * 4 >= due * 3
    }
}
