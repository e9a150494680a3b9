use std::collections::BTreeSet;

use lattice::calls::Window;
use lattice::limits::REPLAY_WINDOW;
use proptest::prelude::*;

#[test]
fn a_number_is_new_once() {
    let mut window = Window::default();
    for (number, new) in [
        (0, false),
        (1, true),
        (1, false),
        (5, true),
        (3, true),
        (3, false),
        (REPLAY_WINDOW + 5, true),
        (5, false),
        (6, true),
        (6, false),
        (1_000_000, true),
        (1_000_000 - REPLAY_WINDOW, false),
        (1_000_001 - REPLAY_WINDOW, true),
        (u64::MAX, true),
        (u64::MAX, false),
        (u64::MAX - 1, true),
        (u64::MAX - REPLAY_WINDOW, false),
        (1, false),
    ] {
        assert_eq!(window.take(number), new, "{number}");
    }
}

/// How far the next number is from the last.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let width = i64::try_from(REPLAY_WINDOW).unwrap();
    let step = prop_oneof![8 => -3_i64..=6, 2 => -width - 5..=width + 5, 1 => -3 * width..=5 * width];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    /// Against a set that remembers everything.
    #[test]
    fn it_never_takes_a_number_twice_nor_refuses_one_that_it_can_tell(steps in steps()) {
        let (mut window, mut seen) = (Window::default(), BTreeSet::new());
        let mut number = 1_u64;
        for step in steps {
            number = number.saturating_add_signed(step).max(1);
            let latest = seen.last().copied().unwrap_or(0);
            let tellable = number + REPLAY_WINDOW > latest;
            prop_assert_eq!(window.take(number), tellable && !seen.contains(&number), "{}", number);
            if tellable {
                seen.insert(number);
            }
        }
    }
}
