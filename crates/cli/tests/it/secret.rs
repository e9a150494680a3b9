//! Secrets of a lattice of real processes: `lath secret`, and that no value is ever shown or kept where others read.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lattice::authority::Identity;
use serde_json::Value;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, LATTICE, Processes};

use crate::lath::{Ended, command, ended};
use crate::lattice_support::alone;
use crate::observe::{Exported, collector, get};

/// Values with characters that each way of writing writes otherwise.
const KEY: &str = "hunter2&é/\"of acme\\";
const TOKEN: &str = "t0ken+from=a?file";
const PASSWORD: &str = "pa55word-of-redis";
const SETTING: &str = "a setting that might be one";

/// A user of the lattice, with the settings in a folder of their own.
struct User<'a> {
    folder: &'a Path,
    /// Everything that commands have said so far.
    said: String,
}

impl User<'_> {
    fn lath(&mut self, args: &[&str], input: Option<&str>) -> Result<Ended> {
        let mut lath = command(args);
        lath.env("XDG_CONFIG_HOME", self.folder).env("LATH_LOG", "trace").current_dir(self.folder);
        let Some(input) = input else { return Ok(self.heard(ended(&mut lath))) };
        let mut child = lath.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("no input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        Ok(self.heard(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }))
    }

    fn heard(&mut self, ended: Ended) -> Ended {
        self.said += &ended.stdout;
        self.said += &ended.stderr;
        ended
    }
}

/// An application that has a secret in every place where one may be; `url` is the secret with the address of Redis.
fn shop(name: &str, url: &str) -> String {
    let guest = testkit::application::guest("wasm32-wasip2", "settings");
    format!(
        "manifest = 1\n[application]\nname = \"{name}\"\n[actors.cart]\ncomponent = \"{}\"\n\
         config = {{ currency = \"EUR\", motto = \"\", api-key = {{ secret = \"acme-key\" }} }}\n\
         grants.env = {{ TOKEN = {{ secret = \"token\" }} }}\nlinks.\"lath:keyvalue/counter\" = {{ to = \"redis\" }}\n\
         [providers]\nredis = {{ use = \"keyvalue/redis\", config = {{ url = {{ secret = \"{url}\" }} }} }}\n\
         [[routes]]\npath = \"/{name}/*\"\nto = \"cart\"\n",
        guest.display()
    )
}

/// The ways in which a value may be written.
fn writings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent = |keep: &dyn Fn(u8) -> bool, upper: bool| -> String {
        let written = bytes.iter().map(|byte| match (keep(*byte), upper) {
            (true, _) => char::from(*byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        });
        written.collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let path = |byte: u8| unreserved(byte) || b"/+=&?".contains(&byte);
    let mut all = vec![
        value.to_owned(),
        hex.to_uppercase(),
        hex,
        percent(&unreserved, true),
        percent(&unreserved, false),
        percent(&path, true),
        percent(&|_| false, true),
        value.escape_debug().to_string(),
        value.escape_default().to_string(),
        serde_json::to_string(value).unwrap().trim_matches('"').to_owned(),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
        value.chars().rev().collect(),
    ];
    // In base64 a value has three forms, by where it begins; without what its neighbours change.
    for shift in 0..3_usize {
        let shifted = [vec![0; shift], bytes.to_vec()].concat();
        for alphabet in [BASE64, BASE64_URL] {
            let whole = base64(&shifted, alphabet);
            let (from, to) = (shift.div_ceil(3) * 4, shifted.len() / 3 * 4);
            all.push(whole[from..to].to_owned());
        }
    }
    all
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let group = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        text.extend([18, 12, 6, 0].map(|shift| char::from(alphabet[(group >> shift & 63) as usize])));
    }
    text
}

/// What of `patterns` stands in the files below `folders`: a line `FILE:PATTERN` for each. Whatever else is in a file does
/// not hide it. By grep(1), since there is much to read.
fn found(patterns: &[String], folders: &[&Path]) -> Result<String> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(patterns.join("\n").as_bytes())?;
    let mut grep = Command::new("grep");
    grep.args(["-r", "-a", "-o", "-F", "-f"]).arg(file.path()).args(folders).env("LC_ALL", "C");
    let output = grep.output()?;
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_writing_is_found_wherever_it_stands() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for value in [KEY, TOKEN, PASSWORD, SETTING] {
        for writing in writings(value) {
            assert!(writing.len() > 8 && !writing.contains('\n'), "{writing}");
            fs::write(folder.path().join("file"), [b"\x00\xff\x80", writing.as_bytes(), b"\xfe\x00"].concat())?;
            assert!(found(&writings(value), &[folder.path()])?.contains(&writing), "{writing}");
        }
    }
    for text in ["AHN3b3JkZmlzaCE=", "xx%73%77%6F%72%64%66%69%73%68", "nothing of it"] {
        fs::write(folder.path().join("file"), text)?;
        assert_eq!(found(&writings("swordfish"), &[folder.path()])?.is_empty(), text.starts_with("nothing"), "{text}");
    }
    Ok(())
}

#[test]
fn no_value_is_shown_or_kept() -> Result<()> {
    alone(async || {
        let redis = rig::redis::Server::start(&["--requirepass", PASSWORD]).await?;
        let good = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port());
        // Nobody listens there; and this is no address at all.
        let (gone, bad) = (format!("redis://:{PASSWORD}@127.0.0.1:1"), format!("{PASSWORD} at home"));
        let mut lattice = Processes::start(env!("CARGO_BIN_EXE_lath")).await?;
        let (place, kept, filed) = (tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?);
        fs::write(filed.path().join("token"), format!("{TOKEN}\n"))?;
        fs::set_permissions(filed.path().join("token"), fs::Permissions::from_mode(0o600))?;
        let (port, exported) = collector();
        let log = |host: &str| kept.path().join(format!("{host}.log"));
        let options = |host: &str| HostOptions {
            environment: vec![
                ("LATH_LOG".to_owned(), "trace".to_owned()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("http://127.0.0.1:{port}")),
                ("LATH_SECRET_REDIS_GONE".to_owned(), gone.clone()),
                ("LATH_SECRET_REDIS_BAD".to_owned(), bad.clone()),
                ("LATH_CONFIG_SHOP__CART__MOTTO".to_owned(), SETTING.to_owned()),
                ("LATH_CONFIG_SHOP__CART__MOTO".to_owned(), SETTING.to_owned()),
            ],
            tables: format!(
                "[observe]\nlisten = \"127.0.0.1:0\"\n[secrets]\ndir = \"{}\"\n[config.shop.cart]\nmotto = \"of the file\"\ncurrency = \"CHF\"\n",
                filed.path().display()
            ),
            cache: Some(kept.path().join("cache")),
            log: Some(log(host)),
            ..HostOptions::default()
        };
        let mut user = User { folder: place.path(), said: String::new() };
        let credentials = lattice.credentials(&Identity::Operator("alice".parse()?))?.display().to_string();
        let url = lattice.url();
        let add = ["context", "add", "demo", "--url", &url, "--lattice", LATTICE, "--credentials", &credentials];
        user.lath(&add, None)?.success();
        let nobody = user.lath(&["secret", "set", "acme-key"], Some(KEY))?;
        assert!(nobody.failure().contains("no host of the lattice has told of a key"), "{nobody:?}");
        lattice.join("h1", &options("h1")).await?;
        lattice.seen("h1 is there", AMPLE, |status| status.hosts.iter().any(|host| host.alive)).await?;
        assert_eq!(user.lath(&["secret", "set", "acme-key"], Some(&format!("{KEY}\n")))?.success(), SET);
        user.lath(&["secret", "set", "redis-url"], Some(&good))?.success();
        let refused = user.lath(&["secret", "set", "empty"], Some("\n"))?;
        assert!(refused.code == 2 && refused.stderr.contains("the value of empty cannot be used: it is empty"));
        let listed = user.lath(&["secret", "list", "--format", "json"], None)?.json();
        assert_eq!(listed["secrets"][0]["name"], "acme-key");
        assert_eq!(listed["secrets"][0]["by"], "operator.alice");
        assert_eq!(listed["secrets"][1]["hosts"], serde_json::json!(["h1"]));

        for (name, url) in [("shop", "redis-url"), ("gone", "redis-gone"), ("bad", "redis-bad")] {
            let folder = place.path().join(name);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("lath.toml"), shop(name, url))?;
            let path = folder.display().to_string();
            user.lath(&["plan", &path], None)?.success();
            user.lath(&["plan", &path, "--format", "json"], None)?.success();
            let up = user.lath(&["up", &path, "--wait", if name == "bad" { "3s" } else { "60s" }], None)?;
            assert_eq!(up.code == 0, name != "bad", "{up:?}");
            let composed = folder.join("composed").display().to_string();
            user.lath(&["compose", &path, "-o", &composed], None)?.success();
            for format in ["text", "json"] {
                user.lath(&["inspect", &format!("{composed}/cart.wasm"), "--format", format], None)?.success();
            }
        }
        for (path, expected) in [
            ("config/api-key", KEY),
            ("env/TOKEN", TOKEN),
            // The environment goes before the file, and that before the manifest.
            ("config/motto", SETTING),
            ("config/currency", "CHF"),
        ] {
            let (answer, _) = lattice.answered("h1", &format!("/shop/{path}"), AMPLE).await?;
            assert_eq!(answer.body, sum(expected), "{path}");
        }
        assert_eq!(lattice.answered("h1", "/shop/count/a", AMPLE).await?.0.body, "1");
        user.said += &lattice.get("h1", "/gone/count/a").await?.body;
        for args in [&["status"][..], &["status", "--format", "json"], &["secret", "list"], &["status", "bad"]] {
            user.lath(args, None)?;
        }
        for text in [
            "provider redis cannot be started",
            "config api-key (secret acme-key), currency, motto\n",
            "env TOKEN (secret token)\n",
            "config url (secret redis-url)\n",
            "sets motto of shop/cart (file)",
            "sets MOTTO of shop/cart (environment)",
        ] {
            assert!(user.said.contains(text), "`{text}` was not said: {}", user.said);
        }

        // A host that comes later, and one that has been there before.
        lattice.join("h2", &options("h2")).await?;
        let give_up = Instant::now() + AMPLE;
        while lattice.operator().secrets().await?.iter().any(|secret| secret.hosts.len() < 2) {
            assert!(Instant::now() < give_up, "h2 was never given the secrets");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        user.lath(&["secret", "rm", "redis-url"], None)?.success();
        assert!(user.lath(&["secret", "rm", "redis-url"], None)?.failure().contains("no secret redis-url"));
        // What was removed can be set again.
        user.lath(&["secret", "set", "redis-url"], Some(&good))?.success();

        fs::write(kept.path().join("said"), &user.said)?;
        for host in lattice.names() {
            let process = lattice.process(&host)?;
            let observed: Value = serde_json::from_str(&process.line("\"event\":\"observed\"", AMPLE).await?)?;
            let metrics = get(observed["address"].as_str().context("no address")?, "/metrics");
            fs::write(kept.path().join(format!("{host}.metrics")), metrics)?;
            fs::write(kept.path().join(format!("{host}.events")), process.lines().join("\n"))?;
        }
        // Spans as they leave, until those of a request have come.
        let mut spans = Vec::new();
        while !spans.windows(9).any(|text| text == b"GET /shop") {
            spans.extend(exported.recv_timeout(AMPLE)?.body);
        }
        spans.extend(exported.try_iter().flat_map(|Exported { body, .. }| body));
        fs::write(kept.path().join("exported"), spans)?;
        let server = lattice.server(0)?.folder().to_owned();
        let folders = [place.path(), kept.path(), lattice.folder(), &server];
        // Where it would have been found is looked: traces, events, buckets, code, data.
        let there =
            ["GET /shop/", "http_route=\"/shop/*\"", "\"TRACE\"", "`MOTO`", "\"event\":\"serving\"", "value.acme-key"]
                .map(str::to_owned);
        let there = found(&there, &folders)?;
        for (file, text) in [
            ("h1.log", "\"TRACE\""),
            ("h1.log", "`MOTO`"),
            ("h2.log", "\"TRACE\""),
            ("h1.events", "\"event\":\"serving\""),
            ("jetstream", "value.acme-key"),
            ("h1.metrics", "http_route=\"/shop/*\""),
            ("exported", "GET /shop/"),
        ] {
            assert!(there.lines().any(|line| line.contains(file) && line.ends_with(text)), "{file} has no {text}");
        }
        for folder in [kept.path().join("cache/compiled"), lattice.folder().join("h1/data")] {
            assert!(fs::read_dir(&folder)?.next().is_some(), "{} is empty", folder.display());
        }
        let values: Vec<String> = [KEY, TOKEN, PASSWORD, SETTING].into_iter().flat_map(writings).collect();
        let leaks = found(&values, &folders)?;
        assert!(leaks.is_empty(), "{leaks}");
        Ok(())
    })
}

const SET: &str = "acme-key is set; h1 can open it\n";

/// What the guest says of a value: its length, and its FNV-1a sum.
fn sum(value: &str) -> String {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{} {:016x}", value.len(), value.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
