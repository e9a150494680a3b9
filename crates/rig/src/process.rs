//! Programs under test, as processes.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{sleep, timeout_at};

const LINES_MAX: usize = 20_000;
const TAIL_LINES: usize = 40;
const FREEZE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A running program, whose output is read line by line. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
}

#[derive(Debug)]
struct Output {
    lines: Mutex<Lines>,
    /// The count of lines read so far.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    dropped: usize,
}

impl Process {
    /// Starts a program; what it prints on both outputs is captured, its input is empty.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let output = Arc::new(Output { lines: Mutex::default(), count: watch::Sender::new(0) });
        if let Some(stdout) = child.stdout.take() {
            output.clone().follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.clone().follow(stderr);
        }
        Ok(Self { name, child, output })
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far, both outputs, in the order of arrival; the oldest of very many are gone.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines().kept.iter().cloned().collect()
    }

    /// The last of what it printed.
    pub fn tail(&self) -> String {
        let lines = self.output.lines();
        lines.kept.range(lines.kept.len().saturating_sub(TAIL_LINES)..).cloned().collect::<Vec<_>>().join("\n")
    }

    /// Waits for a line with `text` in it, printed before or from now on, and gives it.
    ///
    /// # Errors
    ///
    /// None came within `patience`; the message has what was printed last.
    pub async fn line(&mut self, text: &str, patience: Duration) -> Result<String> {
        let deadline = Instant::now() + patience;
        let mut count = self.output.count.subscribe();
        let mut seen = 0;
        loop {
            count.mark_unchanged();
            if let Some(line) = self.output.find(&mut seen, text) {
                return Ok(line);
            }
            if let Some(status) = self.child.try_wait()? {
                sleep(POLL).await;
                return self.output.find(&mut seen, text).ok_or_else(|| {
                    anyhow!("{} ended ({status}) without a line with `{text}`; it printed:\n{}", self.name, self.tail())
                });
            }
            if Instant::now() > deadline {
                bail!("{} did not print `{text}` in time; it printed:\n{}", self.name, self.tail());
            }
            let next = (Instant::now() + POLL * 10).min(deadline);
            let _ = timeout_at(next.into(), count.changed()).await;
        }
    }

    /// Waits until it has ended, and gives how.
    ///
    /// # Errors
    ///
    /// It still runs after `patience`; the message has what was printed last.
    pub async fn ended(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} did not end in time; it printed:\n{}", self.name, self.tail());
            }
            sleep(POLL).await;
        }
    }

    /// True while it has not ended.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends it as a crash would (SIGKILL), and waits until it is gone. Once is enough.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
            self.child.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Asks it to end as a person does at a terminal (SIGINT).
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn interrupt(&mut self) -> Result<()> {
        self.signal(Signal::INT)
    }

    /// Stops it where it is (SIGSTOP).
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn freeze(&mut self) -> Result<()> {
        self.check_running()?;
        freeze(self.id())
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn thaw(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Its memory in use, in bytes: what Linux calls the resident set.
    ///
    /// # Errors
    ///
    /// It has ended, or this is not Linux.
    pub fn resident_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS; has it ended?")?;
        Ok(kibibytes.trim().parse::<u64>()? * 1024)
    }

    fn signal(&mut self, which: Signal) -> Result<()> {
        self.check_running()?;
        signal(self.id(), which)
    }

    /// A signal must not go to a process that has ended: its id may be another's by now.
    fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} has ended ({status}); it printed:\n{}", self.name, self.tail()),
            None => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that cannot be killed has ended.
        let _ = self.kill();
    }
}

impl Output {
    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(self: Arc<Self>, from: impl Read + Send + 'static) {
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                self.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
    }

    fn push(&self, line: String) {
        let mut lines = self.lines();
        if lines.kept.len() == LINES_MAX {
            lines.kept.pop_front();
            lines.dropped += 1;
        }
        lines.kept.push_back(line);
        drop(lines);
        self.count.send_modify(|count| *count += 1);
    }

    /// Looks at the lines after the first `seen`, and moves it on.
    fn find(&self, seen: &mut usize, text: &str) -> Option<String> {
        let lines = self.lines();
        let found = lines.kept.iter().skip(seen.saturating_sub(lines.dropped)).find(|line| line.contains(text));
        *seen = lines.dropped + lines.kept.len();
        found.cloned()
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(id: u32, which: Signal) -> Result<()> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).context("no process has this id")?;
    kill_process(id, which).with_context(|| format!("cannot signal process {}", id.as_raw_nonzero()))
}

/// Stops a process of ours, and waits until each of its threads stands.
pub(crate) fn freeze(id: u32) -> Result<()> {
    signal(id, Signal::STOP)?;
    let deadline = Instant::now() + FREEZE;
    while !stands(id)? {
        if Instant::now() > deadline {
            bail!("process {id} does not stop");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn stands(id: u32) -> Result<bool> {
    let tasks = format!("/proc/{id}/task");
    for task in fs::read_dir(&tasks).with_context(|| format!("cannot list {tasks}"))? {
        // A thread that has ended in the meantime stands too.
        let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
        if !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')) {
            return Ok(false);
        }
    }
    Ok(true)
}
