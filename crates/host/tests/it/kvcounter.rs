//! The article's example, in three languages, over HTTP and a durable store.

use std::collections::BTreeSet;
use std::sync::Arc;

use adapter::generate::generate;
use host::application::Application;
use model::blueprint::{Blueprint, WireTo};
use model::contract::Contract;
use model::digest::Digest;
use model::wire::Side;
use testkit::application::{root, run, run_with};

use crate::scene::assert_get;

const LANGUAGES: [&str; 3] = ["examples/kvcounter", "examples/kvcounter/js", "examples/kvcounter/python"];

/// Requests in this order, with the count that each gives.
const COUNTS: [(&str, i32); 20] = [
    ("/a/b?amount=5", 5),
    ("/a/b", 6),
    // The same key: a slash becomes a colon.
    ("/a:b", 7),
    // The path is taken as it is written.
    ("/a%2Fb", 1),
    ("/", 1),
    ("/none?amount=none", 1),
    ("/none?amount=", 2),
    ("/none?amount", 3),
    ("/none?amount=1.5", 4),
    ("/none?amount=2147483648", 5),
    ("/none?amount=99999999999999999999", 6),
    // Form decoding: a plus sign is a space.
    ("/none?amount=+5", 7),
    ("/decoded?amount=%35", 5),
    ("/decoded?%61mount=%2B2", 7),
    ("/decoded?other=9&amount=3", 10),
    ("/decoded?amount=4&amount=9", 14),
    ("/decoded?amount=%zz", 15),
    ("/below?amount=-3", -3),
    ("/max?amount=2147483647", 2_147_483_647),
    ("/min?amount=-2147483648", -2_147_483_648),
];

/// Requests that the store refuses, with the error in the answer.
const REFUSED: [(&str, &str); 2] = [
    (
        "/max",
        r#"RpcError::InvalidParameter(\"counter `counter:max` is 2147483647: adding 1 goes beyond 32 bits, nothing was changed\")"#,
    ),
    (
        "/min?amount=-1",
        r#"RpcError::InvalidParameter(\"counter `counter:min` is -2147483648: adding -1 goes beyond 32 bits, nothing was changed\")"#,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn three_languages_behave_alike() {
    for example in LANGUAGES {
        let running = run(&root().join(example)).await.unwrap();
        for (path, count) in COUNTS {
            assert_get(&running, path, 200, &format!(r#"{{"counter":{count}}}"#)).await;
        }
        for (path, error) in REFUSED {
            assert_get(&running, path, 500, &format!(r#"{{"error":"{error}"}}"#)).await;
        }
        running.host.drain().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_outlives_the_host() {
    let data = tempfile::tempdir().unwrap();
    for count in 1..=3 {
        let running = run_with(&root().join(LANGUAGES[0]), data.path()).await.unwrap();
        assert_get(&running, "/", 200, &format!(r#"{{"counter":{count}}}"#)).await;
        running.host.drain().await.unwrap();
    }
}

#[test]
fn three_languages_share_their_adapters() {
    let adapters = LANGUAGES.map(|example| {
        let application = Application::open(&root().join(example), &mut |_| {}).unwrap();
        adapters(&application.plan(None).unwrap().blueprint)
    });
    assert_eq!(adapters[0].len(), 2, "a sender of the store and a receiver of requests");
    assert_eq!((&adapters[1], &adapters[2]), (&adapters[0], &adapters[0]));
}

/// The adapters of the two contracts in the composites: what for, and the digest of their bytes. A toolchain may
/// export interfaces of its own.
fn adapters(blueprint: &Blueprint) -> BTreeSet<(String, Digest)> {
    let named = |side, contract: &Arc<Contract>| {
        (format!("{side} of {}", contract.name), Digest::of(&generate(contract, side).unwrap()))
    };
    let mut found = BTreeSet::new();
    for plan in blueprint.composites.values() {
        found.extend(plan.receivers.iter().map(|receiver| named(Side::Receiver, &receiver.contract)));
        for wire in plan.members.iter().flat_map(|member| &member.wires) {
            if let WireTo::Sender(sender) = &wire.to {
                found.insert(named(Side::Sender, &sender.contract));
            }
        }
    }
    found.retain(|(name, _)| name.contains(" of lath:"));
    found
}
