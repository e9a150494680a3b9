//! Measuring in turn.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::time::{ClockId, clock_gettime};

/// Measures one subject once.
pub(crate) type Measure<'a, T> = Box<dyn FnMut() -> Result<T> + 'a>;

/// What was measured: one value a round.
pub(crate) type Values = Vec<f64>;

/// Measures all subjects in turn, `rounds` times after a round that is thrown away; gives the results by subject.
pub(crate) fn alternate<T>(rounds: usize, subjects: &mut [Measure<'_, T>]) -> Result<Vec<Vec<T>>> {
    let mut results: Vec<Vec<T>> = subjects.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..=rounds {
        for (subject, results) in subjects.iter_mut().zip(&mut results) {
            let result = subject()?;
            if round > 0 {
                results.push(result);
            }
        }
    }
    Ok(results)
}

/// As [`alternate`], where the number of subjects is known.
pub(crate) fn alternate_all<T, const N: usize>(
    rounds: usize,
    mut subjects: [Measure<'_, T>; N],
) -> Result<[Vec<T>; N]> {
    match <[Vec<T>; N]>::try_from(alternate(rounds, &mut subjects)?) {
        Ok(results) => Ok(results),
        Err(_) => bail!("each subject has its results"),
    }
}

/// Nanoseconds of processor time for one of many calls that `run` makes, one after the other. Where nothing else runs
/// that is the time that passes; where something does, only this program's share is counted. The first measurement
/// finds out how many calls fill `slot`.
pub(crate) fn per_call<'a>(slot: Duration, mut run: impl FnMut(u32) -> Result<()> + 'a) -> Measure<'a, f64> {
    let mut found = None;
    Box::new(move || {
        let calls = match found {
            Some(calls) => calls,
            None => *found.insert(fill(slot, &mut run)?),
        };
        let before = processor_time();
        run(calls)?;
        Ok((processor_time() - before).as_secs_f64() * 1e9 / f64::from(calls))
    })
}

/// What this program has used so far, on all cores together.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    // Neither is ever negative.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// How many calls take about as long as `slot`.
fn fill(slot: Duration, run: &mut impl FnMut(u32) -> Result<()>) -> Result<u32> {
    let mut calls: u32 = 1;
    loop {
        let before = processor_time();
        run(calls)?;
        let elapsed = processor_time() - before;
        if elapsed * 4 >= slot || calls >= 1 << 30 {
            let scale = (slot.as_secs_f64() / elapsed.as_secs_f64()).clamp(0.01, 4.0);
            // Between 1 and 2^32 by the bounds above.
            return Ok((f64::from(calls) * scale).max(1.0).min(f64::from(u32::MAX)) as u32);
        }
        calls *= 2;
    }
}

/// Milliseconds that `run` takes.
pub(crate) fn millis<'a>(mut run: impl FnMut() -> Result<()> + 'a) -> Measure<'a, f64> {
    Box::new(move || {
        let begun = Instant::now();
        run()?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    })
}
