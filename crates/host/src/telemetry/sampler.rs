//! Which traces are recorded.

use std::str::FromStr;

/// The rule by which a trace is recorded, as `OTEL_TRACES_SAMPLER` and its `_ARG` name it. One that a caller began is
/// recorded where its caller says so, unless the rule looks at no caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// The share of traces that begin here and are recorded, from 0 to 1.
    pub share: f64,
    /// Whether a caller's word goes before.
    pub is_parent_based: bool,
}

/// Why a rule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// Its name.
    #[error("`{0}` is no sampler: write one of `{names}`", names = NAMES.join("`, `"))]
    Name(String),
    /// Its argument.
    #[error("`{0}` is no share of traces: write a number from 0 to 1, such as `0.1`")]
    Share(String),
}

const NAMES: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

impl Default for Sampler {
    fn default() -> Self {
        Self { share: 1.0, is_parent_based: true }
    }
}

impl Sampler {
    /// The rule of this name, with its argument where it takes one.
    pub fn parse(name: &str, argument: Option<&str>) -> Result<Self, SamplerError> {
        let (is_parent_based, rule) = match name.strip_prefix("parentbased_") {
            Some(rule) => (true, rule),
            None => (false, name),
        };
        let share = match rule {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => argument.map_or(Ok(1.0), share)?,
            _ => return Err(SamplerError::Name(name.to_owned())),
        };
        Ok(Self { share, is_parent_based })
    }

    /// Whether a trace is recorded, of which a caller says so much.
    pub fn decide(&self, trace: u128, caller: Option<bool>) -> bool {
        match caller.filter(|_| self.is_parent_based) {
            Some(is_recorded) => is_recorded,
            // The largest number would be rounded up to the bound.
            None if self.share >= 1.0 => true,
            // As OpenTelemetry does it: the same everywhere, for a trace that passes several that do.
            None => ((trace as u64 >> 1) as f64) < self.share * (1_u64 << 63) as f64,
        }
    }
}

fn share(text: &str) -> Result<f64, SamplerError> {
    let share = f64::from_str(text).ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| SamplerError::Share(text.to_owned()))
}
