//! `lath run`: started, asked over HTTP, ended by signals.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use host::limits::SETTINGS_MAX;
use serde_json::Value;
use tempfile::TempDir;
use testkit::application::{guest, root};

use crate::lath::{command, command_named, ended};
use crate::tls::{certify, get_securely};

/// A `lath run` that serves; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
    /// Events up to the one that says where it serves.
    events: Vec<Value>,
}

impl Serving {
    fn start(app: &Path, data: &Path) -> Self {
        Self::start_with(app, data, &[], &[])
    }

    /// The same with further options, and with variables.
    pub(crate) fn start_with(app: &Path, data: &Path, further: &[&str], variables: &[(String, &str)]) -> Self {
        let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()];
        let options = ["--data".as_ref(), data.as_os_str(), "--format".as_ref(), "json".as_ref()];
        let mut lath = command(args.into_iter().chain(options));
        lath.args(further).envs(variables.iter().map(|(name, value)| (name, value)));
        let mut child = lath.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut serving = Self { child, lines, url: String::new(), events: Vec::new() };
        loop {
            let Some(event) = serving.next_event() else { panic!("it ended: {}", serving.stderr()) };
            if event["event"] == "ready" {
                serving.url = event["url"].as_str().unwrap().to_owned();
                serving.events.push(event);
                return serving;
            }
            serving.events.push(event);
        }
    }

    pub(crate) fn next_event(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap()
    }

    /// Where it serves over TLS.
    fn secure(&self) -> &str {
        self.url.strip_prefix("https://").unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end: the remaining events, and the exit code.
    pub(crate) fn end(mut self) -> (Vec<Value>, i32, String) {
        let mut events = Vec::new();
        while let Some(event) = self.next_event() {
            events.push(event);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        (events, code, self.stderr())
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already in a test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[test]
fn an_example_serves_and_keeps_its_counters() {
    let data = TempDir::new().unwrap();
    let app = root().join("examples/kvcounter");
    for (round, signal) in [(1, "TERM"), (2, "INT")] {
        let serving = Serving::start(&app, data.path());
        let ready = serving.events.last().unwrap();
        assert_eq!(ready["application"], "kvcounter");
        assert_eq!(ready["routes"][0]["path"], "/*");
        let answer = serving.get("/a/b?amount=5");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(body(&answer), format!("{{\"counter\":{}}}", 5 * round));
        serving.signal(signal);
        let (events, code, stderr) = serving.end();
        assert_eq!((names(&events).as_slice(), code), (["draining", "drained"].as_slice(), 0), "{stderr}");
        assert_eq!(events[0]["signal"], format!("SIG{signal}"));
    }
}

#[test]
fn a_lone_component_gets_sensible_defaults() {
    let data = TempDir::new().unwrap();
    let serving = Serving::start(&guest("wasm32-unknown-unknown", "two_counters_labels"), data.path());
    assert_eq!(serving.events.last().unwrap()["application"], "two-counters-labels");
    assert!(serving.get("/").starts_with("HTTP/1.1 200 OK\r\n"));
    serving.signal("TERM");
    assert_eq!(serving.end().1, 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = TempDir::new().unwrap();
    let mut serving = Serving::start(&guest("wasm32-unknown-unknown", "two_counters_labels"), data.path());
    // A request that is being read keeps the host from being drained.
    let mut stream = serving.connect();
    write!(stream, "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    serving.signal("TERM");
    assert_eq!(serving.next_event().unwrap()["event"], "draining");
    serving.signal("INT");
    let (events, code, stderr) = serving.end();
    assert_eq!((events.len(), code), (0, 1), "{stderr}");
    let last: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    assert!(last["error"]["message"].as_str().unwrap().contains("a second SIGINT"), "{stderr}");
}

#[test]
fn an_address_in_use_is_told() {
    let data = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let app = guest("wasm32-unknown-unknown", "two_counters_labels");
    let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), address.as_ref()];
    let ended = crate::lath::lath(args.into_iter().chain(["--data".as_ref(), data.path().as_os_str()]));
    assert_eq!(ended.code, 1, "{ended:#?}");
    assert!(ended.stderr.contains("HTTP cannot be served"), "{ended:#?}");
    assert!(ended.stderr.contains(&address), "{ended:#?}");
}

#[test]
fn http_is_served_over_tls_with_a_certificate_that_may_change() {
    let folder = TempDir::new().unwrap();
    let app = guest("wasm32-wasip2", "http_app");
    let (cert, key) = (folder.path().join("www.pem"), folder.path().join("www.key"));
    let options = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()];
    let args = || args.into_iter().chain(["--data".as_ref(), folder.path().as_os_str()]);
    let missing = crate::lath::lath(args().chain(options.map(AsRef::as_ref)));
    assert!(missing.failure().contains("cannot read"), "{missing:#?}");
    assert!(missing.stderr.replace(['\n', ' ', '│'], "").contains(cert.to_str().unwrap()), "{missing:#?}");
    assert_eq!(crate::lath::lath(args().chain(options[..2].iter().map(AsRef::as_ref))).code, 2);

    let old = certify(folder.path());
    let mut serving = Serving::start_with(&app, folder.path(), &options, &[]);
    let answer = get_securely(serving.secure(), "/head", &old).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Scheme::Https"), "{answer}");
    let later = Serving::start_with(&guest("wasm32-wasip2", "http_next"), folder.path(), &options, &[]);
    let answer = get_securely(later.secure(), "/head", &old).unwrap();
    assert!(answer.contains("Scheme::Https") && answer.contains("localhost"), "{answer}");
    drop(later);
    // Half of a new pair is told, and changes nothing.
    std::fs::write(&key, "half").unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(serving.child.stderr.as_mut().unwrap());
    while !told.contains("the certificate is not replaced") {
        assert!(stderr.read_line(&mut told).unwrap() > 0, "{told}");
    }
    assert!(told.contains("www.key holds no private key"), "{told}");
    get_securely(serving.secure(), "/head", &old).unwrap();
    let new = certify(folder.path());
    let begun = std::time::Instant::now();
    while get_securely(serving.secure(), "/head", &new).is_err() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the new certificate is not taken");
    }
    serving.signal("TERM");
    let (_, code, stderr) = serving.end();
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_reader_that_stands_still_stops_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe holds: the first line would wait for ever.
    writer.write_all(&[b'\n'; 65_536]).unwrap();
    let data = tempfile::tempdir().unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (app, listen) = (root().join("examples/kvcounter"), address.to_string());
    let args = ["run".as_ref(), app.as_os_str(), "--listen".as_ref(), listen.as_ref()];
    let options = ["--data".as_ref(), data.path().as_os_str(), "--format".as_ref(), "json".as_ref()];
    let child = command(args.into_iter().chain(options)).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Killed(child);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(std::time::Instant::now() < until && child.0.try_wait().unwrap().is_none(), "it does not serve");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(Command::new("kill").args(["-s", "TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    drop(reader);
}

/// Lines that wait for their reader: `limits::EVENT_LINES_MAX` of the binary.
const EVENT_LINES_MAX: usize = 1_024;

#[test]
fn lines_that_were_not_read_in_time_are_counted() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    // Two lines for each build, which has a command of its own; the last waits until somebody has begun to read.
    let built = EVENT_LINES_MAX / 2 + 50;
    let mut manifest = "manifest = 1\n[application]\nname = \"built\"\n".to_owned();
    let builds = (0..built).map(|number| (number, format!("true {number}")));
    for (number, run) in builds.chain([(built, "touch full; cat go".to_owned())]) {
        manifest += &format!("[actors.a{number:04}]\ncomponent = \"none.wasm\"\nbuild = {{ run = \"{run}\" }}\n");
    }
    std::fs::write(file("lath.toml"), manifest).unwrap();
    assert!(Command::new("mkfifo").arg(file("go")).status().unwrap().success());
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe holds: the first line waits for its reader.
    writer.write_all(&[b'\n'; 65_536]).unwrap();
    // On one processor builds run one after the other, so that the last is alone.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let first = allowed.split([',', '-']).next().unwrap();
    let lath = ["-c", first, env!("CARGO_BIN_EXE_lath"), "run", "--format", "json"];
    let mut lath = command_named("taskset", lath);
    let child = lath.current_dir(folder.path()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Killed(child);
    drop(lath);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while !file("full").exists() {
        assert!(std::time::Instant::now() < until && child.0.try_wait().unwrap().is_none(), "it does not build");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while text.lines().filter(|line| !line.is_empty()).count() < EVENT_LINES_MAX {
        let read = reader.read(&mut buffer).unwrap();
        assert!(read > 0, "{text}");
        text += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    // The build ends, and its line says how many are lost before it.
    std::fs::write(file("go"), "").unwrap();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(1));
    let events: Vec<Value> =
        text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect();
    let lost: Vec<u64> = events.iter().filter_map(|event| event["lines"].as_u64()).collect();
    let told = events.len() - lost.len();
    assert_eq!(lost, [(2 * (built + 1) - told) as u64]);
    // The one that was being written, those that waited, and the last.
    assert_eq!((names(&events).last(), told), (Some(&"built"), EVENT_LINES_MAX + 2));
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the guest says of a value: its length, and its FNV-1a sum.
fn sum(value: &str) -> String {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{} {:016x}", value.len(), value.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

#[test]
fn settings_and_secrets_come_from_the_environment_files_and_the_manifest() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let at = |name: &str| folder.path().join(name);
    let component = guest("wasm32-wasip2", "settings");
    let manifest = format!(
        "manifest = 1\n[application]\nname = \"my-shop\"\n[actors.cart]\ncomponent = \"{}\"\n\
         config = {{ a = \"manifest\", b = \"manifest\", c-d = \"manifest\", key = {{ secret = \"acme-key\" }} }}\n\
         grants.env = {{ TOKEN = {{ secret = \"token\" }}, TZ = \"UTC\" }}\n\
         links.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n[providers]\nkv = {{ use = \"keyvalue/memory\" }}\n\
         [[routes]]\npath = \"/*\"\nto = \"cart\"\n",
        component.display()
    );
    std::fs::write(at("lath.toml"), manifest).unwrap();
    std::fs::write(at("config.toml"), "[cart]\nb = \"file\"\nc-d = \"file\"\ne = \"file\"\n[card]\n a = \"file\"\n")
        .unwrap();
    std::fs::create_dir(at("secrets")).unwrap();
    std::fs::write(at("secrets/acme-key"), "of the folder\n").unwrap();
    let (file, secrets) = (at("config.toml").display().to_string(), at("secrets").display().to_string());
    let options = ["--config-file", file.as_str(), "--secrets", secrets.as_str()];
    // A file that others may read is refused, and whoever needs it is told.
    std::fs::set_permissions(at("secrets/acme-key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut lath = command([&["run", "--format", "json"], &options[..]].concat());
    let refused = ended(lath.env("LATH_SECRET_TOKEN", "x").current_dir(folder.path()));
    assert_eq!(refused.code, 1, "{refused:#?}");
    let error = refused.error().to_string();
    assert!(error.contains("needs the secret `acme-key`") && error.contains("mode 0644"), "{error}");
    std::fs::set_permissions(at("secrets/acme-key"), std::fs::Permissions::from_mode(0o600)).unwrap();

    let mut variables: Vec<(String, &str)> = vec![
        ("LATH_CONFIG_MY_SHOP__CART__C_D".to_owned(), "environment"),
        ("LATH_CONFIG_MY_SHOP__CART__F".to_owned(), "environment"),
        ("LATH_CONFIG_BANK__CART__A".to_owned(), "environment"),
        ("LATH_CONFIG_MY_SHOP_CART_A".to_owned(), "environment"),
        ("LATH_SECRET_TOKEN".to_owned(), "of the environment"),
        ("LATH_SECRET_acme".to_owned(), "x"),
    ];
    variables.extend((0..=SETTINGS_MAX).map(|number| (format!("LATH_CONFIG_OTHER__ACTOR__K{number}"), "x")));
    let serving = Serving::start_with(folder.path(), data.path(), &options, &variables);
    for (path, expected) in [
        ("config/a", sum("manifest")),
        ("config/b", sum("file")),
        ("config/c-d", sum("environment")),
        ("config/e", "nothing".to_owned()),
        ("config/key", sum("of the folder")),
        ("env/TOKEN", sum("of the environment")),
        ("env/TZ", sum("UTC")),
    ] {
        assert_eq!(body(&serving.get(&format!("/{path}"))), expected, "{path}");
    }
    serving.signal("TERM");
    let (_, code, stderr) = serving.end();
    assert_eq!(code, 0, "{stderr}");
    for told in [
        "file of this host sets `e` of my-shop/cart",
        "file of this host sets `a` of my-shop/card",
        "environment of this host sets `F` of my-shop/cart",
        "environment of this host sets `A` of bank/cart",
        "LATH_CONFIG_MY_SHOP_CART_A is passed over",
        "LATH_SECRET_acme is passed over",
        "1024 settings are the most",
        "more settings are given to nobody",
    ] {
        assert!(stderr.contains(told), "`{told}` was not told: {stderr}");
    }
    assert!(!stderr.contains("of the folder") && !stderr.contains("of the environment"), "{stderr}");
}
