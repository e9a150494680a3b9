//! One script, directive by directive.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use engine::limits;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Linker, Val};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use super::{Depth, value};

/// Far more than any directive takes; one that waits for ever is an outcome of its own.
const DIRECTIVE_TIME: Duration = Duration::from_secs(30);

/// What became of one directive.
pub struct Outcome {
    /// Its first line in the script.
    pub line: usize,
    /// What it did instead of what the script says.
    pub otherwise: Option<String>,
}

/// How what was refused before is spoken of.
pub const NO_INSTANCE: &str = "no instance: ";

/// Runs one script.
pub struct Runner<'a> {
    engine: &'a wasmtime::Engine,
    depth: Depth,
    runtime: tokio::runtime::Runtime,
    definitions: HashMap<Option<String>, Result<Component, String>>,
    /// The instance that is spoken of, or why there is none.
    current: Result<(Store<()>, Instance), String>,
}

type Ended = Result<(), String>;

/// How a call or an instantiation ended, apart from what could not even be tried.
type Tried<T> = Result<Result<T, wasmtime::Error>, String>;

impl<'a> Runner<'a> {
    pub fn new(engine: &'a wasmtime::Engine, depth: Depth) -> Self {
        Self {
            engine,
            depth,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
            definitions: HashMap::new(),
            current: Err("no instance yet".into()),
        }
    }

    /// Runs `script` to its end.
    pub fn run(mut self, script: &str) -> Vec<Outcome> {
        let mut lexer = Lexer::new(script);
        lexer.allow_confusing_unicode(true);
        let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
        let script_of = match parser::parse::<Wast<'_>>(&buffer) {
            Ok(script) => script,
            Err(error) => {
                let line = error.span().linecol_in(script).0 + 1;
                return vec![Outcome { line, otherwise: Some(format!("not read: {}", error.message())) }];
            }
        };
        let mut outcomes = Vec::new();
        for directive in script_of.directives {
            let calls = matches!(directive, WastDirective::Invoke(_) | WastDirective::AssertReturn { .. });
            if calls && self.depth == Depth::Compile {
                continue;
            }
            let line = directive.span().linecol_in(script).0 + 1;
            outcomes.push(Outcome { line, otherwise: self.directive(directive).err() });
        }
        outcomes
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Ended {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(mut module) => {
                let name = owned(module.name());
                let component = encode(&mut module).and_then(|bytes| self.compile(&bytes).map_err(text));
                self.definitions.insert(name, component.clone());
                component.map(drop)
            }
            WastDirective::ModuleInstance { module, .. } => {
                let component = self.definitions.get(&owned(module)).ok_or("no such definition")?.clone();
                self.replace(component)
            }
            WastDirective::AssertMalformed { mut module, .. } | WastDirective::AssertInvalid { mut module, .. } => {
                // What the text format itself refuses never is a component.
                match encode(&mut module).map(|bytes| self.compile(&bytes)) {
                    Ok(Ok(_)) => Err("accepted".into()),
                    Ok(Err(_)) | Err(_) => Ok(()),
                }
            }
            WastDirective::AssertUnlinkable { module, .. } => match self.instantiate_text(module)? {
                Ok(_) => Err("linked".into()),
                Err(_) => Ok(()),
            },
            WastDirective::Invoke(invoke) => self.invoke(&invoke)?.map(drop).map_err(text),
            WastDirective::AssertTrap { exec, message, .. } => {
                let ended = match exec {
                    WastExecute::Invoke(invoke) => self.invoke(&invoke)?.map(drop),
                    WastExecute::Wat(module) => self.instantiate_text(module)?.map(drop),
                    WastExecute::Get { .. } => return Err("not a directive for components".into()),
                };
                trapped(ended, message)
            }
            WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), results, .. } => {
                let returned = self.invoke(&invoke)?.map_err(text)?;
                returned_as(&returned, &results)
            }
            _ => Err("not a directive for components".into()),
        }
    }

    fn module(&mut self, mut module: QuoteWat<'_>) -> Ended {
        let component = encode(&mut module).and_then(|bytes| self.compile(&bytes).map_err(text));
        self.replace(component)
    }

    /// Makes an instance of `component` the current one; where that fails, all that speaks of it fails for this reason.
    fn replace(&mut self, component: Result<Component, String>) -> Ended {
        self.current = Err("no instance yet".into());
        let made = component.and_then(|component| match self.depth {
            Depth::Run => self.instantiate(&component)?.map(Some).map_err(text),
            Depth::Compile => Ok(None),
        });
        self.current = match &made {
            Err(reason) => Err(format!("{NO_INSTANCE}{reason}")),
            Ok(_) => Err("compiled only".into()),
        };
        if let Some(instance) = made? {
            self.current = Ok(instance);
        }
        Ok(())
    }

    fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        // As `Engine::load` does; a test of its own shows it.
        let compiled = catch_unwind(AssertUnwindSafe(|| Component::new(self.engine, bytes)));
        compiled.unwrap_or_else(|_| Err(wasmtime::format_err!("panic")))
    }

    fn instantiate_text(&self, mut module: Wat<'_>) -> Tried<(Store<()>, Instance)> {
        let bytes = module.encode().map_err(|error| error.message())?;
        self.instantiate(&self.compile(&bytes).map_err(text)?)
    }

    fn instantiate(&self, component: &Component) -> Tried<(Store<()>, Instance)> {
        let mut store = Store::new(self.engine, ());
        store.set_max_component_handles(limits::HANDLES_MAX);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        let linker = Linker::new(self.engine);
        let instance = self.in_time(linker.instantiate_async(&mut store, component))?;
        Ok(instance.map(|instance| (store, instance)))
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Tried<Vec<Val>> {
        let mut current = std::mem::replace(&mut self.current, Err("lost with a call without end".into()));
        let (store, instance) = match &mut current {
            Ok((store, instance)) => (store, instance),
            Err(reason) => {
                let reason = reason.clone();
                self.current = current;
                return Err(reason);
            }
        };
        let called = instance.get_func(&mut *store, invoke.name).ok_or("no such function").and_then(|function| {
            let arguments: Option<Vec<_>> = invoke.args.iter().map(argument).collect();
            let results = vec![Val::Bool(false); function.ty(&*store).results().len()];
            Ok((function, arguments.ok_or("an argument of another kind")?, results))
        });
        let ended = match called {
            Err(reason) => Err(reason.to_owned()),
            Ok((function, arguments, mut results)) => self
                .in_time(function.call_async(&mut *store, &arguments, &mut results))
                .map(|ended| ended.map(|()| results)),
        };
        self.current = current;
        ended
    }

    fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        let in_time = async { tokio::time::timeout(DIRECTIVE_TIME, work).await };
        self.runtime.block_on(in_time).map_err(|_| "no end".to_owned())
    }
}

fn owned(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_owned())
}

fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, String> {
    module.encode().map_err(|error| format!("not read: {}", error.message()))
}

/// What wasmtime's error is about, without the place, and without the stack, which it begins with.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn text(error: wasmtime::Error) -> String {
    let text = format!("{:#}", error.root_cause());
    let line = text.lines().next().unwrap_or_default();
    line.split(" (at offset").next().unwrap_or_default().to_owned()
}

fn argument(argument: &WastArg<'_>) -> Option<Val> {
    match argument {
        WastArg::Component(argument) => Some(value::of(argument)),
        _ => None,
    }
}

fn returned_as(returned: &[Val], expected: &[WastRet<'_>]) -> Ended {
    let same = returned.len() == expected.len()
        && returned.iter().zip(expected).all(|(returned, expected)| match expected {
            WastRet::Component(expected) => value::is(returned, expected),
            _ => false,
        });
    if same { Ok(()) } else { Err(format!("returned {returned:?}")) }
}

fn trapped(ended: wasmtime::Result<()>, message: &str) -> Ended {
    let error = match ended {
        Ok(()) => return Err("no trap".into()),
        Err(error) => error,
    };
    let said = format!("{error:?}");
    // wasmtime words these two in its own way.
    let alike = |start: &str| message.starts_with(start) && said.contains(start);
    if said.contains(message) || alike("cannot read") || alike("cannot write") {
        return Ok(());
    }
    Err(format!("another trap than `{message}`: {}", text(error)))
}
