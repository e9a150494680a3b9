//! `lath context`: lattices that one works with, by name.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lattice::connect::{ServerUrl, ServerUrlError};
use lattice::subject::{Subject, Token};
use model::ids::LatticeName;
use serde::Serialize;

use crate::context::{self, Contexts};
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Name lattices, so that commands need not say how to reach them
///
/// They are kept in `lath/contexts.toml` in `XDG_CONFIG_HOME`, else in `~/.config`. `--context` or `LATH_CONTEXT`
/// chooses one for a command.
#[derive(Debug, Args)]
pub(crate) struct Context {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a context, or replace one; the first is in use from then on
    Add(Add),
    /// Use a context where a command does not name one
    Use {
        /// Its name
        name: String,
    },
    /// List the contexts
    List,
    /// Remove a context; credentials stay where they are
    #[command(alias = "rm")]
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// A name of your choice
    name: String,
    /// The NATS servers, several joined by commas: `nats://HOST:4222`, with TLS `tls://HOST:4222`
    #[arg(long, value_parser = url)]
    url: String,
    /// The lattice's name
    #[arg(long)]
    lattice: LatticeName,
    /// The file of your credentials
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// The certificates by which servers are trusted, beside those of the system
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Your own certificate, where servers ask for one
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// What the subjects of the lattice begin with, where it is not `lath`
    #[arg(long)]
    prefix: Option<Subject>,
    /// The JetStream domain, behind a leaf node
    #[arg(long)]
    domain: Option<Token>,
}

/// What there is afterwards.
#[derive(Serialize)]
struct Report {
    /// The one in use.
    current: Option<String>,
    contexts: Vec<Listed>,
    /// What was done, for a person.
    #[serde(skip)]
    told: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    url: String,
    lattice: String,
    credentials: Option<String>,
}

impl Context {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let mut contexts = Contexts::read(environment)?;
        let told = match &self.action {
            Action::List => None,
            action => {
                let told = action.apply(&mut contexts)?;
                contexts.write(environment)?;
                Some(told)
            }
        };
        output.print(&Report::of(&contexts, told))?;
        Ok(Outcome::Success)
    }
}

impl Action {
    /// Changes the contexts, and says what was done.
    fn apply(&self, contexts: &mut Contexts) -> Result<String, CliError> {
        Ok(match self {
            Self::List => String::new(),
            Self::Add(add) => {
                contexts.contexts.insert(add.name.clone(), add.context()?);
                contexts.current.get_or_insert_with(|| add.name.clone());
                format!("added {}", add.name)
            }
            Self::Use { name } => {
                contexts.get(name)?;
                contexts.current = Some(name.clone());
                format!("{name} is in use")
            }
            Self::Remove { name } => {
                contexts.get(name)?;
                contexts.contexts.remove(name);
                contexts.current.take_if(|current| current == name);
                format!("removed {name}")
            }
        })
    }
}

impl Add {
    fn context(&self) -> Result<context::Context, CliError> {
        Ok(context::Context {
            url: self.url.clone(),
            lattice: self.lattice.clone(),
            credentials: self.credentials.as_deref().map(whole).transpose()?,
            tls_ca: self.tls_ca.as_deref().map(whole).transpose()?,
            tls_certificate: self.tls_certificate.as_deref().map(whole).transpose()?,
            tls_key: self.tls_key.as_deref().map(whole).transpose()?,
            prefix: self.prefix.as_ref().map(ToString::to_string),
            domain: self.domain.as_ref().map(ToString::to_string),
        })
    }
}

/// The path from the root, for commands that run in another folder. It must be there: a wrong one is told now.
fn whole(path: &Path) -> Result<PathBuf, CliError> {
    path.canonicalize().map_err(|source| CliError::File { verb: "read", path: path.to_owned(), source })
}

fn url(text: &str) -> Result<String, ServerUrlError> {
    text.split(',').try_for_each(|server| server.parse::<ServerUrl>().map(drop))?;
    Ok(text.to_owned())
}

impl Report {
    fn of(contexts: &Contexts, told: Option<String>) -> Self {
        let listed = contexts.contexts.iter().map(|(name, context)| Listed {
            name: name.clone(),
            url: context.url.clone(),
            lattice: context.lattice.to_string(),
            credentials: context.credentials.as_ref().map(|path| path.display().to_string()),
        });
        Self { current: contexts.current.clone(), contexts: listed.collect(), told }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(told) = &self.told {
            return writeln!(f, "{told}");
        }
        if self.contexts.is_empty() {
            return writeln!(f, "there are no contexts; `lath context add` adds one");
        }
        for Listed { name, url, lattice, credentials } in &self.contexts {
            let mark = if self.current.as_ref() == Some(name) { '*' } else { ' ' };
            let user = credentials.as_ref().map_or(String::new(), |path| format!(", credentials {path}"));
            writeln!(f, "{mark} {name}: lattice {lattice} at {url}{user}")?;
        }
        Ok(())
    }
}
