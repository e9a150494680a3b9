//! Programs that are no hosts: Python with the ordinary NATS client, and a provider as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use lattice::authority::Identity;
use rig::process::Process;
use testkit::application::root;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{LATTICE, Processes};
use testkit::record::Load;
use tokio::time::sleep;

use crate::lattice_support::{CART, HOSTS, alone, failures, figure, note, shop, three};

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
