//! Programs that are no hosts: Python with the ordinary NATS client, and a provider as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lattice::authority::Identity;
use lattice::bus::{Bus as _, Message};
use lattice::connect::{ConnectSettings, Connection};
use lattice::nats::NatsBus;
use lattice::subject::Subject;
use model::ids::{AppName, ClientName};
use rig::process::Process;
use testkit::application::root;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{LATTICE, Processes};
use testkit::record::Load;
use tokio::time::sleep;

use crate::lattice_support::{CART, HOSTS, alone, counter, failures, figure, note, shop, three};

/// How long a process that stands still may be called, and its time to start.
const PASSED_OVER: Duration = Duration::from_secs(20);

#[test]
fn python_calls_actors_and_serves_contracts() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1", "h2"]).await?;
        let example = root().join("examples/outsiders");
        let mut first = counters(&lattice, &example)?;
        lattice.up(&example).await?;
        for (host, expected) in [("h1", "{\"counter\":1}"), ("h2", "{\"counter\":2}")] {
            let (answer, _) = lattice.answered(host, "/a", AMPLE).await?;
            assert_eq!(answer.body, expected);
        }
        let answer = call(&lattice, &example, REQUEST).await?;
        note(&answer);
        assert!(answer.contains("\"status-code\": 200") || answer.contains("\"status-code\":200"), "{answer}");
        for wrong in ["{\"request\": 1}", "{\"req\": {\"method\": 7}}", "{"] {
            let refused = call(&lattice, &example, wrong).await?;
            note(&refused);
            assert!(refused.contains("deser:") && refused.contains("handle-request"), "{refused}");
        }
        first.kill()?;
        let gone = lattice.get("h1", "/a").await?;
        note(&format!("{gone:?}"));
        assert!(gone.status >= 500, "{gone:?}");

        let (mut one, _other) = (counters(&lattice, &example)?, counters(&lattice, &example)?);
        lattice.answered("h1", "/a", AMPLE).await?;
        sleep(Duration::from_secs(2)).await;
        let load = Load::start(&[lattice.address("h1")?], "/a", 20);
        sleep(Duration::from_secs(1)).await;
        one.freeze()?;
        let frozen = load.elapsed();
        sleep(Duration::from_secs(5)).await;
        let record = load.stop().await;
        let failed = failures(&record);
        let last = failed.iter().map(|attempt| attempt.began).max().unwrap_or_default();
        figure("a process that stands still was called for", last.saturating_sub(frozen));
        note(&format!("{} of {} failed", failed.len(), record.attempts.len()));
        assert!(last < frozen + PASSED_OVER, "{failed:?}");
        for _ in 0..20 {
            let answer = lattice.get("h1", "/a").await?;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        Ok(())
    })
}

const REQUEST: &str =
    "{\"req\": {\"method\": \"GET\", \"path\": \"/b\", \"query-string\": \"\", \"header\": [], \"body\": \"\"}}";

/// A process that serves the counters.
fn counters(lattice: &Processes, example: &Path) -> Result<Process> {
    let identity = Identity::Provider { application: "outsiders".parse()?, provider: "counters".parse()? };
    let mut python = Command::new(rig::nats::python()?);
    python.arg(example.join("counters.py")).args([&lattice.url(), LATTICE, "outsiders", "counters", "--creds"]);
    Process::spawn(python.arg(lattice.credentials(&identity)?))
}

/// A client that asks again and again, whoever of the hosts answers.
struct Client {
    bus: NatsBus,
    subject: Subject,
    asked: AtomicU64,
}

impl Client {
    async fn new(lattice: &Processes, app: &str) -> Result<Self> {
        let (application, client): (AppName, ClientName) = (app.parse()?, "nightly".parse()?);
        let credentials = lattice.credentials(&Identity::Client { application: application.clone(), client })?;
        let settings = ConnectSettings {
            credentials: Some(credentials),
            ..ConnectSettings::new(vec![lattice.url().parse()?], LATTICE.parse()?)
        };
        let subject = settings.subjects()?.client_call(&application, &"counter".parse()?, &"nightly".parse()?);
        let bus = Connection::open(settings).await?.bus("nothing".parse()?);
        Ok(Self { bus, subject, asked: AtomicU64::new(0) })
    }

    /// One request, which waits no longer than a second: none where it was answered, else why not.
    async fn ask(&self) -> Result<Option<String>> {
        let inbox = format!("_INBOX.client.c.nightly.{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let mut answers = self.bus.subscribe(inbox.parse()?).await?;
        let message = Message::new(self.subject.clone(), REQUEST).with("lath-function", "handle-request");
        self.bus.publish(message.wanting(inbox.parse()?))?;
        Ok(match tokio::time::timeout(Duration::from_secs(1), answers.next()).await {
            Err(_) => Some("no answer".to_owned()),
            Ok(None) => Some("no connection".to_owned()),
            Ok(Some(answer)) if answer.no_responders => Some("no responders".to_owned()),
            Ok(Some(answer)) => answer.headers.get("lath-error").map(|case| {
                format!(
                    "{case} {:?}: {}",
                    answer.headers.get("lath-progress"),
                    String::from_utf8_lossy(&answer.payload)
                )
            }),
        })
    }

    /// Asks 20 times a second until so many requests in a row were answered: how many failed, with the last of them.
    async fn ask_until_calm(&self, calm: usize) -> Result<(Vec<String>, usize, Duration)> {
        let begun = Instant::now();
        let (mut failed, mut asked, mut last, mut row) = (Vec::new(), 0, Duration::ZERO, 0);
        while row < calm {
            if begun.elapsed() > AMPLE {
                bail!("requests fail for ever: {failed:?}");
            }
            let at = begun.elapsed();
            asked += 1;
            match self.ask().await? {
                None => row += 1,
                Some(failure) => {
                    failed.push(failure);
                    (row, last) = (0, at);
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok((failed, asked, last))
    }
}

/// In a row, of which a host in three would have failed one with a probability of all but nothing.
const CALM: usize = 40;

#[test]
fn clients_hardly_notice_a_host_that_stands_still_and_not_one_that_drains() -> Result<()> {
    alone(async || {
        let mut lattice = three().await?;
        let manifest = counter("c", "replicas = 3", "keyvalue/nats");
        lattice.up_text(&format!("{manifest}[clients.nightly]\nmay = [\"counter/lath:httpserver/handler\"]\n")).await?;
        let client = Client::new(&lattice, "c").await?;
        client.ask_until_calm(CALM).await?;

        lattice.process("h2")?.freeze()?;
        let (failed, asked, last) = client.ask_until_calm(CALM).await?;
        figure("a host that stands still failed requests of clients for", last);
        note(&format!("{} of {asked} requests failed: {failed:?}", failed.len()));
        assert!(last < PASSED_OVER, "{failed:?}");

        lattice.process("h2")?.thaw()?;
        let (failed, asked, last) = client.ask_until_calm(CALM).await?;
        figure("and after it went on", last);
        note(&format!("{} of {asked} requests failed: {failed:?}", failed.len()));
        assert!(failed.iter().all(|failure| failure.contains("not-started")), "no late call: {failed:?}");
        let back = lattice.answered("h2", "/c/a", AMPLE).await;
        assert!(back.is_ok(), "{back:?}");

        lattice.process("h3")?.terminate()?;
        let (failed, ..) = client.ask_until_calm(2 * CALM).await?;
        assert!(failed.is_empty(), "{failed:?}");
        assert!(lattice.process("h3")?.ended(AMPLE).await?.success());
        Ok(())
    })
}

/// What a client prints that calls the actor with these parameters.
async fn call(lattice: &Processes, example: &Path, params: &str) -> Result<String> {
    let identity = Identity::Client { application: "outsiders".parse()?, client: "nightly".parse()? };
    let subject = format!("lath.{LATTICE}.in.outsiders.counter.nightly");
    let mut python = Command::new(rig::nats::python()?);
    python.arg(example.join("call.py")).args([&lattice.url(), &subject, "handle-request", params, "--creds"]);
    let mut process = Process::spawn(python.arg(lattice.credentials(&identity)?))?;
    process.ended(AMPLE).await?;
    // The outputs are read by threads of their own.
    let _ = process.line("", Duration::from_secs(1)).await;
    Ok(process.lines().join("\n"))
}

#[test]
fn a_provider_is_a_process_and_several() -> Result<()> {
    alone(async || {
        let lattice = three().await?;
        // What it answers in Python, beside its caller.
        lattice.up_text(&shop().replace(", reach = \"lattice\", idempotent = [\"assess\"]", "")).await?;
        let mut expected = Vec::new();
        for path in CARTS {
            lattice.answered("h1", CART, AMPLE).await?;
            expected.push(lattice.get("h1", path).await?);
        }
        let mut one = tax(&lattice, "one").await?;
        let mut two = tax(&lattice, "two").await?;
        lattice.up(&root().join("examples/tax-process")).await?;
        for host in HOSTS {
            lattice.answered(host, CART, AMPLE).await?;
            for (path, expected) in CARTS.iter().zip(&expected) {
                let answer = lattice.get(host, path).await?;
                assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{path}");
            }
        }
        let load = Load::start(&lattice.addresses(), CART, 100);
        sleep(Duration::from_secs(1)).await;
        // What reaches it now is lost with it.
        one.freeze()?;
        sleep(Duration::from_secs(1)).await;
        one.kill()?;
        sleep(Duration::from_secs(4)).await;
        let _one = tax(&lattice, "one").await?;
        sleep(Duration::from_secs(2)).await;
        two.terminate()?;
        let status = two.ended(AMPLE).await?;
        assert!(status.success(), "{}", two.tail());
        sleep(Duration::from_secs(2)).await;
        let record = load.stop().await;
        let failed = failures(&record);
        let slowest = record.attempts.iter().map(|attempt| attempt.ended - attempt.began).max().unwrap_or_default();
        figure("the slowest answer of a provider of which a process was killed", slowest);
        note(&format!("{} of {} failed", failed.len(), record.attempts.len()));
        assert!(failed.is_empty(), "{failed:?}");
        Ok(())
    })
}

#[test]
fn a_process_that_stood_still_refuses_what_piled_up_and_comes_back() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1"]).await?;
        let mut one = tax(&lattice, "one").await?;
        let shop = std::fs::read_to_string(root().join("examples/tax-process/lath.toml"))?;
        let shop = shop
            .replace("manifest = 1", "")
            .replace("\"../shop", "\"{root}/examples/shop")
            .replace("replicas = 2", "replicas = 1");
        lattice.up_text(&shop).await?;
        lattice.answered("h1", CART, AMPLE).await?;
        let load = Load::start(&[lattice.address("h1")?], CART, 20);
        one.freeze()?;
        sleep(Duration::from_secs(4)).await;
        one.thaw()?;
        let (stood, heard) = ("this process stood still", "has heard itself through the bus");
        for text in [stood, heard] {
            one.line(text, AMPLE).await?;
        }
        let (_, took) = lattice.answered("h1", CART, AMPLE).await?;
        figure("after it went on a process is called again within", took);
        load.stop().await;
        one.terminate()?;
        assert!(one.ended(AMPLE).await?.success(), "{}", one.tail());
        Ok(())
    })
}

const CARTS: [&str; 3] = [CART, "/cart?item=book:0:1250&country=de", "/cart?item=book:1:1250&country=xx"];

/// A process that serves the tax.
async fn tax(lattice: &Processes, instance: &str) -> Result<Process> {
    let identity = Identity::Provider { application: "shop".parse()?, provider: "tax".parse()? };
    let mut command = Command::new(tax_process()?);
    command.args(["--server", &lattice.url(), "--lattice", LATTICE, "--instance", instance, "--creds"]);
    let mut process = Process::spawn(command.arg(lattice.credentials(&identity)?))?;
    process.line("serving", AMPLE).await?;
    Ok(process)
}

/// The program of examples/tax-process, which is built beside `lath`.
fn tax_process() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_lath")).with_file_name("tax-process");
    if !path.is_file() {
        bail!("{} is missing; run `cargo build -p tax-process`", path.display());
    }
    Ok(path)
}

const CLIENTS: &str = "\
[application]
name = \"counter\"
[actors.counter]
component = \"{root}/examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm\"
links.\"lath:keyvalue/counter\" = { to = \"kv\" }
[providers]
kv = { use = \"keyvalue/memory\" }
[clients.nightly]
may = [\"counter/lath:httpserver/handler\"]
";

#[test]
fn actors_of_a_lattice_are_called_from_the_command_line() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1"]).await?;
        lattice.up_text(CLIENTS).await?;
        let folder = testkit::application::folder(&format!("manifest = 1\n{CLIENTS}"))?;
        let config = tempfile::tempdir()?;
        let lath = |args: &[&str]| {
            let mut lath = crate::lath::command(args);
            crate::lath::ended(lath.current_dir(folder.path()).env("XDG_CONFIG_HOME", config.path()))
        };
        let client = |name: &str| -> Result<Identity> {
            Ok(Identity::Client { application: "counter".parse()?, client: name.parse()? })
        };
        for (name, identity) in [
            ("nightly", client("nightly")?),
            ("daily", client("daily")?),
            ("alice", Identity::Operator("alice".parse()?)),
        ] {
            let credentials = lattice.credentials(&identity)?;
            let add = ["context", "add", name, "--url", &lattice.url(), "--lattice", LATTICE, "--credentials"];
            lath(&[&add[..], &[credentials.to_str().unwrap_or_default()]].concat()).success();
        }
        let by_name = ["call", "--context", "nightly", "counter/counter", "handle-request", REQUEST];
        let told = lath(&by_name);
        assert!(told.success().contains("\"status-code\":200"), "{told:#?}");
        let told = lath(&[&by_name[..], &["--format", "json"]].concat());
        assert_eq!(told.json()["result"]["ok"]["status-code"], 200, "{told:#?}");
        // The manifest has the types: WAVE is read and written.
        let wave = "{method: \"GET\", path: \"/b\", query-string: \"\", header: [], body: []}";
        let told = lath(&["call", "--context", "nightly", ".", "handler.handle-request", wave]);
        assert!(told.success().starts_with("ok({status-code: 200"), "{told:#?}");
        let rows: [(&[&str], i32, &str); 8] = [
            (&["nightly", "counter/counter", "handle-request", "{\"req\": 1}"], 1, "deser: "),
            (&["nightly", "counter/counter", "handle-request", "garbage"], 1, "deser: "),
            (&["nightly", "counter/counter", "other"], 1, "names no function that it may call"),
            (&["nightly", "counter/none", "other"], 1, "may = [\"none/namespace:package/interface\"]"),
            (&["nightly", "shop/cart", "total"], 2, "only clients of shop may"),
            (&["nightly", "counter", "handle-request"], 2, "which actor is not said"),
            (&["daily", "counter/counter", "handle-request", REQUEST], 1, "under `[clients.daily]` in the manifest"),
            (
                &["alice", "counter/counter", "handle-request", REQUEST],
                2,
                "lath lattice grant client NAME --app counter",
            ),
        ];
        for (args, code, expected) in rows {
            let told = lath(&[&["call", "--format", "json", "--context"], args].concat());
            assert_eq!((told.code, told.stdout.as_str()), (code, ""), "{args:?}: {told:#?}");
            let error = told.error();
            let text = format!(
                "{} {}",
                error["message"].as_str().unwrap_or_default(),
                error["help"].as_str().unwrap_or_default()
            );
            assert!(text.contains(expected), "{args:?}: {text}");
        }
        Ok(())
    })
}
