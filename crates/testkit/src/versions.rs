//! Versions of one component, which differ in what they say they are and in what they do.

use anyhow::{Context as _, Result, ensure};

use crate::application::root;

/// What the component `versioned` has in its data, and where its words are in that.
const MARK: &[u8] = b"this-is-version one      and-it-does good       ";
const VERSION: usize = 16;
const DOES: usize = 37;
const WORD_BYTES: usize = 9;

/// What a version does with a request, or when it is asked whether it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It counts it, and answers.
    Good,
    /// The same, 300 ms later.
    Slow,
    /// It traps.
    Traps,
    /// It never ends.
    Hangs,
    /// It says that it is not ready.
    Unready,
    /// It says so until it is asked for the third time.
    Warms,
    /// It never says whether it is ready.
    Dozes,
}

/// The component as the version of this name, of eight letters at most.
pub fn versioned(version: &str, does: Does) -> Result<Vec<u8>> {
    let path = root().join("crates/testkit/guests/target/wasm32-wasip2/release/versioned.wasm");
    let mut bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let at = bytes.windows(MARK.len()).position(|window| window == MARK);
    let at = at.context("the component does not say which version it is")?;
    let does = match does {
        Does::Good => "good",
        Does::Slow => "slow",
        Does::Traps => "traps",
        Does::Hangs => "hangs",
        Does::Unready => "unready",
        Does::Warms => "warms",
        Does::Dozes => "dozes",
    };
    for (place, word) in [(VERSION, version), (DOES, does)] {
        ensure!(word.len() < WORD_BYTES, "{word} is too long");
        let words = bytes.get_mut(at + place..at + place + WORD_BYTES).context("the mark is cut off")?;
        let padded = word.bytes().chain(std::iter::repeat(b' '));
        words.iter_mut().zip(padded).for_each(|(byte, letter)| *byte = letter);
    }
    Ok(bytes)
}
