//! Everything that planning finds, gathered so that a user sees all of it at once.

use crate::problem::{Caution, Fault, Place, Problem, Warning};

/// Problems and warnings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Findings {
    pub(crate) fn problem(&mut self, at: Place, fault: impl Into<Fault>) {
        let problem = Problem { at, fault: fault.into() };
        // An actor may be in several composites; what is wrong with it is said once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(crate) fn warn(&mut self, at: Place, caution: Caution) {
        self.warnings.push(Warning { at, caution });
    }

    /// The warnings, or the problems if there are any; in order of place and text.
    pub(crate) fn into_result(mut self) -> Result<Vec<Warning>, Vec<Problem>> {
        if self.problems.is_empty() {
            self.warnings.sort_by_cached_key(|warning| (warning.at.clone(), warning.to_string()));
            Ok(self.warnings)
        } else {
            self.problems.sort_by_cached_key(|problem| (problem.at.clone(), problem.to_string()));
            Err(self.problems)
        }
    }
}
