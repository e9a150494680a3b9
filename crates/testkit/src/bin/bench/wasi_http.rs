//! A `wasi:http` component that says hello, beside a bare hyper server.

use anyhow::Result;

use crate::lab::{Lab, REUSE};
use crate::load::Served;
use crate::process::Server;
use crate::report::{Aim, Row, Section};
use crate::rounds::alternate_all;
use crate::web::{CONNECTIONS, loaded, values};

/// What is served, and the least share of bare hyper's rate.
const SUBJECTS: [(&str, &str, u32, f64); 4] = [
    ("0.2, fresh instance", "http_app", 1, 0.5),
    ("0.2, reused instance", "http_app", REUSE, 0.62),
    ("0.3, fresh instance", "http_next", 1, 0.45),
    ("0.3, reused instance", "http_next", REUSE, 0.55),
];

fn manifest(component: &str, reuse: u32) -> String {
    format!(
        "manifest = 1\napplication = {{ name = \"bench\" }}\n\
         [actors.web]\ncomponent = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/{component}.wasm\"\n\
         limits = {{ reuse = {reuse} }}\n[[routes]]\npath = \"/*\"\nto = \"web\"\n"
    )
}

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let hyper = Server::hyper()?;
    let served: Vec<Server> = SUBJECTS
        .iter()
        .enumerate()
        .map(|(index, (_, component, reuse, _))| {
            let application = lab.application(&format!("wasi-http-{index}"), &manifest(component, *reuse))?;
            Server::lath(&application, &lab.folder(&format!("wasi-http-{index}-data"))?)
        })
        .collect::<Result<_>>()?;
    let [old_fresh, old_reused, new_fresh, new_reused] = served.as_slice() else { anyhow::bail!("four are served") };
    let subjects =
        [&hyper, old_fresh, old_reused, new_fresh, new_reused].map(|server| loaded(lab, server, CONNECTIONS));
    let [hyper, all @ ..] = alternate_all(lab.rounds.min(3), subjects)?;
    Ok(Section { rows: rows(&hyper, &all), notes: vec!["the body is as long as that of bare hyper".to_owned()] })
}

fn rows(hyper: &[Served], all: &[Vec<Served>]) -> Vec<Row> {
    let rate = |served: &[Served]| values(served, |served| served.requests_per_s);
    let cost = |served: &[Served]| values(served, |served| served.cpu_us);
    let mut rows = vec![
        Row::new("requests: bare hyper", "/s", &rate(hyper)),
        Row::new("processor time: bare hyper", "µs", &cost(hyper)),
    ];
    for ((what, _, _, least), served) in SUBJECTS.iter().zip(all) {
        let aim = Some(Aim::AtLeast(*least));
        rows.push(Row::new(format!("requests: hello, {what}"), "/s", &rate(served)).beside(
            "bare hyper",
            &rate(hyper),
            aim,
        ));
        let time = Row::new(format!("processor time: hello, {what}"), "µs", &cost(served));
        rows.push(time.beside("bare hyper", &cost(hyper), None));
    }
    rows
}
