//! `cargo x bench`: what Lath costs, as ratios to yardsticks that run beside it.
//!
//! Speeds of a machine that does other work mean little, ratios measured in one run mean much: each section measures
//! its subjects in turn, A B C A B C, in several rounds (after one that is thrown away), and gives the median and the
//! range of the values and of the ratios of each round. The yardsticks are plain: two components composed by
//! `wac-graph` in wasmtime, a hyper server, the disk's own sync. They get the same bytes, limits and allocator.
//!
//! Start at [`run`]; `rounds` measures, `report` prints, every other module is a section or a yardstick. Linux only:
//! the load generator waits with epoll, and processor times are read from `/proc`.

mod arguments;
mod called;
mod calls;
mod compile;
mod direct;
mod hyper_server;
mod instances;
mod kvcounter;
mod lab;
mod lattice;
mod load;
mod plain;
mod process;
mod report;
mod rounds;
mod sink;
mod start;
mod store;
mod telemetry;
mod wasi_http;
mod web;
mod wires;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;

use arguments::{Arguments, Format, Task};
use lab::Lab;
use report::{Report, Section};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Task::parse(&words).and_then(perform) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    match task {
        Task::Help => print(&arguments::help()),
        Task::Measure(arguments) => run(&arguments),
        Task::ServeHyper => hyper_server::serve(),
        Task::ServeEcho { as_host, address } => lattice::serve(as_host, &address),
        Task::ServeLath { application, data, observed } => process::serve_lath(&application, &data, observed),
        Task::ServeSink => sink::serve(),
    }
}

type Measure = fn(&Lab) -> Result<Section>;

/// Every section: its name for `--only`, what it measures, and how.
const SECTIONS: [(&str, &str, Measure); 10] = [
    ("calls", "fused and host calls, against two components in plain wasmtime", calls::measure),
    ("lattice", "calls over NATS, against bare requests of the NATS client", lattice::measure),
    ("http", "kvcounter over HTTP, against a bare hyper server and the composite driven directly", web::measure),
    ("wasi-http", "hello by wasi:http, against a bare hyper server", wasi_http::measure),
    ("store", "kvcounter with the durable store, against the store in memory", store::measure),
    ("instances", "a fresh instance for each call", instances::measure),
    ("wires", "versions of the wire", wires::measure),
    ("compile", "composing, compiling, loading", compile::measure),
    ("telemetry", "host calls and kvcounter over HTTP while they are observed, against not", telemetry::measure),
    ("start", "`lath run` until its first answer", start::measure),
];

fn run(arguments: &Arguments) -> Result<()> {
    let lab = Lab::new(arguments.quick)?;
    let mut report = Report::new(arguments.quick)?;
    for (name, about, measure) in SECTIONS {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == name) {
            let _ = writeln!(std::io::stderr(), "bench: {name}: {about}");
            let section = measure(&lab)?;
            if arguments.format == Format::Text {
                print(&section.text(name, about))?;
            }
            report.sections.push((name, section));
        }
    }
    match arguments.format {
        Format::Text => print(&report.conditions()?),
        Format::Json => print(&format!("{:#}\n", report.json()?)),
    }
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
