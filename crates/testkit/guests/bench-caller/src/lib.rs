//! The calling side of the benchmark: a loop, with arguments made once.

wit_bindgen::generate!({ path: "../wit/test-bench", world: "caller" });

use exports::test::bench::driver::Guest;
use test::bench::target::{self, Item};

const RECORDS: u32 = 10;
const BYTES: usize = 64 << 10;

struct Caller;
export!(Caller);

impl Guest for Caller {
    fn drive_add(calls: u32) -> Result<u64, String> {
        let sum = (0..calls).fold(1, |sum, call| target::add(sum, call));
        Ok(u64::from(sum))
    }

    fn drive_total(calls: u32) -> Result<u64, String> {
        let item = |id| Item { id, weight: f64::from(id) / 4.0, name: format!("item number {id}") };
        let mut items: Vec<Item> = (0..RECORDS).map(item).collect();
        Ok((0..calls).fold(0, |sum: u64, call| {
            items[0].id = call;
            sum.wrapping_add(target::total(&items))
        }))
    }

    fn drive_digest(calls: u32) -> Result<u64, String> {
        let mut bytes = vec![7; BYTES];
        Ok((0..calls).fold(0, |sum: u64, call| {
            bytes[0] = call as u8;
            sum.wrapping_add(u64::from(target::digest(&bytes)))
        }))
    }
}
