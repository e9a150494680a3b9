//! Arbitrary messages into a receiver.
#![no_main]

use std::cell::RefCell;

use lath_fuzz::{Adapter, version};
use libfuzzer_sys::fuzz_target;
use model::wire::WireVersion;

thread_local! {
    static RECEIVER: RefCell<[Adapter; 2]> = RefCell::new(WireVersion::ALL.map(Adapter::receiver));
}

/// Where one value may have two encodings: NaN, and equal keys of a map.
const AMBIGUOUS: [&str; 8] =
    ["floats", "joined-value", "narrow-value", "big-value", "deep-value", "many", "wide-flat", "maps"];

fuzz_target!(|data: &[u8]| {
    let Some((wire, data)) = version(data) else { return };
    RECEIVER.with_borrow_mut(|adapters| {
        let receiver = &mut adapters[wire];
        let Some((function, message)) = receiver.choose(data) else { return };
        let reply = receiver.receive(&function, message).expect("no trap");
        if let Some(reply) = reply.filter(|_| !AMBIGUOUS.contains(&function.as_str())) {
            // The answer is `ok` of what the target got.
            assert_eq!(reply.split_first(), Some((&0, message)), "{function}");
        }
    });
});
