//! Generated contracts: out of WIT that `wit-smith` writes, and out of the types of [`crate::values`].
//!
//! `wit-smith` is someone else's idea of what WIT may look like, but it knows no maps, nothing of failure and rarely
//! asks for more than sixteen flat parameters; [`contract`] does.

mod made;

pub use made::contract;

use adapter::source::{Source, SourceError};
use arbitrary::Unstructured;
use model::contract::Contract;
use model::view::Construct;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wit_smith::Config as SmithConfig;

/// How many random bytes a package is written from.
pub const SMITH_BYTES: usize = 4096;

/// The contracts of the package that `wit-smith` writes from these bytes; none where the bytes lead it nowhere.
/// Interfaces without functions, and with resources (which it cannot be asked to leave out), are not among them.
///
/// # Errors
///
/// An interface is refused for another reason.
pub fn smithed(bytes: &[u8]) -> Result<Vec<Contract>, SourceError> {
    let Ok(package) = wit_smith::smith(&smith_config(), &mut Unstructured::new(bytes)) else { return Ok(Vec::new()) };
    let source = Source::from_wasm("a package of wit-smith", &package)?;
    let contracts = source.contract_names().into_iter().map(|name| source.contract(&name.to_string()));
    contracts.filter(|contract| !left_out(contract)).collect()
}

fn left_out(contract: &Result<Contract, SourceError>) -> bool {
    match contract {
        Err(SourceError::Empty { .. }) => true,
        Err(SourceError::Refused { refusal, .. }) => refusal.construct == Construct::Resource,
        _ => false,
    }
}

/// Small packages of many interfaces: most of what differs is in the types.
fn smith_config() -> SmithConfig {
    SmithConfig {
        max_packages: 2,
        max_type_size: 16,
        max_interface_items: 6,
        max_world_items: 1,
        max_pkg_items: 6,
        max_type_parts: 6,
        max_files_per_package: 2,
        fixed_length_lists: true,
        ..SmithConfig::default()
    }
}

/// A runner whose every choice follows from the seed.
pub fn seeded(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(byte, part)| *byte = part);
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A value drawn from a strategy.
///
/// # Panics
///
/// The strategy rejects what the runner offers it; those of this crate never do.
#[expect(clippy::panic, reason = "a test cannot go on without its values")]
pub fn drawn<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    match strategy.new_tree(runner) {
        Ok(tree) => tree.current(),
        Err(reason) => panic!("no value can be drawn: {reason}"),
    }
}
