//! How long a user waits for `lath run`: from starting the program to the first answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::kvcounter::{self, PATH};
use crate::lab::{Lab, PATIENCE};
use crate::report::{Aim, Row, Section};
use crate::rounds::{Measure, alternate_all};

const WARM_MS_MOST: f64 = 100.0;
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_micros(200);

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let mut section = Section::default();
    let Some(lath) = binary()? else {
        section.notes.push("left out: build the program with `cargo build --release --bin lath`".to_owned());
        return Ok(section);
    };
    let memory = kvcounter::application(lab, "start-memory", "keyvalue/memory", 1)?;
    let durable = kvcounter::application(lab, "start-durable", "keyvalue/embedded", 1)?;
    let cache = lab.folder("start-cache")?;
    let subjects: [Measure<'_, f64>; 2] =
        [Box::new(|| start(&lath, &memory, &cache)), Box::new(|| start(&lath, &durable, &cache))];
    let [memory, durable] = alternate_all(lab.rounds, subjects)?;
    section.rows = vec![
        Row::new("warm cache, store in memory", "ms", &memory).aim(Aim::AtMost(WARM_MS_MOST)),
        Row::new("warm cache, durable store", "ms", &durable).aim(Aim::AtMost(WARM_MS_MOST)),
    ];
    Ok(section)
}

/// The release build of `lath`, beside this program.
fn binary() -> Result<Option<PathBuf>> {
    let lath = std::env::current_exe()?.with_file_name("lath");
    Ok(lath.is_file().then_some(lath))
}

/// Milliseconds from starting the program to the end of its first answer.
fn start(lath: &Path, application: &Path, cache: &Path) -> Result<f64> {
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let begun = Instant::now();
    let program = Command::new(lath)
        .arg("run")
        .arg(application)
        .args(["--listen", &address.to_string()])
        .env("LATH_CACHE", cache)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start lath")?;
    let mut program = Program(program);
    let answer = program.first_answer(address, begun + PATIENCE)?;
    let elapsed = begun.elapsed();
    ensure!(answer.starts_with("HTTP/1.1 200 "), "lath answered:\n{answer}");
    program.end()?;
    Ok(elapsed.as_secs_f64() * 1e3)
}

/// Killed when dropped, in case it was not ended.
struct Program(Child);

impl Program {
    fn first_answer(&mut self, address: SocketAddr, deadline: Instant) -> Result<String> {
        while Instant::now() < deadline {
            match TcpStream::connect(address) {
                Ok(stream) => return ask(stream, address),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => sleep(PAUSE),
                Err(error) => return Err(error).context("cannot connect to lath"),
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("lath ended before it served: {status}");
            }
        }
        bail!("lath does not serve after {} s", PATIENCE.as_secs())
    }

    /// As a user would: it drains, and the store is closed.
    fn end(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::TERM)?;
        let status = self.0.wait()?;
        ensure!(status.success(), "lath did not end well: {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(mut stream: TcpStream, address: SocketAddr) -> Result<String> {
    write!(stream, "GET {PATH} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
