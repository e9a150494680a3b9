//! `cargo x demo lattice`: one application on three hosts over NATS, one of which is killed while requests flow.
//!
//! It drives the programs that a user has, and knows nothing of how they work. However this program ends, they end too.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::traffic::{self, Traffic};
use crate::process::{self, say};
use crate::project::Project;
use crate::{ci, guests, setup};

const HOSTS: [&str; 3] = ["h1", "h2", "h3"];
const LATTICE: &str = "demo";
const APPLICATION: &str = "examples/kvcounter/lattice.toml";
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// Requests flow so long before the kill, and after it.
const BEFORE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(8);

/// Builds what is needed, shows it, and ends all that it started.
///
/// # Errors
///
/// Something could not be built or started, or no host answers any more.
pub fn run(project: &Project) -> Result<()> {
    guests::run(project, &["kvcounter".to_owned()])?;
    setup::nats(project)?;
    process::run(ci::cargo(project)?.args(["build", "--release", "--bin", "lath"]), ci::CARGO_MEND)?;
    let demo = Demo::new(project)?;
    let _server = demo.server()?;
    let mut hosts = demo.hosts()?;
    say("\n== three hosts have joined; deploying the counter to all of them");
    process::run(&mut demo.lath(&["up", APPLICATION, "--wait", "120s"]), "")?;
    process::run(&mut demo.lath(&["status"]), "")?;
    let addresses: Vec<SocketAddr> = hosts.iter().map(|host| host.listen).collect();
    say("\n== one request to each host; they share one counter");
    for (name, address) in HOSTS.iter().zip(&addresses) {
        let body = traffic::get(*address, "/demo").with_context(|| format!("host {name} does not answer"))?;
        say(&format!("  curl http://{address}/demo    {}", body.trim()));
    }
    let killed = hosts.pop().context("there is no host to kill")?;
    let answered = under_fire(killed, &addresses)?;
    let counted = traffic::get(*addresses.first().context("there is no host")?, "/demo?amount=0")?;
    say(&format!(
        "  the counter stands at {}, {} requests were answered",
        counted.trim(),
        answered + HOSTS.len() as u64
    ));
    process::run(&mut demo.lath(&["status"]), "")
}

/// Requests flow while a host dies; gives how many were answered.
fn under_fire(mut killed: Host, addresses: &[SocketAddr]) -> Result<u64> {
    say("\n== requests flow to all three, as over a load balancer that tries the next host where one is gone");
    let traffic = Traffic::start(addresses, "/demo");
    thread::sleep(BEFORE);
    say(&format!("  kill -9 {} ({})", killed.process.child.id(), killed.name));
    killed.process.end()?;
    thread::sleep(AFTER);
    let count = traffic.stop();
    say(&format!(
        "  {} requests: {} answered, {} failed, {} sent to another host; the slowest took {:.0} ms",
        count.sent,
        count.answered,
        count.failed,
        count.elsewhere,
        count.slowest.as_secs_f64() * 1000.0
    ));
    count.failures.iter().for_each(|failure| say(&format!("  failed: {failure}")));
    if count.answered == 0 {
        bail!("no request was answered");
    }
    Ok(count.answered)
}

/// Where the demo is.
struct Demo {
    root: PathBuf,
    folder: PathBuf,
    lath: PathBuf,
    nats: PathBuf,
    port: u16,
}

/// A host that serves.
struct Host {
    name: &'static str,
    listen: SocketAddr,
    process: Started,
}

/// A process that ends with its value, or with this program.
struct Started {
    child: Child,
    /// Waits for the end of this program, which closes its input, and ends the process then.
    watchdog: Child,
    log: PathBuf,
}

impl Demo {
    /// A fresh folder for it.
    fn new(project: &Project) -> Result<Self> {
        let folder = project.at("target/demo/lattice");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            root: project.root().to_owned(),
            folder: folder.canonicalize()?,
            lath: project.at("target/release/lath"),
            nats: project.tools().join("nats/bin/nats-server"),
            port: free_port()?,
        })
    }

    /// `lath` with settings of the demo's own.
    fn lath(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.lath);
        command.args(args).current_dir(&self.root).env("XDG_CONFIG_HOME", &self.folder).env_remove("LATH_CONTEXT");
        command
    }

    /// A server with the configuration that `lath lattice init` writes, and a context for an operator.
    fn server(&self) -> Result<Started> {
        let (listen, lattice) = (format!("127.0.0.1:{}", self.port), self.lattice());
        let mut init =
            self.lath(&["lattice", "init", LATTICE, "--listen", &listen, "--hosts", &HOSTS.join(","), "--dir"]);
        process::output(init.arg(&lattice), "")?;
        let mut command = Command::new(&self.nats);
        let server = self.start(command.arg("-c").arg(lattice.join("nats-1.conf")), "nats-server")?;
        wait("the NATS server", &server, || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok())?;
        let (url, credentials) = (format!("nats://{listen}"), lattice.join("creds/operator.admin.creds"));
        let add = ["context", "add", LATTICE, "--url", &url, "--lattice", LATTICE, "--credentials"];
        process::output(self.lath(&add).arg(credentials), "")?;
        say(&format!("a NATS server at {url}, set up by `lath lattice init`"));
        Ok(server)
    }

    fn lattice(&self) -> PathBuf {
        self.folder.join("lattice")
    }

    /// Three hosts, each with a folder and a port of its own.
    fn hosts(&self) -> Result<Vec<Host>> {
        let mut hosts = Vec::new();
        for name in HOSTS {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
            let config = self.host_file(name, listen)?;
            let process = self.start(self.lath(&["host", "--config"]).arg(config), name)?;
            wait(name, &process, || TcpStream::connect(listen).ok())?;
            say(&format!("host {name} serves http://{listen}"));
            hosts.push(Host { name, listen, process });
        }
        Ok(hosts)
    }

    /// The host's file as it was written, with another port: all three are on this machine.
    fn host_file(&self, name: &str, listen: SocketAddr) -> Result<PathBuf> {
        let path = self.lattice().join(format!("{name}.toml"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let moved = |line: &str| match line.starts_with("listen = ") {
            true => format!("listen = \"{listen}\"\n"),
            false => format!("{line}\n"),
        };
        let text: String = text.lines().map(moved).collect();
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn start(&self, command: &mut Command, name: &str) -> Result<Started> {
        let log = self.folder.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        apart(command);
        let mut child = command.spawn().with_context(|| format!("cannot start `{}`", process::line_of(command)))?;
        match watchdog(&child) {
            Ok(watchdog) => Ok(Started { child, watchdog, log }),
            Err(error) => {
                child.kill()?;
                Err(error)
            }
        }
    }
}

/// Ctrl-C is for this program alone: what drains while its server goes away takes its time.
#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    command.process_group(0);
}

#[cfg(not(unix))]
fn apart(_: &mut Command) {}

fn watchdog(child: &Child) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT TERM; read -r _; kill -9 $0", &child.id().to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot start `sh`; a POSIX shell is needed")
}

impl Started {
    /// Ends the process as a crash would, and waits until it is gone. Once is enough.
    fn end(&mut self) -> Result<()> {
        // Before the process: its id may be another's once it is gone.
        if self.watchdog.try_wait()?.is_none() {
            self.watchdog.kill()?;
            self.watchdog.wait()?;
        }
        if self.child.try_wait()?.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // What cannot be killed has ended.
        let _ = self.end();
    }
}

/// Waits until a process answers.
fn wait<T>(name: &str, process: &Started, answers: impl Fn() -> Option<T>) -> Result<()> {
    let deadline = Instant::now() + START;
    while answers().is_none() {
        if Instant::now() > deadline {
            bail!("{name} does not answer; its log is:\n{}", tail(&process.log));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port on this machine")?;
    Ok(listener.local_addr()?.port())
}
