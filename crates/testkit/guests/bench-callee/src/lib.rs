//! The called side of the benchmark: next to no work of its own.

wit_bindgen::generate!({ path: "../wit/test-bench", world: "callee" });

use exports::test::bench::target::{Guest, Item};

struct Callee;
export!(Callee);

impl Guest for Callee {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn total(items: Vec<Item>) -> u64 {
        items.iter().map(|item| u64::from(item.id) + item.name.len() as u64).sum()
    }

    fn digest(bytes: Vec<u8>) -> u32 {
        let ends = bytes.first().into_iter().chain(bytes.last());
        bytes.len() as u32 + ends.map(|byte| u32::from(*byte)).sum::<u32>()
    }
}
