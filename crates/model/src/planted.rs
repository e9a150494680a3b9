//! Bugs that can be planted, to show that the tests would find them: `LATH_PLANTED=skips-drain cargo test …` fails.
//!
//! Each is asked for where it would be made. A build without debug assertions has none, and asks nobody. docs/CHAOS.md
//! lists what finds which.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// An older generation than the one that is followed is taken.
    AcceptsStale,
    /// A call that comes again runs again.
    DropsCallId,
    /// A version that was gone back from is begun again.
    ForgetsRefusal,
    /// A host calls over links of actors that it does not run.
    IgnoresPlaces,
    /// Whatever a new version does, it is trusted.
    NeverJudges,
    /// A call of unknown outcome is made again, idempotent or not.
    RetriesUnknown,
    /// A call runs though its deadline has passed.
    RunsLate,
    /// What is ended is ended at once, whatever runs in it.
    SkipsDrain,
    /// Bytes in chunks are taken whatever their checksum.
    SkipsChecksum,
    /// A new version takes over before all of it is ready.
    SwitchesEarly,
    /// A version of the wire is sent before it is accepted.
    WireAtOnce,
    /// A provider serves consumers of any version.
    WrongSemver,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::AcceptsStale,
        Self::DropsCallId,
        Self::ForgetsRefusal,
        Self::IgnoresPlaces,
        Self::NeverJudges,
        Self::RetriesUnknown,
        Self::RunsLate,
        Self::SkipsDrain,
        Self::SkipsChecksum,
        Self::SwitchesEarly,
        Self::WireAtOnce,
        Self::WrongSemver,
    ];

    /// Its name in `LATH_PLANTED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcceptsStale => "accepts-stale",
            Self::DropsCallId => "drops-call-id",
            Self::ForgetsRefusal => "forgets-refusal",
            Self::IgnoresPlaces => "ignores-places",
            Self::NeverJudges => "never-judges",
            Self::RetriesUnknown => "retries-unknown",
            Self::RunsLate => "runs-late",
            Self::SkipsDrain => "skips-drain",
            Self::SkipsChecksum => "skips-checksum",
            Self::SwitchesEarly => "switches-early",
            Self::WireAtOnce => "wire-at-once",
            Self::WrongSemver => "wrong-semver",
        }
    }

    /// True where it is planted.
    #[cfg(debug_assertions)]
    pub fn is_planted(self) -> bool {
        use std::sync::LazyLock;
        static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
            let name = std::env::var("LATH_PLANTED").ok()?;
            Bug::ALL.into_iter().find(|bug| bug.name() == name)
        });
        *PLANTED == Some(self)
    }

    /// Never.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub const fn is_planted(self) -> bool {
        false
    }
}
