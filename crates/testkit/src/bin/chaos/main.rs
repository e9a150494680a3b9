//! `cargo x chaos`: what live change and faults cost, counted on real processes under load.
//!
//! Three or four hosts over a NATS server, an open-loop load that is recorded request by request, and a checker of the record:
//! nothing is retried, what fails counts. Start at [`run`]; `report` prints, `rolling`, `platform`, `streams`, `bad` and `faults` are the drills.
//!
//! What must never be is counted and fails the run. Times are those of a machine that may be busy: they fail the long run alone.

mod arguments;
mod bad;
mod faults;
mod platform;
mod report;
mod rolling;
mod streams;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use arguments::{Arguments, Format};
use report::{Report, Row};

/// Requests a second.
const RATE: u32 = 200;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended = Arguments::parse(&words).and_then(|arguments| match arguments {
        None => print(&arguments::help()).map(|()| true),
        Some(arguments) => run(&arguments),
    });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a drill is given.
struct Rig {
    lath: PathBuf,
    smoke: bool,
}

impl Rig {
    /// So much in the short run, so much in the long one.
    fn sized<T>(&self, smoke: T, long: T) -> T {
        if self.smoke { smoke } else { long }
    }
}

type Drill = fn(&Rig) -> Result<Vec<Row>>;

/// Every drill: its name for `--only`, what it does, and how.
const DRILLS: [(&str, &str, Drill); 9] = [
    ("patches", "an actor is patched, and patched again", rolling::patches),
    ("fused", "a component that is fused into another is patched", rolling::fused),
    ("platform", "adapters, the generator and the wire are replaced, and a bad adapter", platform::code),
    ("many", "an adapter of a hundred actors on one host is replaced", platform::many),
    ("hosts", "hosts are drained, ended and started again", rolling::hosts),
    ("streams", "an actor is replaced while bodies go on", streams::replaced),
    ("bad", "versions that trap, hang, are slow or not ready", bad::versions),
    ("killed", "a host is killed", faults::killed),
    ("frozen", "a host stands still for a while", faults::frozen),
];

/// True where all is as it must be.
fn run(arguments: &Arguments) -> Result<bool> {
    let rig = Rig { lath: arguments.lath.clone(), smoke: arguments.smoke };
    let mut report = Report::new(arguments.smoke);
    for (name, about, drill) in DRILLS {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == name) {
            let _ = writeln!(std::io::stderr(), "chaos: {name}: {about}");
            report.rows.extend(drill(&rig).with_context(|| format!("{name}: {about}"))?);
        }
    }
    match arguments.format {
        Format::Text => print(&report.text())?,
        Format::Json => print(&format!("{:#}\n", report.json()))?,
    }
    Ok(report.is_met())
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Runs a drill to its end.
fn drilled<T>(drill: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(drill)
}
