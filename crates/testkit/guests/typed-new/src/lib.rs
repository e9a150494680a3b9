//! Maps and lists of fixed length, echoed.

wit_bindgen::generate!({ world: "typed-new" });

use exports::test::typed_new::shapes::{Grid, Guest, Tally};
use wit_bindgen::rt::Map;

struct TypedNew;
export!(TypedNew);

impl Guest for TypedNew {
    fn echo_map(v: Map<String, u32>) -> Map<String, u32> {
        v
    }

    fn echo_map_of_lists(v: Map<u64, Vec<String>>) -> Map<u64, Vec<String>> {
        v
    }

    fn echo_fixed(v: [u32; 4]) -> [u32; 4] {
        v
    }

    fn echo_fixed_strings(v: [String; 2]) -> [String; 2] {
        v
    }

    fn echo_grid(v: Grid) -> Grid {
        v
    }

    fn echo_tally(v: Tally) -> Tally {
        v
    }
}
