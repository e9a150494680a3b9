//! A generator for tests: the interface of a contract says how it misbehaves.

wit_bindgen::generate!({ path: "../../wit/lath-generator", world: "component" });

use std::hint::black_box;
use std::time::{Instant, SystemTime};

use adapter::emit::Side;
use adapter::generator;
use exports::lath::generator::generator::{Contract, Error, GeneratorInfo, Guest};

/// A component that holds nothing.
const NOTHING: &[u8] = b"\0asm\x0d\0\x01\0";

struct Faulty;
export!(Faulty);

impl Guest for Faulty {
    fn info() -> GeneratorInfo {
        GeneratorInfo { name: "faulty".to_owned(), version: "0".to_owned(), wires: vec![1, 7] }
    }

    fn sender(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        misbehave(&contract, Side::Sender, wire)
    }

    fn receiver(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        misbehave(&contract, Side::Receiver, wire)
    }
}

fn misbehave(contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    let Contract { name, wit } = contract;
    let (_, interface) = name.rsplit_once('/').unwrap_or_default();
    match interface.split('@').next().unwrap_or_default() {
        "loops" => loop {
            black_box(());
        },
        "eats" => Ok((0..).map(|_| black_box(vec![1_u8; 1 << 20])).flatten().collect()),
        "panics" => panic!("it had a bad day"),
        "gambles" => Err(Error::Other(format!("{:?}", roll()))),
        "garbage" => Ok(b"no component".to_vec()),
        "nothing" => Ok(NOTHING.to_vec()),
        "huge" => Ok(vec![0; 5 << 20]),
        "another-wire" => adapter(name, wit, side, 1),
        "another-side" => adapter(name, wit, if side == Side::Sender { Side::Receiver } else { Side::Sender }, wire),
        "another-contract" => adapter(name, &wit.replace("%beat:", "%skip:"), side, wire),
        "surroundings" => Err(Error::Other(format!("{:?}", world()))),
        _ => adapter(name, wit, side, wire),
    }
}

fn adapter(name: &str, wit: &str, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    generator::adapter(name, wit, side, wire).map_err(|error| Error::Other(error.to_string()))
}

/// Something that only a world with randomness has.
fn roll() -> usize {
    usize::try_from(wasip2::random::random::get_random_u64()).unwrap_or_default()
}

/// What it sees of the world: variables, a folder, time that passes, the date, a hash that differs.
fn world() -> (usize, bool, bool, u64, u64) {
    let begun = Instant::now();
    let hash = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|now| now.as_secs());
    let has_folder = std::fs::read_dir("/").is_ok();
    (std::env::vars().count(), has_folder, begun.elapsed().is_zero(), now.unwrap_or(1), hash)
}
