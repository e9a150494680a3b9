//! A generator for tests: the built-in one, whose adapters say by whom they were made.

wit_bindgen::generate!({ path: "../../wit/lath-generator", world: "component" });

use adapter::emit::Side;
use adapter::generator;
use exports::lath::generator::generator::{Contract, Error, GeneratorInfo, Guest};

/// A custom section: its size, the size of its name, its name, and what it holds.
const MARK: &[u8] = b"\0\x0f\x07made-bymarking";

struct Marking;
export!(Marking);

impl Guest for Marking {
    fn info() -> GeneratorInfo {
        GeneratorInfo { name: "marking".to_owned(), version: "1".to_owned(), wires: vec![1, 2] }
    }

    fn sender(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        marked(&contract, Side::Sender, wire)
    }

    fn receiver(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        marked(&contract, Side::Receiver, wire)
    }
}

fn marked(contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    let made = generator::adapter(&contract.name, &contract.wit, side, wire);
    let mut made = made.map_err(|error| Error::Other(error.to_string()))?;
    made.extend_from_slice(MARK);
    Ok(made)
}
