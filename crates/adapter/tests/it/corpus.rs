//! Every interface of the WIT that `wit-parser` and `wit-component` are tested with upstream.
//!
//! The set is what `wit-parser` accepts. Each interface gives adapters that carry generated values, or is refused for
//! what messages cannot carry; the counts are checked in, so that a change of them is seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adapter::emit::{EmitError, emit};
use adapter::generator;
use adapter::source::{Source, SourceError};
use model::contract::Contract;
use model::view::{Refusal, Shape};
use model::wire::{Side, WireVersion};
use testkit::adapters::Bench;
use testkit::generators::Blocking;
use testkit::wit;
use wit_parser::{InterfaceId, Resolve};

use crate::corpus_units::{Unit, crate_folder, inline_ports, units};
use crate::differential_case::Subject;

/// Calls of each function, each with other values.
const CALLS: usize = 3;

/// What became of the interfaces of one crate, and how often.
type Counts = BTreeMap<String, usize>;

#[test]
fn every_interface_of_the_corpus_round_trips_or_is_refused() {
    let bench = Bench::new().unwrap();
    insta::assert_snapshot!(walk(&mut |unit, contract, index| round_trip(&bench, unit, contract, index)));
}

/// The adapters that the generator makes as a component, and at once: the same bytes, for every version of the wire.
#[test]
fn every_interface_of_the_corpus_has_the_same_adapters_from_the_generator_as_a_component() {
    let component = Blocking::new().unwrap();
    let wires = component.generator().info().wires.clone();
    walk(&mut |unit, contract, _| {
        for (side, wire) in
            [Side::Sender, Side::Receiver].into_iter().flat_map(|side| wires.iter().map(move |wire| (side, *wire)))
        {
            let explain = |error| panic!("the {side} of {} of {unit:?}, wire {wire}: {error:#}", contract.name);
            let made = component.adapter(contract, side, wire).unwrap_or_else(explain);
            let native = generator::adapter_of(contract, side, wire).unwrap();
            assert!(made == native, "the {side} of {} of {unit:?}, wire {wire}, differs", contract.name);
        }
    });
}

/// Walks through the corpus, and gives every contract in it to `carry`, with its number.
fn walk(carry: Carry<'_>) -> String {
    let mut corpus = Corpus { carry, seen: Vec::new() };
    let mut report = String::new();
    for name in ["wit-component", "wit-parser"] {
        let mut counts = Counts::new();
        for unit in units(&crate_folder(name).join("tests")) {
            corpus.unit(&unit, &mut counts);
        }
        writeln!(report, "{name}").unwrap();
        counts.iter().for_each(|(what, count)| writeln!(report, "  {what}: {count}").unwrap());
    }
    writeln!(report, "contracts that differ: {}", corpus.seen.len()).unwrap();
    report
}

/// What is done with every contract: where it is from, what it is, and its number.
type Carry<'a> = &'a mut dyn FnMut(&Unit, &Contract, usize);

struct Corpus<'a> {
    carry: Carry<'a>,
    /// The contracts that have been carried.
    seen: Vec<Contract>,
}

impl Corpus<'_> {
    fn unit(&mut self, unit: &Unit, counts: &mut Counts) {
        let (text, resolve) = (unit.source(), unit.resolve());
        let Some(resolve) = resolve else { return count(counts, "sources not accepted by wit-parser") };
        count(counts, "sources accepted by wit-parser");
        for (id, interface) in &resolve.interfaces {
            if interface.name.is_some() {
                let (what, fate) = self.named(unit, &resolve, id, text.as_ref());
                count(counts, &format!("interfaces{what}, {fate}"));
            }
        }
        for port in inline_ports(unit, &resolve) {
            let fate = match &port.shape {
                Shape::Contract(contract) => self.carried(unit, contract),
                Shape::Types => NO_FUNCTIONS.to_owned(),
                Shape::Refused(refusal) => refused(refusal),
            };
            count(counts, &format!("interfaces inline in a world, {fate}"));
        }
    }

    /// Where a named interface was found, and what became of it.
    fn named(
        &mut self,
        unit: &Unit,
        resolve: &Resolve,
        id: InterfaceId,
        text: Option<&Source>,
    ) -> (&'static str, String) {
        let name = resolve.id_of(id).unwrap();
        let (what, contract) = match text.map(|source| source.contract(&name)) {
            Some(Err(SourceError::NoContract { .. })) | None => {
                (" read from an encoded package", encoded(resolve, id, &name))
            }
            Some(contract) => (" read from text", contract),
        };
        let fate = match contract {
            Ok(contract) => self.carried(unit, &contract),
            Err(SourceError::Empty { .. }) => NO_FUNCTIONS.to_owned(),
            Err(SourceError::Refused { refusal, .. }) => {
                let emitted = emit(resolve, id, Side::Sender, WireVersion::V1);
                assert!(matches!(emitted, Err(EmitError::NotCovered { .. })), "{name} of {unit:?}: {emitted:?}");
                refused(&refusal)
            }
            Err(error) => panic!("{name} of {unit:?}: {error:#}"),
        };
        (what, fate)
    }

    fn carried(&mut self, unit: &Unit, contract: &Contract) -> String {
        if !self.seen.contains(contract) {
            self.seen.push(contract.clone());
            (self.carry)(unit, contract, self.seen.len());
        }
        "carried".to_owned()
    }
}

/// Calls every function of a contract through both adapters.
fn round_trip(bench: &Bench, unit: &Unit, contract: &Contract, seed: usize) {
    let mut runner = wit::seeded(seed as u64);
    let explain = |error| panic!("{} of {unit:?}: {error:#}", contract.name);
    let mut subject = Subject::new(bench, contract).unwrap_or_else(explain);
    for name in contract.functions.keys() {
        let called = (0..CALLS).try_for_each(|index| subject.call(name, index, &mut runner));
        called.unwrap_or_else(|error| panic!("{}#{name} of {unit:?}: {error:#}", contract.name));
    }
}

const NO_FUNCTIONS: &str = "without functions";

fn refused(refusal: &Refusal) -> String {
    format!("refused for {}", refusal.construct)
}

fn encoded(resolve: &Resolve, id: InterfaceId, name: &str) -> Result<Contract, SourceError> {
    let package = resolve.interfaces[id].package.unwrap();
    let bytes = wit_component::encode(resolve, package, false).unwrap();
    Source::from_wasm(name, &bytes)?.contract(name)
}

fn count(counts: &mut Counts, what: &str) {
    *counts.entry(what.to_owned()).or_default() += 1;
}
