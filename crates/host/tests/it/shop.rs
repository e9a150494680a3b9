//! A contract of one's own, a Rust actor that calls a Python actor, over every reach.

use std::collections::BTreeSet;

use model::digest::Digest;
use model::manifest::Reach;
use testkit::application::{Running, root, run};

use crate::scene::{assert_get, start};

const ORDER: &str = r#"{"country":"de","lines":[{"item":{"name":"book","price-cents":1250,"quantity":2},"net-cents":2500,"rate":{"reduced":700},"tax-cents":175},{"item":{"name":"stamp","price-cents":95,"quantity":1},"net-cents":95,"rate":"exempt","tax-cents":0},{"item":{"name":"wine","price-cents":990,"quantity":1},"net-cents":990,"rate":{"standard":1900},"tax-cents":188}],"net-cents":3585,"tax-cents":363,"total-cents":3948}"#;
const NO_NAME: &str = r#"{"error":{"bad-item":{"flaw":"no-name","item":{"name":"","price-cents":990,"quantity":1}}}}"#;

/// Answers that no reach may change.
const ANSWERS: [(&str, u16, &str); 5] = [
    ("/cart?item=book:2:1250&item=stamp:1:95&item=wine:1:990&country=de", 200, ORDER),
    ("/cart?country=fr", 200, r#"{"country":"fr","lines":[],"net-cents":0,"tax-cents":0,"total-cents":0}"#),
    ("/cart?item=book:1:1250&country=xx", 422, r#"{"error":{"unknown-country":"xx"}}"#),
    ("/cart?item=:1:990", 422, NO_NAME),
    ("/cart?thing=1", 400, r#"{"error":{"bad-request":"unknown parameter `thing`; use `item` and `country`"}}"#),
];

/// The example's manifest with another word, in a folder elsewhere.
async fn with_reach(reach: Reach) -> Running {
    let example = std::fs::read_to_string(root().join("examples/shop/lath.toml")).unwrap();
    let kept: Vec<&str> =
        example.lines().filter(|line| !line.starts_with("build") && *line != "manifest = 1").collect();
    let text = kept.join("\n").replace("component = \"", "component = \"{root}/examples/shop/");
    let link = r#"{ to = "tax" }"#;
    assert!(text.contains(link), "the example's link looks otherwise");
    start(&text.replace(link, &format!(r#"{{ to = "tax", reach = "{reach}" }}"#))).await
}

fn components(running: &Running) -> BTreeSet<Digest> {
    running.application.intent().components.values().map(|view| view.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_are_the_same_over_every_reach() {
    let example = run(&root().join("examples/shop")).await.unwrap();
    let (same, mut stores) = (components(&example), Vec::new());
    example.host.drain().await.unwrap();
    for reach in Reach::ALL {
        let running = with_reach(reach).await;
        assert_eq!(components(&running), same, "{reach}");
        for (path, status, body) in ANSWERS {
            assert_get(&running, path, status, body).await;
        }
        let calls = running.host.stats().actors.values().map(|actor| actor.calls).collect::<Vec<u64>>();
        stores.push((reach, calls));
        running.host.drain().await.unwrap();
    }
    // Every request but the last asks for the tax. Fused, it is a part of the cart and no actor is called.
    assert_eq!(stores, [(Reach::Fused, vec![5]), (Reach::Host, vec![5, 4]), (Reach::Lattice, vec![5, 4])]);
}
