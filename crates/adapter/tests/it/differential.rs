//! Adapters against the codec, on generated contracts and values: two implementations of one encoding.
//!
//! Every contract follows from a seed, and the values with it. `LATH_LONG=1` goes on to many more seeds;
//! `LATH_SEED=n` runs the one that a failure named.

use adapter::generate::contract_text;
use anyhow::{Context, Result, ensure};
use model::contract::Contract;
use model::wire::WireVersion;
use proptest::collection::vec;
use proptest::num;
use proptest::test_runner::TestRunner;
use testkit::adapters::Bench;
use testkit::wit;

use crate::differential_case::Subject;

/// Calls of each function, each with other values.
const CALLS: usize = 4;

/// Seeds of a normal and of a long run, and the cases they must come to.
struct Extent {
    seeds: u64,
    least: usize,
}

/// Senders and receivers of the interfaces that `wit-smith` writes.
#[test]
fn adapters_agree_with_the_codec_on_wit_of_wit_smith() {
    let contracts = |runner: &mut TestRunner| {
        let bytes = vec(num::u8::ANY, wit::SMITH_BYTES);
        Ok(wit::smithed(&wit::drawn(&bytes, runner))?)
    };
    let normal = Extent { seeds: 600, least: 1_000 };
    let long = Extent { seeds: 30_000, least: 50_000 };
    run(contracts, &normal, &long);
}

/// Senders and receivers of contracts of our own types: maps, every size of flags, wide calls, room for failure.
#[test]
fn adapters_agree_with_the_codec_on_made_contracts() {
    let contracts = |runner: &mut TestRunner| Ok(vec![wit::drawn(&wit::contract(), runner)]);
    let normal = Extent { seeds: 250, least: 1_500 };
    let long = Extent { seeds: 7_000, least: 50_000 };
    run(contracts, &normal, &long);
}

fn run(contracts: impl Fn(&mut TestRunner) -> Result<Vec<Contract>>, normal: &Extent, long: &Extent) {
    // Each seed is of one version of the wire, in turn.
    let benches = WireVersion::ALL.map(|wire| Bench::speaking(wire).unwrap());
    let check = |seed: u64| {
        let mut runner = wit::seeded(seed);
        let contracts = contracts(&mut runner)?;
        let bench = if seed.is_multiple_of(2) { &benches[0] } else { &benches[1] };
        contracts.iter().map(|contract| check(bench, contract, &mut runner)).sum::<Result<usize>>()
    };
    let checked = |seed| check(seed).unwrap_or_else(|error| panic!("LATH_SEED={seed}: {error:#}"));
    if let Some(seed) = number("LATH_SEED") {
        checked(seed);
        return;
    }
    let extent = if number("LATH_LONG").is_some() { long } else { normal };
    let cases: usize = (0..extent.seeds).map(checked).sum();
    assert!(cases >= extent.least, "{cases} cases are fewer than {}", extent.least);
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// All functions of a contract, with several values each; gives the number of cases.
fn check(bench: &Bench, contract: &Contract, runner: &mut TestRunner) -> Result<usize> {
    let context = || contract_text(contract);
    let mut subject = Subject::new(bench, contract).with_context(context)?;
    for (index, name) in contract.functions.keys().cycle().take(CALLS * contract.functions.len()).enumerate() {
        subject.call(name, index, runner).with_context(|| format!("function `{name}` of\n{}", context()))?;
    }
    subject.unknown_method().with_context(context)?;
    ensure!(!contract.functions.is_empty(), "a contract without functions");
    Ok(CALLS * contract.functions.len())
}
