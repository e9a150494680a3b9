//! Servers in processes of their own: this program, run again with a hidden word.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use testkit::application::run_observed;

use crate::arguments::{SERVE_BARE, SERVE_CALLS, SERVE_HYPER, SERVE_LATH, SERVE_SINK};
use crate::telemetry::Observed;

/// A server, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn hyper() -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg(SERVE_HYPER))
    }

    /// A host that runs the application in a folder, with its data in another.
    pub(crate) fn lath(application: &Path, data: &Path) -> Result<Self> {
        Self::observed(application, data, Observed::Nothing)
    }

    /// The same of a host that is observed.
    pub(crate) fn observed(application: &Path, data: &Path, observed: Observed) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.arg(SERVE_LATH).arg(application).arg(data).arg(observed.to_string()))
    }

    /// A collector of traces.
    pub(crate) fn sink() -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg(SERVE_SINK))
    }

    /// Gives back what it gets over the NATS server at an address, with the bare client or as a host.
    pub(crate) fn echo(as_host: bool, nats: SocketAddr) -> Result<Self> {
        let word = if as_host { SERVE_CALLS } else { SERVE_BARE };
        Self::start(Command::new(std::env::current_exe()?).arg(word).arg(nats.to_string()))
    }

    fn start(command: &mut Command) -> Result<Self> {
        // Where it asks for backtraces, every error of the engine is traced: also one that ends a store as it should.
        command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a server")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a server has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("a server did not start: it said `{line}`"))?;
        Ok(Self { child, address })
    }

    /// Seconds of processor time, user and system, that the server has used so far.
    pub(crate) fn cpu_s(&self) -> Result<f64> {
        // proc_pid_stat(5)
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        // The program's name, in parentheses, may hold anything; user and system time are the 12th and 13th after it.
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Tells the parent where this server listens.
pub(crate) fn announce(address: SocketAddr) -> Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{address}")?;
    Ok(stdout.flush()?)
}

/// Waits until the parent has gone or wants no more.
pub(crate) fn await_end() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// Serves an application until the parent ends it, as `lath run` does.
pub(crate) fn serve_lath(application: &Path, data: &Path, observed: Observed) -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let running = threads.block_on(async { run_observed(application, data, observed.start()?).await })?;
    announce(running.host.ready().listen.context("the application has no routes")?)?;
    await_end();
    let drained = threads.block_on(running.host.drain());
    drained.context("the host did not drain")
}
