//! Which calls of a host have been seen.

use model::planted::Bug;

use crate::limits::REPLAY_WINDOW;

const WORD: u64 = u64::BITS as u64;

/// The numbers of calls that have been seen, as far back as [`REPLAY_WINDOW`]; the anti-replay window of IPsec (RFC 4303,
/// section 3.4.3).
#[derive(Clone, Debug)]
pub struct Window {
    /// One bit for each number, at its remainder by the window.
    seen: Vec<u64>,
    latest: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { seen: vec![0; usize::try_from(REPLAY_WINDOW / WORD).unwrap_or_default()], latest: 0 }
    }
}

impl Window {
    /// True where `number` is new. It is not new ever after. A number too old to tell, and 0, are not new.
    pub fn take(&mut self, number: u64) -> bool {
        if self.latest.saturating_sub(number) >= REPLAY_WINDOW || number == 0 {
            return false;
        }
        if number > self.latest {
            self.advance(number);
        }
        let bit = 1 << (number % WORD);
        let Some(word) = self.word(number) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new || Bug::DropsCallId.is_planted()
    }

    /// Forgets the numbers between the latest and `number`, whose bits are those of older numbers.
    fn advance(&mut self, number: u64) {
        if number - self.latest >= REPLAY_WINDOW {
            self.seen.fill(0);
        } else {
            let mut passed = self.latest + 1;
            while passed <= number {
                // To the end of a word, or to `number` where that comes first.
                let first = passed % WORD;
                let count = (WORD - first).min(number - passed + 1);
                let bits = (u64::MAX >> (WORD - count)) << first;
                if let Some(word) = self.word(passed) {
                    *word &= !bits;
                }
                let Some(next) = passed.checked_add(count) else { break };
                passed = next;
            }
        }
        self.latest = number;
    }

    fn word(&mut self, number: u64) -> Option<&mut u64> {
        let index = usize::try_from(number % REPLAY_WINDOW / WORD).ok()?;
        self.seen.get_mut(index)
    }
}
