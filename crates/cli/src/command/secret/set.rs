//! `lath secret set`.

use std::fmt;
use std::io::{self, Read as _};

use clap::Args;
use host::operate::SecretSet;
use model::ids::SecretName;
use model::limits::SECRET_BYTES_MAX;
use model::secret::SecretValue;
use serde::Serialize;

use crate::context::Choice;
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Set a secret, or give it another value
///
/// The value comes from standard input, or is asked for at a terminal and not shown; a line's end at its end is no part of
/// it. It never comes from an argument, which others on this machine could read. What runs keeps the value that it was
/// given until it starts anew.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The secret
    name: SecretName,
    #[command(flatten)]
    choice: Choice,
}

impl Set {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.required(environment)?;
        let value = self.value(environment)?;
        on_lattice(&chosen, environment, async |joined| {
            let set = joined.operator.set_secret(&self.name, &value).await?;
            output.print(&Report::of(&self.name, &set))?;
            Ok(Outcome::Success)
        })
    }

    fn value(&self, environment: &Environment) -> Result<SecretValue, CliError> {
        let failed = |source| CliError::Start { what: "the value cannot be read", source };
        let bytes = if environment.is_stdin_terminal {
            rpassword::prompt_password(format!("value of {} (not shown): ", self.name)).map_err(failed)?.into_bytes()
        } else {
            // With room for a line's end, and one more byte that tells that it is too long; growing would leave copies.
            let room = SECRET_BYTES_MAX + 3;
            let mut bytes = Vec::with_capacity(room);
            io::stdin().lock().take(room as u64).read_to_end(&mut bytes).map_err(failed)?;
            bytes
        };
        SecretValue::from_written(bytes).map_err(|error| CliError::Usage {
            message: format!("the value of {} cannot be used: {error}", self.name),
            help: Some(format!("pass it on standard input, such as `lath secret set {} < FILE`", self.name)),
        })
    }
}

#[derive(Serialize)]
struct Report {
    secret: String,
    /// The hosts that can open it.
    hosts: Vec<String>,
    /// The hosts that cannot.
    without: Vec<String>,
}

impl Report {
    fn of(name: &SecretName, set: &SecretSet) -> Self {
        Self { secret: name.to_string(), hosts: super::names(&set.hosts), without: super::names(&set.without) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, hosts, without } = self;
        writeln!(f, "{secret} is set; {} can open it", hosts.join(", "))?;
        if !without.is_empty() {
            writeln!(f, "  {} cannot: they told of no key; update lath there", without.join(", "))?;
        }
        Ok(())
    }
}
