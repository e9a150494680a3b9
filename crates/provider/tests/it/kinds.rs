//! The catalogue and the configuration of its kinds.

use std::sync::Arc;

use model::secret::SecretValue;
use provider::limits::{EMBEDDED_KEYS_MAX, MEMORY_KEYS_MAX};
use provider::{ConfigValue, State, catalogue, contracts};

use crate::client::{text, try_open};

#[test]
fn the_catalogue_says_what_there_is() {
    let seen: Vec<_> = catalogue().iter().map(|kind| (kind.name(), kind.state())).collect();
    let expected = [
        ("keyvalue/embedded", State::Local),
        ("keyvalue/memory", State::Local),
        ("keyvalue/nats", State::Shared),
        ("keyvalue/redis", State::Shared),
    ];
    assert_eq!(seen, expected);
    for kind in catalogue() {
        let offers = kind.offers().unwrap();
        assert!(Arc::ptr_eq(&offers[0], &contracts::counter().unwrap()), "one contract, wherever it is asked for");
    }
}

#[test]
fn wrong_configuration_is_refused_with_the_mend() {
    let check = |use_: &str, entries: &[(&str, ConfigValue)], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let error = try_open(use_, entries, folder.path()).map(drop).unwrap_err().to_string();
        assert_eq!(error, expected);
    };
    check(
        "keyvalue/etcd",
        &[],
        "provider `kv` uses `keyvalue/etcd`, which does not exist: use one of `keyvalue/embedded`, `keyvalue/memory`, \
         `keyvalue/nats`, `keyvalue/redis`",
    );
    check(
        "keyvalue/redis",
        &[],
        "provider `kv`: `url` is absent, but takes the address of the server, such as `redis://localhost:6379`",
    );
    check(
        "keyvalue/redis",
        &[("url", text("http://user:password@localhost"))],
        "provider `kv` cannot use its server as it is configured: check `url` and `ca`",
    );
    check(
        "keyvalue/nats",
        &[],
        "provider `kv` uses `keyvalue/nats`, which keeps its state in a lattice: run the application on one with `lath \
         up`, or use a kind such as `keyvalue/embedded` here",
    );
    check(
        "keyvalue/memory",
        &[("durability", text("commit"))],
        "provider `kv` is configured with `durability`, which `keyvalue/memory` does not know: it knows `max-keys`, \
         `max-bytes`",
    );
    check(
        "keyvalue/embedded",
        &[("durability", text("never"))],
        "provider `kv`: `durability` is \"never\", but takes `commit`, `interval`",
    );
    check(
        "keyvalue/embedded",
        &[("durability", ConfigValue::Boolean(true))],
        "provider `kv`: `durability` is true, but takes `commit`, `interval`",
    );
    let over = |max: usize| [("max-keys", ConfigValue::Integer(i64::try_from(max).unwrap() + 1))];
    check(
        "keyvalue/memory",
        &over(MEMORY_KEYS_MAX),
        "provider `kv`: `max-keys` is 1000001, but takes a whole number from 1 to 1000000",
    );
    check(
        "keyvalue/embedded",
        &over(EMBEDDED_KEYS_MAX),
        "provider `kv`: `max-keys` is 1000000001, but takes a whole number from 1 to 1000000000",
    );
    check(
        "keyvalue/memory",
        &[("max-keys", ConfigValue::Integer(0))],
        "provider `kv`: `max-keys` is 0, but takes a whole number from 1 to 1000000",
    );
}

#[test]
fn a_secret_stays_one_whatever_is_wrong_with_it() {
    const VALUE: &str = "hunter2";
    let secret = |text: &str| ConfigValue::Secret(SecretValue::new(text.to_owned()).unwrap());
    let check = |use_: &str, entries: &[(&str, ConfigValue)], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let error = try_open(use_, entries, folder.path()).map(drop).unwrap_err();
        let mut told = format!("{error}: {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            told = format!("{told}: {inner}: {inner:?}");
            source = inner.source();
        }
        assert!(told.contains(expected) && !told.contains(VALUE), "{told}");
    };
    check("keyvalue/embedded", &[("durability", secret(VALUE))], "`durability` is a secret, but takes `commit`, ");
    check("keyvalue/memory", &[("max-keys", secret(VALUE))], "`max-keys` is a secret, but takes a whole number");
    check(
        "keyvalue/redis",
        &[("url", text("redis://a")), ("ca", secret(VALUE))],
        "`ca` is a secret, but takes the path",
    );
    check(
        "keyvalue/redis",
        &[("url", text("redis://a")), ("prefix", secret(VALUE))],
        "`prefix` is a secret, but takes a name",
    );
    for url in [
        VALUE,
        "http://hunter2@localhost",
        "redis://:hunter2@",
        "redis://:hunter2@localhost:hunter2",
        "redis://:hunter2@localhost/hunter2",
        "redis://:hunter2@localhost?protocol=hunter2",
        "rediss://:hunter2@localhost#hunter2",
        "redis+unix:///hunter2?db=hunter2",
        "unix://hunter2?db=hunter2",
    ] {
        check("keyvalue/redis", &[("url", secret(url))], "check `url` and `ca`");
    }
}
