//! What is no document is refused, with the place and the reason.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use lattice::document::{
    Beat, Document, Drain, HostRecord, IntentDocument, IntentHead, Lease, PassedKey, Pointer, Root, SealedKey,
    SealedSecret, Shard,
};
use lattice::limits::{BEAT_BYTES_MAX, INTENT_BYTES_MAX, SEALED_HOSTS_MAX, SEALED_KEY_BYTES_MAX, VALUE_BYTES_MAX};
use model::ids::HostName;
use model::limits::SECRET_BYTES_MAX;
use proptest::prelude::*;

use super::{beat, drain, head, lease, name, passed, pointer, record, root, sealing_key, secret, shards, views};

fn error<D: Document + Debug>(bytes: &[u8]) -> String {
    D::decode(bytes).unwrap_err().to_string()
}

fn too_many_keys() -> BTreeMap<HostName, SealedKey> {
    let key = || SealedKey { to: sealing_key(), sealed: vec![0; 80] };
    (0..=SEALED_HOSTS_MAX).map(|number| (name(&format!("h{number}")), key())).collect()
}

fn long_key() -> SealedKey {
    SealedKey { to: sealing_key(), sealed: vec![0; SEALED_KEY_BYTES_MAX + 1] }
}

/// A good document with a part of its text replaced.
fn with<D: Document + Debug>(document: &D, from: &str, to: &str) -> String {
    let text = String::from_utf8(document.encode().to_vec()).unwrap();
    assert!(text.contains(from), "`{from}` is not in {text}");
    error::<D>(text.replacen(from, to, 1).as_bytes())
}

#[test]
fn errors_say_which_document_which_field_and_what_to_do() {
    let [index, host, app] = shards();
    let intent = views::document();
    let mut told = String::new();
    for line in [
        with(&head(), "\"format\":1", "\"format\":3"),
        with(&head(), "\"format\":1", "\"format\":0"),
        with(&head(), "\"format\":1,", ""),
        with(&head(), "\"version\":3", "\"version\":-3"),
        with(&head(), "operator.alice", "a\\u001b[31m"),
        with(&head(), "sha256:", "md5:"),
        with(&head(), "\"version\"", "\"vresion\""),
        with(&head(), "}", ",\"more\":1}"),
        with(&head(), "}", ""),
        with(&head(), "}", "} x"),
        with(&record(), "\"name\":\"h1\"", "\"name\":\"H1\""),
        with(&record(), "\"cart\"", "\"Cart\""),
        with(&record(), "\"zone\":\"eu-1.a\"", "\"zone\":\"eu 1\""),
        with(&record(), "127.0.0.1:8080", "127.0.0.1"),
        with(&record(), "\"unsafe\"", "\"dangerous\""),
        with(&lease(), "7", "\"7\""),
        with(&drain(), "true", "1"),
        with(&drain(), "\"force\"", "\"forced\""),
        with(&secret(), "AAECAwQFBgcI", "AAECAwQFBgc"),
        with(&secret(), "\"h1\"", "\"H1\""),
        with(&secret(), "\"at\"", "\"att\""),
        with(&SealedSecret { sealed: vec![0; SECRET_BYTES_MAX + 1_000], ..secret() }, "\"at\"", "\"at\""),
        with(&SealedSecret { keys: too_many_keys(), ..secret() }, "\"at\"", "\"at\""),
        with(&passed(), "sha256:", "md5:"),
        with(&PassedKey { key: long_key(), ..passed() }, "\"to\"", "\"to\""),
        with(&beat(), "\"draining\"", "\"asleep\""),
        with(&beat(), "\"shop/kv\"", "\"shop\""),
        with(&root(), "\"63\"", "\"64\""),
        with(&root(), "\"63\"", "\"256\""),
        with(&pointer(), "sha256:", "sha256:00"),
        with(&index, "host.h1", "actor.h1"),
        with(&host, "\"shop\"", "\"Shop\""),
        with(&host, "\"host\"", "\"hots\""),
        with(&app, "[0,2]", "[0,3]"),
        with(&app, "\"kv\":[1]", "\"kv\":[4000000000]"),
        with(&intent, "\"size\":1000", "\"size\":\"1000\""),
        with(&intent, "{\"list\":2}", "{\"list\":3}"),
        with(&intent, "{\"list\":2}", "{\"array\":2}"),
        with(&intent, "\"result\":8", "\"result\":200"),
        error::<Shard>(b"{\"format\":1}"),
        error::<IntentHead>(b""),
        error::<Lease>(b"\xff"),
    ] {
        writeln!(told, "{line}").unwrap();
    }
    insta::assert_snapshot!("errors", told);
}

#[test]
fn what_is_too_long_is_not_even_read() {
    let space = |length: usize| vec![b' '; length + 1];
    assert!(error::<Lease>(&space(VALUE_BYTES_MAX)).contains("1048577 bytes, 1048576 are the most"));
    assert!(error::<Beat>(&space(BEAT_BYTES_MAX)).contains("65537 bytes, 65536 are the most"));
    assert!(error::<IntentDocument>(&space(INTENT_BYTES_MAX)).contains("16777217 bytes, 16777216 are the most"));
    assert!("a".repeat(lattice::limits::AUTHOR_BYTES_MAX + 1).parse::<lattice::document::Author>().is_err());
}

#[test]
fn what_is_nested_deep_is_passed_over_without_being_followed() {
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let text = String::from_utf8(record().encode().to_vec()).unwrap();
    let more = text.replacen("\"format\":1", &format!("\"format\":1,\"later\":{nested}"), 1);
    assert_eq!(HostRecord::decode(more.as_bytes()).unwrap(), record());
    let broken = text.replacen("[\"keyvalue/embedded\"", &format!("[{nested}"), 1);
    assert!(error::<HostRecord>(broken.as_bytes()).contains("kinds"));
}

fn decode_all(bytes: &[u8]) {
    let _ = IntentHead::decode(bytes);
    let _ = IntentDocument::decode(bytes);
    let _ = HostRecord::decode(bytes);
    let _ = Lease::decode(bytes);
    let _ = Drain::decode(bytes);
    let _ = Beat::decode(bytes);
    let _ = Root::decode(bytes);
    let _ = Pointer::decode(bytes);
    let _ = Shard::decode(bytes);
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(which in 0..9_usize, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let [index, host, app] = shards();
        let all = [
            head().encode(), record().encode(), lease().encode(), beat().encode(), root().encode(),
            index.encode(), host.encode(), app.encode(), views::document().encode(),
        ];
        let mut bytes = all[which].to_vec();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        decode_all(&bytes);
    }
}
