//! The lattice's secrets: whoever they are sealed to opens them, and nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use lattice::document::{Document as _, PassedKey, SealedKey, SealedSecret, UnixMillis};
use lattice::limits::{PASSED_AT_ONCE_MAX, PASSED_TRIED_MAX, SEALED_HOSTS_MAX, SECRETS_MAX};
use lattice::secrets::{HostKey, Keeper, Passed, SealingKey, Vault, VaultError};
use lattice::store::{Bucket, Entry, MemoryBucket, MemoryOptions};
use model::ids::{HostName, SecretName};
use model::secret::SecretValue;

use crate::document::name;

const VALUE: &str = "hunter2, the value itself";

struct Scene {
    bucket: Arc<dyn Bucket>,
    vault: Vault,
}

impl Scene {
    fn new() -> Self {
        let bucket: Arc<dyn Bucket> = Arc::new(MemoryBucket::new("secrets", MemoryOptions::default()));
        Self { vault: Vault::new(bucket.clone()), bucket }
    }

    async fn set(&self, secret: &str, value: &str, hosts: &[&Keeper]) -> SealedSecret {
        let value = SecretValue::new(value.to_owned()).unwrap();
        let by = (name("operator.alice"), UnixMillis(7));
        self.vault.set(&name(secret), &value, by, &keys(hosts)).await.unwrap()
    }

    /// What a host gets: the value, or how it fails.
    async fn opened(&self, secret: &str, keeper: &Keeper) -> Result<Option<String>, VaultError> {
        let found = self.vault.open(&name(secret), keeper).await?;
        Ok(found.map(|value| value.expose().to_owned()))
    }

    async fn entry(&self, key: &str) -> Entry {
        self.bucket.get(key).await.unwrap().unwrap()
    }

    async fn pass_on(&self, keeper: &Keeper, living: &[&Keeper], urgent: bool) -> Passed {
        self.vault.pass_on(keeper, &keys(living), urgent).await.unwrap()
    }
}

fn keeper(host: &str) -> Keeper {
    Keeper { host: name(host), key: HostKey::generate() }
}

fn keys(hosts: &[&Keeper]) -> BTreeMap<HostName, SealingKey> {
    hosts.iter().map(|keeper| (keeper.host.clone(), keeper.key.public())).collect()
}

#[tokio::test]
async fn those_that_a_secret_is_sealed_to_open_it() {
    let scene = Scene::new();
    let (one, two, late) = (keeper("h1"), keeper("h2"), keeper("h3"));
    assert_eq!(scene.opened("acme-key", &one).await.unwrap(), None);
    scene.set("acme-key", VALUE, &[&one, &two]).await;
    for keeper in [&one, &two] {
        assert_eq!(scene.opened("acme-key", keeper).await.unwrap().as_deref(), Some(VALUE));
    }
    assert!(matches!(scene.opened("acme-key", &late).await, Err(VaultError::NotSealed)));
    // A host that lost its key is another one.
    assert!(matches!(scene.opened("acme-key", &keeper("h1")).await, Err(VaultError::NotSealed)));
    let listed = scene.vault.list().await.unwrap();
    let facts = listed[0].facts.as_ref().unwrap();
    assert_eq!(
        (listed.len(), listed[0].name.as_str(), facts.by.as_str(), facts.at.0),
        (1, "acme-key", "operator.alice", 7)
    );
    assert_eq!(facts.opened_by.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["h1", "h2"]);
    assert!(scene.vault.remove(&name("acme-key")).await.unwrap());
    assert!(!scene.vault.remove(&name("acme-key")).await.unwrap());
    assert_eq!(scene.opened("acme-key", &one).await.unwrap(), None);
}

#[tokio::test]
async fn a_host_that_comes_later_is_given_what_another_can_open() {
    let scene = Scene::new();
    let (one, two, late) = (keeper("h1"), keeper("h2"), keeper("h3"));
    scene.set("acme-key", VALUE, &[&one, &two]).await;
    let all = [&one, &two, &late];
    // The first by name does it; the others where it has not. Who cannot open it leaves it.
    assert_eq!(scene.pass_on(&two, &all, false).await, Passed { passed: 0, left: true });
    assert_eq!(scene.pass_on(&late, &all, true).await, Passed { passed: 0, left: true });
    assert_eq!(scene.pass_on(&two, &all, true).await, Passed { passed: 1, left: false });
    assert_eq!(scene.pass_on(&one, &all, false).await, Passed { passed: 0, left: false });
    assert_eq!(scene.opened("acme-key", &late).await.unwrap().as_deref(), Some(VALUE));
    // It can pass it on in turn, and is passed over once it is set anew.
    let later = keeper("h4");
    assert_eq!(scene.pass_on(&late, &[&late, &later], false).await, Passed { passed: 1, left: false });
    assert_eq!(scene.opened("acme-key", &later).await.unwrap().as_deref(), Some(VALUE));
    scene.set("acme-key", "another", &[&one]).await;
    assert_eq!(scene.bucket.keys(">").await.unwrap(), ["value.acme-key"]);
    assert!(matches!(scene.opened("acme-key", &late).await, Err(VaultError::NotSealed)));
    assert_eq!(scene.opened("acme-key", &one).await.unwrap().as_deref(), Some("another"));
}

/// Whoever may write keys can keep a host from opening a secret; it cannot give it another value.
#[tokio::test]
async fn what_is_passed_on_opens_the_operators_bytes_or_nothing() {
    let scene = Scene::new();
    let (one, bad, late) = (keeper("h1"), keeper("a-bad-one"), keeper("h3"));
    scene.set("acme-key", VALUE, &[&one, &bad]).await;
    scene.set("other", "of the bad one", &[&one, &bad]).await;
    // The key of another secret, one that is older, and one that is for somebody else.
    scene.pass_on(&one, &[&one, &bad, &late], true).await;
    let other = PassedKey::decode(&scene.entry("key.other.h3.h1").await.value.unwrap()).unwrap();
    let secret = SealedSecret::decode(&scene.entry("value.acme-key").await.value.unwrap()).unwrap();
    let forged = [
        PassedKey { secret: secret.digest(), key: other.key.clone() },
        PassedKey { secret: model::digest::Digest::of(b"old"), ..other.clone() },
        PassedKey { secret: secret.digest(), key: secret.keys[&bad.host].clone() },
        PassedKey { secret: secret.digest(), key: SealedKey { to: late.key.public(), sealed: vec![0; 80] } },
    ];
    scene.bucket.delete("key.acme-key.h3.h1").await.unwrap();
    for forged in &forged {
        scene.bucket.put("key.acme-key.h3.a-bad-one", forged.encode()).await.unwrap();
        assert!(matches!(scene.opened("acme-key", &late).await, Err(VaultError::NotSealed)), "{forged:?}");
    }
    // Beside one that is good they do no harm; beside too many it is not found.
    scene.vault.pass_on(&one, &keys(&[&one, &late]), true).await.unwrap();
    let good = secret.clone();
    assert_eq!(SealedSecret::decode(&scene.entry("value.acme-key").await.value.unwrap()).unwrap(), good);
    // What stands under one name is not taken for another.
    let value = scene.entry("value.other").await.value.unwrap();
    scene.bucket.put("value.acme-key", value).await.unwrap();
    assert!(matches!(scene.opened("acme-key", &one).await, Err(VaultError::Seal(_))));
}

#[tokio::test]
async fn a_secret_that_does_not_open_keeps_no_other_back() {
    let scene = Scene::new();
    let (one, late) = (keeper("h1"), keeper("h2"));
    let mut damaged = scene.set("acme-key", VALUE, &[&one]).await;
    scene.set("token", VALUE, &[&one]).await;
    damaged.keys.get_mut(&one.host).unwrap().sealed = vec![0; 80];
    scene.bucket.put("value.acme-key", damaged.encode()).await.unwrap();
    assert_eq!(scene.pass_on(&one, &[&one, &late], false).await, Passed { passed: 1, left: true });
    assert_eq!(scene.opened("token", &late).await.unwrap().as_deref(), Some(VALUE));
}

/// A host that lost its key may have been given secrets by many, and each stands until the secret is set again.
#[tokio::test]
async fn what_was_passed_on_to_a_key_that_is_lost_counts_for_nothing() {
    let scene = Scene::new();
    let (one, lost, late) = (keeper("z"), keeper("late"), keeper("late"));
    let set = scene.set("acme-key", VALUE, &[&one]).await;
    for number in 0..PASSED_TRIED_MAX {
        let key = SealedKey { to: lost.key.public(), sealed: vec![0; 80] };
        let from = format!("key.acme-key.late.a{number}");
        scene.bucket.put(&from, PassedKey { secret: set.digest(), key }.encode()).await.unwrap();
    }
    assert_eq!(scene.pass_on(&one, &[&one, &late], false).await, Passed { passed: 1, left: false });
    assert_eq!(scene.opened("acme-key", &late).await.unwrap().as_deref(), Some(VALUE));
}

/// Hosts come and go under ever new names.
#[tokio::test]
async fn what_was_passed_on_to_a_forgotten_host_goes_with_it() {
    let scene = Scene::new();
    let (one, gone, late) = (keeper("h1"), keeper("h2"), keeper("h3"));
    for secret in ["acme-key", "token"] {
        scene.set(secret, VALUE, &[&one]).await;
    }
    scene.pass_on(&one, &[&one, &gone], false).await;
    scene.pass_on(&gone, &[&gone, &late], false).await;
    scene.vault.forget(&gone.host).await.unwrap();
    assert_eq!(scene.bucket.keys("key.>").await.unwrap(), ["key.acme-key.h3.h2", "key.token.h3.h2"]);
    assert_eq!(scene.opened("token", &late).await.unwrap().as_deref(), Some(VALUE));
}

#[tokio::test]
async fn the_value_is_in_no_bytes_that_are_kept() {
    let scene = Scene::new();
    let (one, late) = (keeper("h1"), keeper("h2"));
    scene.set("acme-key", VALUE, &[&one]).await;
    scene.pass_on(&one, &[&one, &late], false).await;
    let secret = SealedSecret::decode(&scene.entry("value.acme-key").await.value.unwrap()).unwrap();
    for key in scene.bucket.keys(">").await.unwrap() {
        let entry = scene.entry(&key).await;
        assert!(!String::from_utf8_lossy(&entry.value.unwrap()).contains(VALUE), "{key}");
    }
    assert!(!secret.sealed.windows(VALUE.len()).any(|bytes| bytes == VALUE.as_bytes()));
    // Equal values have different bytes.
    assert_ne!(scene.set("acme-key", VALUE, &[&one]).await.sealed, secret.sealed);
    assert!(!format!("{one:?}").contains(&*one.key.reveal()), "{one:?}");
}

#[test]
fn keys_are_read_as_they_are_kept() {
    let key = HostKey::generate();
    let read = HostKey::read(&format!("{}\n", &*key.reveal())).unwrap();
    assert_eq!(read.public(), key.public());
    assert_eq!(key.public().to_string().parse::<SealingKey>().unwrap(), key.public());
    for text in ["", "AAAA", "not base64!", &"A".repeat(100)] {
        HostKey::read(text).unwrap_err();
        text.parse::<SealingKey>().unwrap_err();
    }
}

#[tokio::test]
async fn bounds_are_kept() {
    let scene = Scene::new();
    let one = keeper("h1");
    // Hosts beyond the most that are sealed to at once are given a secret like those that come later, some at a time.
    let many: BTreeMap<HostName, SealingKey> =
        (0..SEALED_HOSTS_MAX + 300).map(|number| (name(&format!("h{number}")), one.key.public())).collect();
    let value = SecretValue::new(VALUE.to_owned()).unwrap();
    let by = || (name("operator.alice"), UnixMillis(7));
    let set = scene.vault.set(&name("acme-key"), &value, by(), &many).await.unwrap();
    assert_eq!(set.keys.len(), SEALED_HOSTS_MAX);
    let mut passed = 0;
    for left in [true, false] {
        let done = scene.vault.pass_on(&one, &many, true).await.unwrap();
        assert_eq!(done.left, left);
        assert!(done.passed <= PASSED_AT_ONCE_MAX);
        passed += done.passed;
    }
    assert_eq!(passed, 300);
    // Of many keys that open nothing only some are tried.
    let late = keeper("z");
    for number in 0..=PASSED_TRIED_MAX {
        let key = SealedKey { to: late.key.public(), sealed: vec![0; 80] };
        let from = format!("key.acme-key.z.a{number}");
        scene.bucket.put(&from, PassedKey { secret: set.digest(), key }.encode()).await.unwrap();
    }
    assert!(matches!(scene.opened("acme-key", &late).await, Err(VaultError::NotSealed)));
    for number in 1..SECRETS_MAX {
        let secret: SecretName = name(&format!("s{number}"));
        scene.bucket.put(&format!("value.{secret}"), "x".into()).await.unwrap();
    }
    let more = scene.vault.set(&name("more"), &value, by(), &many).await;
    assert!(matches!(more, Err(VaultError::TooMany)));
    scene.vault.set(&name("acme-key"), &value, by(), &many).await.unwrap();
}
