//! One contract through two links reaches two stores.

use crate::scene::{assert_get, start};

/// Imports under `implements` labels in a core module that Lath wraps; plain named imports whose links state the contract.
const COUNTERS: [(&str, &str); 2] = [
    ("wasm32-unknown-unknown/release/two_counters_labels.wasm", ""),
    ("wasm32-wasip2/release/two_counters_named.wasm", r#", contract = "lath:keyvalue/counter""#),
];

async fn check(stores: &str, primary: &str, backup: &str, expected: [&str; 2]) {
    for (component, contract) in COUNTERS {
        let running = start(&format!(
            r#"
            [application]
            name = "test"
            [actors.two]
            component = "{{root}}/crates/testkit/guests/target/{component}"
            links.primary = {{ to = "{primary}"{contract} }}
            links.backup = {{ to = "{backup}"{contract} }}
            [[routes]]
            path = "/*"
            to = "two"
            [providers]
            {stores}"#
        ))
        .await;
        for body in expected {
            assert_get(&running, "/a", 200, body).await;
        }
        running.host.drain().await.unwrap();
    }
}

const APART: [&str; 2] = [r#"{"primary":1,"backup":10}"#, r#"{"primary":2,"backup":20}"#];
const TOGETHER: [&str; 2] = [r#"{"primary":1,"backup":11}"#, r#"{"primary":12,"backup":22}"#];

#[tokio::test(flavor = "multi_thread")]
async fn two_links_reach_two_stores_of_one_kind() {
    let stores = "one = { use = \"keyvalue/memory\" }\nother = { use = \"keyvalue/memory\" }";
    check(stores, "one", "other", APART).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_links_reach_two_stores_of_two_kinds() {
    let stores = "one = { use = \"keyvalue/memory\" }\nother = { use = \"keyvalue/embedded\" }";
    check(stores, "other", "one", APART).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_links_may_reach_one_store() {
    check("one = { use = \"keyvalue/memory\" }", "one", "one", TOGETHER).await;
}
