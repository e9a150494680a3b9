//! Lines that a program tells while it serves. Nobody waits for their reader: one that stands still costs lines, which are
//! counted, and nothing else.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use serde::Serialize;

use super::{Output, plain};
use crate::arguments::Format;
use crate::error::CliError;
use crate::limits::{EVENT_FLUSH_TIME_MAX, EVENT_LINES_MAX};

/// What is told while a program serves. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    output: Output,
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

enum Line {
    Result(Vec<u8>),
    Progress(Vec<u8>),
    /// All that came before has been written.
    End(SyncSender<()>),
}

/// So many lines were lost before this one.
#[derive(Serialize)]
struct Lost {
    event: &'static str,
    lines: u64,
}

impl Events {
    /// Starts the thread that writes.
    pub(crate) fn start(output: Output) -> Result<Self, CliError> {
        let (lines, waiting) = sync_channel(EVENT_LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let (format, counted) = (output.format(), lost.clone());
        let writer = thread::Builder::new().name("events".to_owned()).spawn(move || write(&waiting, &counted, format));
        writer.map_err(|source| CliError::Start { what: "the system gives no threads", source })?;
        Ok(Self { output, lines, lost })
    }

    /// A result: its text, or its JSON on one line.
    pub(crate) fn print<T: Serialize + Display>(&self, result: &T) {
        match self.output.format() {
            Format::Text => self.send(Line::Result(plain(&result.to_string()).into_owned().into_bytes())),
            Format::Json => self.event(result),
        }
    }

    /// One JSON object on a line of its own; a person is not told.
    pub(crate) fn event<T: Serialize>(&self, event: &T) {
        if self.output.format() == Format::Json {
            self.send(Line::Result(json(event)));
        }
    }

    /// What is being done, for a person; a program is not told.
    pub(crate) fn progress(&self, step: &dyn Display) {
        if self.output.format() == Format::Text {
            self.send(Line::Progress(format!("{}\n", plain(&step.to_string())).into_bytes()));
        }
    }

    /// Waits a moment until all is written.
    pub(crate) fn finish(&self) {
        let (tell, told) = sync_channel(1);
        if self.lines.try_send(Line::End(tell)).is_ok() {
            let _ = told.recv_timeout(EVENT_FLUSH_TIME_MAX);
        }
    }

    fn send(&self, line: Line) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn json<T: Serialize>(event: &T) -> Vec<u8> {
    // Events have keys of text and no other reason to fail.
    let line = serde_json::to_string(event).unwrap_or_default();
    format!("{}\n", plain(&line)).into_bytes()
}

fn write(lines: &Receiver<Line>, lost: &AtomicU64, format: Format) {
    // That nobody listens any more is no reason not to serve.
    let result = |bytes: &[u8]| drop(super::write(bytes));
    let progress = |bytes: &[u8]| drop(io::stderr().write_all(bytes));
    for line in lines {
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            match format {
                Format::Json => result(&json(&Lost { event: "lost", lines: count })),
                Format::Text => progress(format!("{count} lines are lost: they were not read in time\n").as_bytes()),
            }
        }
        match line {
            Line::Result(bytes) => result(&bytes),
            Line::Progress(bytes) => progress(&bytes),
            Line::End(told) => drop(told.try_send(())),
        }
    }
}
