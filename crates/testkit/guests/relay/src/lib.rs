//! Passes a call on until there are no hops left.

wit_bindgen::generate!({ world: "relay" });

struct Relay;
export!(Relay);

impl exports::test::relay::hop::Guest for Relay {
    fn hop(n: u32) -> Result<u32, String> {
        match n.checked_sub(1) {
            None => Ok(0),
            Some(left) => Ok(next::hop(left)? + 1),
        }
    }
}
