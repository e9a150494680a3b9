//! Running a build command.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use model::manifest::Build;

use super::BuildError;
use crate::limits::BUILD_OUTPUT_MAX;

/// Runs the build command in `folder`, for `allowed` at most.
pub(super) fn run(build: &Build, folder: &Path, allowed: Duration) -> Result<(), BuildError> {
    let command = build.run.clone();
    let mut child = Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| BuildError::Start { command: command.clone(), folder: folder.to_owned(), source })?;
    let output = collect(&mut child);
    let deadline = Instant::now() + allowed;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(BuildError::Slow { command, allowed, output: last(&output) });
            }
        }
    };
    if status.success() {
        Ok(())
    } else {
        Err(BuildError::Failed { command, status: status.to_string(), output: last(&output) })
    }
}

/// Reads both streams to their ends on threads of their own, so that a chatty command never blocks.
fn collect(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (chunks, output) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for mut stream in streams.into_iter().flatten() {
        let chunks = chunks.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let excess = kept.len().saturating_sub(BUILD_OUTPUT_MAX);
                kept.drain(..excess);
            }
            let _ = chunks.send(kept);
        });
    }
    output
}

/// What both streams said last. A grandchild may hold a stream open: it is not waited for.
fn last(output: &mpsc::Receiver<Vec<u8>>) -> String {
    let mut text = String::new();
    for _ in 0..2 {
        if let Ok(stream) = output.recv_timeout(Duration::from_secs(1)) {
            text.push_str(&String::from_utf8_lossy(&stream));
        }
    }
    text.trim_end().to_owned()
}
