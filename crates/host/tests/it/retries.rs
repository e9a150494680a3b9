//! Which failed calls are tried again, for how long, and how often in all.

use std::time::Duration;

use host::limits::{RETRIES_RESERVE, RETRY_PERCENT, TRIES_MAX, UNKNOWN_TRIES_MAX};
use host::retry::{Budget, Tries};
use model::failure::{Failure, Progress, RpcError};
use proptest::prelude::*;

fn transport() -> RpcError {
    RpcError::Transport("gone".to_owned())
}

#[test]
fn what_is_tried_again() {
    let unknown = |error: fn(String) -> RpcError| Failure::unknown(error(String::new()));
    let refused = |error: fn(String) -> RpcError| Failure::not_started(error(String::new()));
    let cases = [
        // Refused by the state of a host: another may be in a better one.
        (refused(RpcError::Transport), true, true),
        (refused(RpcError::HostError), true, true),
        (refused(RpcError::ProviderInit), true, true),
        // Its part of the deadline passed while it waited to begin.
        (refused(RpcError::DeadlineExceeded), true, true),
        // Refused for what the call is: it is that everywhere.
        (refused(RpcError::InvalidParameter), false, false),
        (refused(RpcError::Deser), false, false),
        (refused(RpcError::MethodNotHandled), false, false),
        // It may have run.
        (unknown(RpcError::Transport), false, true),
        (unknown(RpcError::DeadlineExceeded), false, true),
        (unknown(RpcError::ActorHandler), false, true),
        (unknown(RpcError::HostError), false, true),
        // It did run, and gave something that nobody can read.
        (unknown(RpcError::Deser), false, false),
    ];
    for (failure, ordinary, idempotent) in cases {
        let again = |idempotent| Tries::new(idempotent).again(&failure, &Budget::default(), true);
        assert_eq!((again(false), again(true)), (ordinary, idempotent), "{failure:?}");
    }
}

#[test]
fn tries_are_bounded() {
    let budget = Budget::default();
    let alone = Tries::new(true).again(&Failure::unknown(transport()), &budget, false);
    assert_eq!((alone, budget.retries()), (false, RETRIES_RESERVE), "nowhere to go, nothing to pay");
    let count = |failure: Failure| {
        let mut tries = Tries::new(true);
        1 + (0..100).take_while(|_| tries.again(&failure, &budget, true)).count()
    };
    assert_eq!(count(Failure::not_started(transport())), TRIES_MAX as usize);
    assert_eq!(count(Failure::unknown(transport())), UNKNOWN_TRIES_MAX as usize);
}

#[test]
fn once_unknown_always_unknown() {
    let (budget, refused) = (Budget::default(), Failure::not_started(transport()));
    let mut tries = Tries::new(true);
    assert!(tries.again(&refused, &budget, true));
    assert_eq!(tries.verdict(refused.clone()).progress, Progress::NotStarted);
    assert!(tries.again(&Failure::unknown(transport()), &budget, true));
    assert!(tries.again(&refused, &budget, true));
    assert_eq!(tries.verdict(refused).progress, Progress::Unknown);
}

#[test]
fn a_try_has_its_part_of_the_deadline() {
    let (whole, budget) = (Duration::from_secs(3), Budget::default());
    assert_eq!(Tries::new(false).patience(whole, true), whole);
    let mut tries = Tries::new(true);
    assert_eq!(tries.patience(whole, false), whole);
    assert_eq!(tries.patience(whole, true), Duration::from_secs(1));
    assert!(tries.again(&Failure::unknown(transport()), &budget, true));
    assert_eq!(tries.patience(Duration::from_secs(2), true), Duration::from_secs(1));
    assert!(tries.again(&Failure::unknown(transport()), &budget, true));
    assert_eq!(tries.patience(Duration::from_secs(1), true), Duration::from_secs(1));
}

#[test]
fn an_empty_budget_pays_for_nothing_until_calls_have_earned_it() {
    let budget = Budget::default();
    assert_eq!(budget.retries(), RETRIES_RESERVE);
    assert_eq!((0..100).take_while(|_| budget.pay()).count(), RETRIES_RESERVE as usize);
    let calls = 100 / RETRY_PERCENT;
    (1..calls).for_each(|_| budget.earn());
    assert!(!budget.pay());
    budget.earn();
    assert!(budget.pay());
    assert!(!budget.pay());
    (0..1_000_000).for_each(|_| budget.earn());
    assert_eq!(budget.retries(), RETRIES_RESERVE);
    // A call that was refused before it started costs nothing.
    let failure = Failure::not_started(transport());
    (0..100).for_each(|_| assert!(Tries::new(true).again(&failure, &budget, true)));
    assert_eq!(budget.retries(), RETRIES_RESERVE);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However calls and failures mix, retries are a fifth of the calls and the reserve at most, and not fewer than
    /// what was saved up.
    #[test]
    fn retries_are_a_fifth_of_calls(calls in proptest::collection::vec(any::<bool>(), 0..2_000)) {
        let budget = Budget::default();
        let (mut made, mut paid) = (0_u32, 0_u32);
        for fails in calls {
            made += 1;
            budget.earn();
            let left = budget.retries();
            let pays = fails && budget.pay();
            prop_assert_eq!(pays, fails && left > 0);
            paid += u32::from(pays);
            prop_assert!(paid * 100 <= made * RETRY_PERCENT + RETRIES_RESERVE * 100);
        }
    }
}
