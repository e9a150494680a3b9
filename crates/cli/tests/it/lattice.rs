//! `lath lattice`: the folder that it writes, and that real servers and hosts take what is in it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lattice::connect::{ConnectError, ConnectSettings, Connection};

use crate::lath::{Ended, command, command_named, ended, lath, lath_in};

const PATIENCE: Duration = Duration::from_secs(60);

/// The text without keys, which differ from run to run.
fn redacted(text: &str) -> String {
    let words = |line: &str| {
        let is_key =
            |word: &&str| word.len() == 56 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        line.split(' ').map(|word| if is_key(&word) { "KEY" } else { word }).collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(words).collect()
}

/// Every file below `folder`, with the bits of its mode.
fn modes(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            found.push(format!("{} {mode:o}", entry.path().strip_prefix(folder).unwrap().display()));
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_command_has_help() {
    for args in
        [&["lattice"][..], &["lattice", "init"], &["lattice", "grant"], &["lattice", "revoke"], &["lattice", "list"]]
    {
        let help = lath(args.iter().chain(&["--help"]));
        insta::assert_snapshot!(format!("help-{}", args.join("-")), help.success());
    }
}

#[test]
fn init_writes_a_folder_that_its_owner_alone_reads() {
    let folder = tempfile::tempdir().unwrap();
    let ended = lath_in(folder.path(), ["lattice", "init", "demo", "--hosts", "h1,h2"]);
    insta::assert_snapshot!("init", ended.success());
    let demo = folder.path().join("demo");
    assert_eq!(fs::metadata(&demo).unwrap().permissions().mode() & 0o777, 0o700);
    insta::assert_snapshot!("init-files", modes(&demo).join("\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    insta::assert_snapshot!("init-host", fs::read_to_string(demo.join("h2.toml")).unwrap());
    for name in ["h1", "h2"] {
        let file = host::config::read(&demo.join(format!("{name}.toml"))).unwrap();
        assert_eq!(file.host.name.as_str(), name);
        assert!(file.lattice.credentials.unwrap().is_file());
    }
    let conf = fs::read_to_string(demo.join("nats-1.conf")).unwrap();
    let whole = folder.path().canonicalize().unwrap();
    insta::assert_snapshot!("init-server", conf.replace(&whole.display().to_string(), "FOLDER"));
}

#[test]
fn init_sets_up_three_servers_with_tls() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["cert.pem", "key.pem", "ca.pem"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let args = "lattice init demo --servers 3 --listen 0.0.0.0:4222,10.0.0.2:4222,nats3.example.com:4222 \
                --advertise nats1.example.com:4222,10.0.0.2:4222,nats3.example.com:4222 --domain edge --prefix acme.lath \
                --tls-cert cert.pem --tls-key key.pem --tls-ca ca.pem";
    let ended = lath_in(folder.path(), args.split_whitespace());
    let whole = folder.path().canonicalize().unwrap().display().to_string();
    insta::assert_snapshot!("init-three", ended.success().replace(&whole, "FOLDER"));
    let host = fs::read_to_string(folder.path().join("demo/h1.toml")).unwrap();
    insta::assert_snapshot!("init-three-host", host.replace(&whole, "FOLDER"));
    let file = host::config::read(&folder.path().join("demo/h1.toml")).unwrap();
    assert_eq!((file.lattice.servers.len(), file.lattice.storage_replicas), (3, 3));
    let secrets: Vec<_> = (1..=3)
        .map(|at| fs::read_to_string(folder.path().join(format!("demo/nats-{at}.conf"))).unwrap())
        .map(|text| text.split("password: \"").nth(1).unwrap().split('"').next().unwrap().to_owned())
        .collect();
    assert!(secrets[0].len() > 40 && secrets.iter().all(|secret| *secret == secrets[0]), "{secrets:?}");
}

#[test]
fn what_cannot_be_set_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    fs::write(folder.path().join("taken/note"), "mine").unwrap();
    let mut told = Vec::new();
    for args in [
        "init demo --listen 10.0.0.1:4222",
        "init demo --listen 0.0.0.0:4222",
        "init demo --servers 3 --listen 127.0.0.1:4222",
        "init demo --servers 3 --listen 127.0.0.1:65000,127.0.0.1:65001,127.0.0.1:65002",
        "init demo --expires 0d",
        "init demo --expires 4000d",
        "init demo --expires soon",
        "init demo --servers 2",
        "init demo --tls-cert cert.pem",
        "init Demo",
        "init taken",
        "grant operator bob",
        "list --dir taken",
    ] {
        let ended = lath_in(folder.path(), ["lattice"].into_iter().chain(args.split(' ')));
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args}: {ended:#?}");
        told.push(format!("lath lattice {args}\n{}", ended.stderr));
    }
    insta::assert_snapshot!("refused", told.join("\n"));
    assert_eq!(fs::read_to_string(folder.path().join("taken/note")).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{:?}", modes(folder.path()));
}

#[test]
fn credentials_are_granted_rotated_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    lath_in(folder.path(), ["lattice", "init", "demo"]).success();
    let demo = folder.path().join("demo");
    let run = |args: &str| lath_in(&demo, ["lattice"].into_iter().chain(args.split(' ')));
    let mut told = Vec::new();
    for (args, code) in [
        ("grant operator bob --expires 30d", 0),
        ("grant deployer dan --app shop --app bank", 0),
        ("grant viewer vera", 0),
        ("grant host h2", 0),
        ("grant provider rates --app shop", 0),
        ("grant client rates --app shop", 0),
        ("grant client nightly --app bank", 0),
        ("grant viewer vera", 2),
        ("grant viewer vera --rotate", 0),
        ("grant viewer nobody --rotate", 2),
        ("grant deployer dora", 2),
        ("grant client c", 2),
        ("grant client c --app a --app b", 2),
        ("grant host h3 --app shop", 2),
        ("grant king arthur", 2),
        ("grant viewer Vera", 2),
        ("revoke shop/rates", 2),
        ("revoke nobody", 2),
        ("revoke vera --previous", 0),
        ("revoke nightly", 0),
        ("revoke client.shop.rates", 0),
        ("revoke host.h2", 0),
        ("list", 0),
    ] {
        let ended = run(args);
        assert_eq!(ended.code, code, "{args}: {ended:#?}");
        told.push(format!("lath lattice {args}\n{}{}", ended.stdout, ended.stderr));
    }
    insta::assert_snapshot!("granted", redacted(&told.join("\n")));
    assert!(!demo.join("creds/host.h2.creds").exists() && demo.join("creds/viewer.vera.creds").exists());
    assert!(demo.join("h2.toml").exists());
    let list = run("list --format json").json();
    let standings: Vec<_> = list["grants"].as_array().unwrap().iter().map(|grant| grant["standing"].clone()).collect();
    assert_eq!(standings.iter().filter(|standing| *standing == "revoked").count(), 4, "{list:#}");
    let error = run("revoke nobody --format json").error();
    assert_eq!(error["kind"], "usage");
}

#[test]
fn a_damaged_folder_is_told_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    lath_in(folder.path(), ["lattice", "init", "demo"]).success();
    let demo = folder.path().join("demo");
    let record = fs::read_to_string(demo.join("lattice.json")).unwrap();
    let key = fs::read_to_string(demo.join("keys/signing.nk")).unwrap();
    let mut told = Vec::new();
    for (file, text) in [
        ("lattice.json", "{".to_owned()),
        ("lattice.json", record.replace("\"format\": 1", "\"format\": 2")),
        ("lattice.json", record.replace("\"demo\"", "\"no name\"")),
        ("keys/signing.nk", "SA".to_owned()),
        ("keys/signing.nk", fs::read_to_string(demo.join("keys/operator.nk")).unwrap()),
    ] {
        fs::write(demo.join(file), text).unwrap();
        let ended = lath_in(&demo, ["lattice", "grant", "viewer", "vera"]);
        told.push(ended.failure().to_owned());
        fs::write(demo.join("lattice.json"), &record).unwrap();
        fs::write(demo.join("keys/signing.nk"), &key).unwrap();
    }
    insta::assert_snapshot!("damaged", told.join("\n"));
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A lattice in a folder, whose commands are run as they were printed.
struct Scene {
    folder: tempfile::TempDir,
    port: u16,
}

impl Scene {
    fn start() -> (Self, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let port = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
            .find(|port| *port < 60_000)
            .unwrap();
        let scene = Self { folder, port };
        let report = scene.lath(&format!("lattice init demo --listen 127.0.0.1:{port} --format json")).json();
        let next = report["next"].as_array().unwrap().iter().map(|command| command.as_str().unwrap().to_owned());
        let next = next.collect();
        (scene, next)
    }

    /// A command as it was printed, for a shell that knows the programs.
    fn shell(&self, line: &str) -> Command {
        let nats = rig::nats::binary().unwrap();
        let programs = [Path::new(env!("CARGO_BIN_EXE_lath")).parent().unwrap(), nats.parent().unwrap()];
        let path = std::env::join_paths(
            programs.map(Path::to_owned).into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut command = command_named("sh", ["-c", &format!("exec {line}")]);
        command.current_dir(self.folder.path()).env("PATH", path.unwrap());
        command.env("XDG_CONFIG_HOME", self.folder.path().join("settings"));
        command
    }

    fn background(&self, line: &str) -> Running {
        let mut command = self.shell(line);
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn lath(&self, args: &str) -> Ended {
        ended(
            command(args.split(' '))
                .current_dir(self.folder.path())
                .env("XDG_CONFIG_HOME", self.folder.path().join("settings")),
        )
    }

    fn settings(&self, user: &str) -> ConnectSettings {
        let url = format!("nats://127.0.0.1:{}", self.port);
        let usual = ConnectSettings::new(vec![url.parse().unwrap()], "demo".parse().unwrap());
        ConnectSettings { credentials: Some(self.creds(user)), ..usual }
    }

    fn creds(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("demo/creds/{user}.creds"))
    }
}

/// Tries until it is so, or the time is over.
async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn what_init_prints_next_works_as_it_is() {
    let (scene, next) = Scene::start();
    let [server, host, context] = next.as_slice() else { panic!("{next:?}") };
    let _server = scene.background(server);
    let _host = scene.background(host);
    ended(&mut scene.shell(context)).success();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(until("the host joins", async || {
        let ended = scene.lath("status --format json");
        let status = (ended.code == 0).then(|| ended.json())?;
        status["hosts"].as_array().is_some_and(|hosts| !hosts.is_empty()).then_some(status)
    }));
    assert_eq!(status["hosts"][0]["name"], "h1", "{status:#}");
}

#[test]
fn what_revoke_prints_next_shows_the_revoked_out() {
    let (scene, next) = Scene::start();
    let _server = scene.background(&next[0]);
    scene.lath("lattice grant viewer vera --dir demo").success();
    scene.lath("lattice grant viewer sam --dir demo").success();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stolen = scene.folder.path().join("stolen.creds");
    runtime.block_on(async {
        until("the server starts", async || Connection::open(scene.settings("viewer.vera")).await.ok()).await;
        fs::copy(scene.creds("viewer.vera"), &stolen).unwrap();
        let report = scene.lath("lattice revoke vera --dir demo --format json").json();
        let reload = report["next"][0].as_str().unwrap();
        ended(&mut scene.shell(reload)).success();
        let settings = ConnectSettings { credentials: Some(stolen.clone()), ..scene.settings("viewer.vera") };
        until("the revoked are refused", async || match Connection::open(settings.clone()).await {
            Err(ConnectError::Refused { user, .. }) if user == "viewer.vera" => Some(()),
            _ => None,
        })
        .await;
        Connection::open(scene.settings("viewer.sam")).await.unwrap();
    });
}
