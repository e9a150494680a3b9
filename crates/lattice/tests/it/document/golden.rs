//! The bytes of every document as this version writes them. They must not change within a format.

use std::fmt::Debug;
use std::sync::Arc;

use lattice::document::{
    BUCKETS, Document, Failing, HostRecord, IntentDocument, Part, PlatformCode, PointerKey, ROOT_KEY, Shard,
    StoredGenerator, shard_key,
};

use model::placement::{AppPlacement, Earlier, Ready, Refusal, Share};
use model::wire::{WireVersion, Wires};

use super::{
    beat, digest, drain, head, lease, name, passed, placement, pointer, record, root, sealing_key, secret, settings,
    shards, views,
};

/// The text of a document that was written, read, and written again.
fn text<D: Document + PartialEq + Debug>(document: &D) -> String {
    let bytes = document.encode();
    let read = D::decode(&bytes).unwrap();
    assert_eq!(read, *document);
    assert_eq!(read.encode(), bytes);
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn documents_have_the_bytes_they_always_had() {
    insta::assert_snapshot!("head", text(&head()));
    insta::assert_snapshot!("head-down", text(&lattice::document::IntentHead { document: None, ..head() }));
    insta::assert_snapshot!("record", text(&record()));
    insta::assert_snapshot!(
        "record-sealing",
        text(&HostRecord { sealing: Some(sealing_key()), settings: settings(2), ..record() })
    );
    let unwell = Failing::new(name("shop"), Some(Part::Provider(name("kv"))), "the server is gone");
    let record_unwell = HostRecord { unwell: vec![unwell], failing: Vec::new(), ..record() };
    insta::assert_snapshot!("record-unwell", text(&record_unwell));
    insta::assert_snapshot!("secret", text(&secret()));
    insta::assert_snapshot!("secret-passed", text(&passed()));
    insta::assert_snapshot!("lease", text(&lease()));
    insta::assert_snapshot!("beat", text(&beat()));
    insta::assert_snapshot!("drain", text(&drain()));
    insta::assert_snapshot!("root", text(&root()));
    insta::assert_snapshot!("pointer", text(&pointer()));
    for (shard, called) in shards().iter().zip(["index", "host", "app"]) {
        insta::assert_snapshot!(format!("shard-{called}"), text(shard));
        assert_eq!(shard.digest(), model::digest::Digest::of(&shard.encode()));
    }
    insta::assert_snapshot!("intent", text(&views::document()));
}

#[test]
fn what_tells_of_a_rollout_has_the_bytes_it_always_had() {
    let refusal = |version| Refusal { version, reason: "it traps".to_owned() };
    let share = Share::per_mille(125);
    insta::assert_snapshot!("head-canary", text(&lattice::document::IntentHead { share, ..head() }));
    let ready = [(name("shop"), Ready { version: 3, tried: Some(4), ..Ready::default() })].into();
    let refused = [(name("shop"), refusal(4))].into();
    insta::assert_snapshot!("record-refusing", text(&HostRecord { ready, refused, ..record() }));
    let ready = [(name("shop"), Ready { version: 4, watched: true, ..Ready::default() })].into();
    insta::assert_snapshot!("record-watching", text(&HostRecord { ready, ..record() }));
    let before = Some(Earlier { version: 2, intent: digest("e") });
    let placed = AppPlacement { before, share, ..placement() };
    insta::assert_snapshot!("shard-app-on-trial", text(&Shard::App(Arc::new(placed))));
    let placed = AppPlacement { refused: Some(refusal(4)), ..placement() };
    insta::assert_snapshot!("shard-app-rolled-back", text(&Shard::App(Arc::new(placed))));
    let patched = [name("cart")].into();
    insta::assert_snapshot!("intent-patched", text(&IntentDocument { patched, ..views::document() }));
    let wires = Wires::new(WireVersion::V1, WireVersion::ALL);
    insta::assert_snapshot!("intent-wires", text(&IntentDocument { wires, ..views::small() }));
    let substitutes = vec![views::substitute()];
    let code = PlatformCode {
        wire: WireVersion::V2,
        generator: Some(StoredGenerator {
            digest: digest("g"),
            size: 9,
            name: "acme".to_owned(),
            version: "3".to_owned(),
        }),
        substitutes: substitutes.clone(),
        ..PlatformCode::built_in(head().by)
    };
    insta::assert_snapshot!("platform", text(&code));
    insta::assert_snapshot!("intent-substitutes", text(&IntentDocument { substitutes, ..views::small() }));
}

#[test]
fn wires_that_nobody_knows_are_refused() {
    let written = |document: &IntentDocument| String::from_utf8(document.encode().to_vec()).unwrap();
    let wires = written(&IntentDocument { wires: Wires::new(WireVersion::V2, [WireVersion::V2]), ..views::small() });
    let substitutes = written(&IntentDocument { substitutes: vec![views::substitute()], ..views::small() });
    for (text, field) in [
        (wires.replace("\"send\":2", "\"send\":9"), "wires"),
        (wires.replace("[2]", "[0]"), "wires"),
        (substitutes.replace("\"wire\":2", "\"wire\":7"), "substitutes.0"),
    ] {
        let error = IntentDocument::decode(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("there is no version"), "{error}\n{text}");
    }
}

#[test]
fn keys_of_the_blueprint_are_read_as_they_are_written() {
    assert_eq!(ROOT_KEY, "root");
    assert_eq!(shard_key(digest("a")), format!("shard.{}", digest("a").hex()));
    assert_ne!(Shard::nothing_digest(), digest("a"));
    for (key, text) in [(PointerKey::Host(name("h1")), "at.host.h1"), (PointerKey::App(name("shop")), "at.app.shop")] {
        assert_eq!(key.key(), text);
        assert_eq!(PointerKey::of_key(text).unwrap(), key);
    }
    for text in ["", "at", "at.", "at.host", "at.host.", "at.host.A", "at.host.a.b", "host.h1", "at.actor.a", "root"] {
        assert!(PointerKey::of_key(text).is_err(), "`{text}`");
    }
}

#[test]
fn keys_spread_over_the_buckets_of_the_index() {
    let mut counts = [0_u32; BUCKETS as usize];
    for number in 0..6400 {
        counts[usize::from(PointerKey::Host(name(&format!("h{number}"))).bucket())] += 1;
    }
    assert!(counts.iter().all(|count| (50..=150).contains(count)), "{counts:?}");
    // Every version must agree.
    let buckets: Vec<u8> = ["h1", "h2", "h3"].iter().map(|host| PointerKey::Host(name(host)).bucket()).collect();
    insta::assert_debug_snapshot!("buckets", buckets);
}
