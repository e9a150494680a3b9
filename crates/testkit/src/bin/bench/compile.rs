//! From an application to code: planning, composing, compiling, and loading what was compiled before.

use anyhow::{Context as _, Result, ensure};
use host::application::Application;
use model::manifest::ComponentRef;
use wasmtime::component::Component;

use crate::lab::{self, Composed, Lab};
use crate::report::{Row, Section};
use crate::rounds::{alternate_all, millis};
use crate::{kvcounter, plain};

/// A compilation of minutes is measured once.
const SLOW_ROUNDS: usize = 1;

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let rust = kvcounter::application(lab, "compile", "keyvalue/memory", 1)?;
    let mut section = Section::default();
    section.rows.extend(rows(lab, "Rust", lab.rounds, &lab::open(&rust)?)?);
    match kvcounter::python(lab)? {
        Some(_) if lab.quick => section.notes.push("the counter in Python is left out by --quick".to_owned()),
        Some(python) => section.rows.extend(rows(lab, "Python", SLOW_ROUNDS, &lab::open(&python)?)?),
        None => {
            let note = "the counter in Python is left out: run `cargo x guests kvcounter-python`";
            section.notes.push(note.to_owned());
        }
    }
    section.notes.push("compiling uses all cores; a cached load hashes the composite and maps its code".to_owned());
    Ok(section)
}

fn rows(lab: &Lab, language: &str, rounds: usize, application: &Application) -> Result<Vec<Row>> {
    let composed = lab::compose(application, "counter")?;
    let component = component(application)?;
    let (bare, cold) = (plain::engine(true)?, lab::engine(None)?);
    let warm = lab::engine(Some(lab.folder("compiled")?))?;
    warm.load(&composed.bytes)?;
    let subjects = [
        millis(|| lab::compose(application, "counter").map(drop)),
        millis(|| Ok(Component::new(&bare, &component).map(drop)?)),
        millis(|| Ok(cold.load(&composed.bytes).map(drop)?)),
        millis(|| cached(&warm, &composed)),
    ];
    let [compose, plain, compile, load] = alternate_all(rounds, subjects)?;
    let what = |what: &str| format!("{language} ({} KiB): {what}", composed.bytes.len() >> 10);
    Ok(vec![
        Row::new(what("plan and compose"), "ms", &compose),
        Row::new(what("compile the component alone, plain wasmtime"), "ms", &plain),
        Row::new(what("compile the composite"), "ms", &compile).beside("plain wasmtime", &plain, None),
        Row::new(what("load the composite from the cache"), "ms", &load).beside("compiling it", &compile, None),
    ])
}

fn cached(engine: &engine::Engine, composed: &Composed) -> Result<()> {
    let loaded = engine.load(&composed.bytes)?;
    ensure!(loaded.cached, "the cache of compiled code does not keep what it is given");
    Ok(())
}

fn component(application: &Application) -> Result<Vec<u8>> {
    let actor = application.manifest().actors.values().next().context("the application has no actor")?;
    let ComponentRef::Path(path) = &actor.component;
    let path = application.folder().join(path);
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}
