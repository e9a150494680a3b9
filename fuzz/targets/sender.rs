//! Arbitrary replies into a sender.
#![no_main]

use std::cell::RefCell;

use lath_fuzz::Adapter;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SENDER: RefCell<Adapter> = RefCell::new(Adapter::sender());
}

fuzz_target!(|data: &[u8]| {
    SENDER.with_borrow_mut(|sender| {
        if let Some((function, reply)) = sender.choose(data) {
            sender.call(&function, reply).expect("no trap");
        }
    });
});
