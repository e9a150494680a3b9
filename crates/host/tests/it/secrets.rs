//! Where the values of secrets come from, and what happens where there are none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use host::Sources;
use host::limits::{PASS_ON_INTERVAL, PASS_ON_PAUSE};
use host::node::NodeSettings;
use host::secrets::{OwnKeyError, Secrets, own_key, secret_of_variable, secret_variable};
use lattice::document::{Document as _, HostRecord, Lease, Part};
use lattice::limits::LEASE_AGE_MAX;
use lattice::secrets::{HostKey, Keeper, Vault, VaultError};
use model::ids::SecretName;
use model::limits::SECRET_BYTES_MAX;
use model::secret::{SecretValue, SecretValueError};
use testkit::application::chain;
use testkit::caller::word;
use testkit::lattice::{AMPLE, Lattice};

/// An application whose actor has a secret in its configuration and one in its environment.
const SHOP: &str = r#"
[application]
name = "shop"
[actors.cart]
component = "{root}/crates/testkit/guests/target/wasm32-wasip2/release/settings.wasm"
config = { currency = "EUR", api-key = { secret = "acme-key" } }
grants.env = { TOKEN = { secret = "token" } }
links."lath:keyvalue/counter" = { to = "kv" }
place = { everywhere = true }
[providers]
kv = { use = "keyvalue/nats" }
[[routes]]
path = "/*"
to = "cart"
"#;

fn name(text: &str) -> SecretName {
    word(text)
}

fn value(text: &str) -> SecretValue {
    SecretValue::new(text.to_owned()).unwrap()
}

/// What the guest says of a value: its length, and its FNV-1a sum.
fn sum(value: &str) -> String {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{} {:016x}", value.len(), value.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

fn write(file: &Path, bytes: &[u8], mode: u32) {
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn variables_and_secrets_name_each_other() {
    for (secret, variable) in [("acme-key", "LATH_SECRET_ACME_KEY"), ("k8s", "LATH_SECRET_K8S")] {
        assert_eq!(secret_variable(&name(secret)), variable);
        assert_eq!(secret_of_variable(variable.strip_prefix("LATH_SECRET_").unwrap()), Some(name(secret)));
    }
    for rest in ["", "_A", "A__B", "acme_key", "A-B", "1A", "A.B"] {
        assert_eq!(secret_of_variable(rest), None, "{rest}");
    }
}

#[tokio::test]
async fn the_first_source_that_has_it_decides() {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file);
    write(&at("both"), b"of the file\n", 0o600);
    write(&at("filed"), b"of the file\n", 0o400);
    let environment =
        [("both", Ok(value("of the environment"))), ("bad", Err(SecretValueError::TooLong))].map(|(n, v)| (name(n), v));
    let secrets = Secrets { environment: environment.into(), folder: Some(folder.path().to_owned()), lattice: None };
    let found = async |secret: &str| match secrets.resolve(&name(secret)).await {
        Ok(value) => value.expose().to_owned(),
        Err(error) => chain(&error).replace(&folder.path().display().to_string(), "FOLDER"),
    };
    assert_eq!(found("both").await, "of the environment");
    assert_eq!(found("filed").await, "of the file");
    insta::assert_snapshot!(
        [
            found("bad").await,
            found("none").await,
            {
                write(&at("open"), b"x", 0o644);
                found("open").await
            },
            {
                write(&at("group"), b"x", 0o640);
                found("group").await
            },
            {
                write(&at("empty"), b"\n", 0o600);
                found("empty").await
            },
            {
                write(&at("long"), &vec![b'x'; SECRET_BYTES_MAX + 1], 0o600);
                found("long").await
            },
            {
                write(&at("bytes"), b"\xff\xfe", 0o600);
                found("bytes").await
            },
            {
                fs::create_dir(at("a-folder")).unwrap();
                found("a-folder").await
            },
        ]
        .join("\n")
    );
    assert!(!format!("{secrets:?}").contains("of the environment"));
}

#[test]
fn a_host_keeps_its_key_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = own_key(&data).unwrap().public();
    assert_eq!(own_key(&data).unwrap().public(), key);
    let file = data.join("sealing.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let told = chain(&own_key(&data).unwrap_err());
    assert!(told.contains("(mode 0640)"), "{told}");
    write(&file, b"nonsense", 0o600);
    let told = chain(&own_key(&data).unwrap_err());
    assert!(told.contains("is damaged") && !told.contains("nonsense"), "{told}");
    write(&file, b"x", 0o000);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(own_key(&data), Err(OwnKeyError::Read(_))));
}

/// A host with these secrets in its environment.
fn with(secrets: &[(&str, &str)]) -> impl FnOnce(&mut NodeSettings) {
    let environment = secrets.iter().map(|(secret, text)| (name(secret), Ok(value(text)))).collect();
    move |settings| {
        settings.sources = Sources { secrets: Secrets { environment, ..Secrets::default() }, ..Sources::default() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lacks_a_secret_starts_once_it_is_set() {
    let mut lattice = Lattice::new();
    lattice.join("a", with(&[("token", "of the environment")])).await.unwrap();
    let version = lattice.up_text(SHOP).await.unwrap();
    let failing = |lattice: &Lattice| {
        let status = lattice.host("a").unwrap().node.status();
        let status = status.borrow();
        let reasons = status.apps.values().flat_map(|app| app.failing.values());
        reasons.map(|reason| chain(&**reason)).next()
    };
    lattice.until("it fails", |lattice| failing(lattice).is_some()).await.unwrap();
    let told = failing(&lattice).unwrap();
    assert_eq!(
        told,
        "actor cart needs the secret `acme-key`: no source of this host has it; run `lath secret set acme-key`, or start \
         the host with LATH_SECRET_ACME_KEY in its environment"
    );
    // Whoever asks for the status is told.
    let operator = lattice.operator();
    let part = Part::Actor(word("cart"));
    let told = async || {
        let hosts = lattice.buckets().hosts.get("a").await.unwrap().unwrap().value.unwrap();
        let record = HostRecord::decode(&hosts).unwrap();
        record.failing.iter().find(|failing| failing.part.as_ref() == Some(&part)).map(|failing| failing.reason.clone())
    };
    while told().await.is_none() {
        tokio::task::yield_now().await;
    }
    assert!(told().await.unwrap().contains("`lath secret set acme-key`"));
    let set = operator.set_secret(&name("acme-key"), &value("of the lattice")).await.unwrap();
    assert_eq!((set.hosts.len(), set.without.len()), (1, 0));
    lattice.running("shop", version, 1).await.unwrap();
    assert_eq!(lattice.answer("a", "/config/api-key").await.unwrap().body, sum("of the lattice"));
    assert_eq!(lattice.answer("a", "/env/TOKEN").await.unwrap().body, sum("of the environment"));
    assert_eq!(lattice.answer("a", "/config/currency").await.unwrap().body, sum("EUR"));
    // A change restarts nothing.
    operator.set_secret(&name("acme-key"), &value("changed")).await.unwrap();
    assert_eq!(lattice.answer("a", "/config/api-key").await.unwrap().body, sum("of the lattice"));
    // A host that comes later is given it by the first, and takes the new value.
    lattice.join("b", with(&[("token", "of b")])).await.unwrap();
    lattice.running("shop", version, 2).await.unwrap();
    assert_eq!(lattice.answer("b", "/config/api-key").await.unwrap().body, sum("changed"));
    assert_eq!(lattice.answer("b", "/env/TOKEN").await.unwrap().body, sum("of b"));
    let listed = operator.secrets().await.unwrap();
    let hosts: Vec<_> = listed[0].hosts.iter().map(ToString::to_string).collect();
    assert_eq!((listed.len(), hosts, listed[0].without.len()), (1, vec!["a".to_owned(), "b".to_owned()], 0));
    operator.remove_secret(&name("acme-key")).await.unwrap();
    let error = operator.remove_secret(&name("acme-key")).await.unwrap_err();
    assert_eq!(error.to_string(), "the lattice has no secret acme-key; there are none");
}

/// A host that only tells of itself, and lives as long as its task.
async fn pretend(lattice: &Lattice, like: &str, host: &str) -> (HostKey, tokio::task::JoinHandle<()>) {
    let buckets = lattice.buckets().clone();
    let record = buckets.hosts.get(like).await.unwrap().unwrap().value.unwrap();
    let key = HostKey::generate();
    let sealing = Some(key.public());
    let record = HostRecord { name: word(host), sealing, planner: false, ..HostRecord::decode(&record).unwrap() };
    buckets.hosts.put(host, record.encode()).await.unwrap();
    let (lease, host) = (Lease { incarnation: record.incarnation }.encode(), host.to_owned());
    let living = tokio::spawn(async move {
        loop {
            buckets.leases.put(&host, lease.clone()).await.unwrap();
            tokio::time::sleep(LEASE_AGE_MAX / 10).await;
        }
    });
    (key, living)
}

/// The first by name of those that can open a secret passes it on; another does where that one has not.
#[tokio::test(flavor = "multi_thread")]
async fn another_passes_on_what_the_first_has_not() {
    let mut lattice = Lattice::new();
    lattice.join("b", |_| {}).await.unwrap();
    lattice.until("b has joined", |lattice| lattice.host("b").unwrap().node.status().borrow().joined).await.unwrap();
    let (_first, first) = pretend(&lattice, "b", "a").await;
    let set = lattice.operator().set_secret(&name("acme-key"), &value("of the lattice")).await.unwrap();
    assert_eq!(set.hosts.len(), 2);
    let (key, late) = pretend(&lattice, "b", "c").await;
    let (vault, keeper) = (Vault::new(lattice.buckets().secrets.clone()), Keeper { host: word("c"), key });
    let give_up = Instant::now() + AMPLE + PASS_ON_INTERVAL;
    let opened = loop {
        match vault.open(&name("acme-key"), &keeper).await {
            Err(VaultError::NotSealed) if Instant::now() < give_up => tokio::time::sleep(PASS_ON_PAUSE).await,
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(opened.unwrap().expose(), "of the lattice");
    assert_eq!(lattice.buckets().secrets.keys("key.>").await.unwrap(), ["key.acme-key.c.b"]);
    first.abort();
    late.abort();
}
