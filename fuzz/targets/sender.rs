//! Arbitrary replies into a sender.
#![no_main]

use std::cell::RefCell;

use lath_fuzz::{Adapter, version};
use libfuzzer_sys::fuzz_target;
use model::wire::WireVersion;

thread_local! {
    static SENDER: RefCell<[Adapter; 2]> = RefCell::new(WireVersion::ALL.map(Adapter::sender));
}

fuzz_target!(|data: &[u8]| {
    let Some((wire, data)) = version(data) else { return };
    SENDER.with_borrow_mut(|adapters| {
        let sender = &mut adapters[wire];
        if let Some((function, reply)) = sender.choose(data) {
            sender.call(&function, reply).expect("no trap");
        }
    });
});
