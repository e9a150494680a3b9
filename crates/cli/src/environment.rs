//! The environment, read here and nowhere else, once, before anything is done.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use host::Sources;
use host::limits::SETTINGS_MAX;
use host::secrets::{SECRET_VARIABLE, Secrets, secret_of_variable};
use host::settings::{Given, SETTING_VARIABLE, Source, Unread, setting_of_variable};
use model::secret::SecretValue;

/// What the program takes from its surroundings.
#[derive(Debug)]
pub(crate) struct Environment {
    /// `LATH_LOG`: which log lines are written, such as `info` or `warn,host=debug`.
    pub(crate) log: Option<OsString>,
    /// Where compiled components are kept: `LATH_CACHE`, else `lath` in `XDG_CACHE_HOME`, else `~/.cache/lath`.
    pub(crate) cache: Option<PathBuf>,
    /// Where sockets of running applications are: `lath` in `XDG_RUNTIME_DIR`, else in `XDG_STATE_HOME`, else
    /// `~/.local/state/lath`.
    pub(crate) runtime: Option<PathBuf>,
    /// `LATH_CONTEXT`: the context of commands that are about a lattice.
    pub(crate) context: Option<String>,
    /// `USER`: who runs the command, where credentials do not say.
    pub(crate) user: Option<String>,
    /// Where our settings are kept: `lath` in `XDG_CONFIG_HOME`, else `~/.config/lath`.
    pub(crate) config: Option<PathBuf>,
    /// `NO_COLOR` is set: no colours even on a terminal.
    no_color: bool,
    /// `LATH_CONFIG_…` and `LATH_SECRET_…`: settings of actors, and values of secrets.
    given: Sources,
    /// `OTEL_…`: what is observed, and where it goes, as OpenTelemetry names it.
    pub(crate) telemetry: BTreeMap<String, String>,
    /// Standard input is a terminal.
    pub(crate) is_stdin_terminal: bool,
    /// Standard output is a terminal.
    pub(crate) is_stdout_terminal: bool,
    /// Standard error is a terminal.
    pub(crate) is_stderr_terminal: bool,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        Self {
            log: variable("LATH_LOG"),
            cache: cache(variable),
            runtime: runtime(variable),
            context: variable("LATH_CONTEXT").map(|name| name.to_string_lossy().into_owned()),
            user: variable("USER").map(|name| name.to_string_lossy().into_owned()),
            config: folder(variable, "XDG_CONFIG_HOME", ".config"),
            no_color: variable("NO_COLOR").is_some(),
            given: given(env::vars_os()),
            telemetry: telemetry(env::vars_os()),
            is_stdin_terminal: io::stdin().is_terminal(),
            is_stdout_terminal: io::stdout().is_terminal(),
            is_stderr_terminal: io::stderr().is_terminal(),
        }
    }

    /// Where a host takes settings and secrets from: its environment, and these of its file.
    pub(crate) fn sources(&self, file: Vec<Given>, folder: Option<PathBuf>) -> Sources {
        let mut sources = self.given.clone();
        sources.settings.given.extend(file);
        sources.secrets.folder = folder;
        sources
    }

    /// True where errors and logs are coloured.
    pub(crate) fn colours_stderr(&self) -> bool {
        self.is_stderr_terminal && !self.no_color
    }
}

/// A variable that is passed on under its own name; else why there is none.
pub(crate) fn passed_on(name: &str) -> Result<String, &'static str> {
    env::var(name).map_err(|error| match error {
        env::VarError::NotPresent => "is not set",
        env::VarError::NotUnicode(_) => "is not UTF-8",
    })
}

/// The settings and secrets among the variables.
fn given(variables: impl Iterator<Item = (OsString, OsString)>) -> Sources {
    let mut sources = Sources::default();
    for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
        let Some(name) = name.to_str() else { continue };
        let taken = if let Some(rest) = name.strip_prefix(SECRET_VARIABLE) {
            take_secret(rest, value, &mut sources.secrets)
        } else if let Some(rest) = name.strip_prefix(SETTING_VARIABLE) {
            take_setting(rest, value, &mut sources.settings.given)
        } else {
            continue;
        };
        if let Err(why) = taken
            && sources.settings.unread.len() < SETTINGS_MAX
        {
            sources.settings.unread.push(Unread { variable: name.to_owned(), why });
        }
    }
    sources
}

fn take_secret(rest: &str, value: OsString, secrets: &mut Secrets) -> Result<(), String> {
    let name = secret_of_variable(rest)
        .ok_or_else(|| format!("write {SECRET_VARIABLE} and a name such as ACME_KEY, for the secret `acme-key`"))?;
    if secrets.environment.len() >= SETTINGS_MAX {
        return Err(format!("{SETTINGS_MAX} secrets are the most"));
    }
    // What is wrong with it is told to whoever needs it.
    secrets.environment.insert(name, SecretValue::from_bytes(value.into_encoded_bytes()));
    Ok(())
}

fn take_setting(rest: &str, value: OsString, given: &mut Vec<Given>) -> Result<(), String> {
    let (app, actor, key) = setting_of_variable(rest).ok_or_else(|| {
        format!("write {SETTING_VARIABLE}APP__ACTOR__KEY, such as {SETTING_VARIABLE}SHOP__CART__CURRENCY")
    })?;
    if given.len() >= SETTINGS_MAX {
        return Err(format!("{SETTINGS_MAX} settings are the most"));
    }
    let value = SecretValue::from_bytes(value.into_encoded_bytes()).map_err(|error| error.to_string())?;
    given.push(Given { app, actor, key, source: Source::Environment, value });
    Ok(())
}

/// The variables of OpenTelemetry that are text and not empty.
fn telemetry(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let all = variables.into_iter().filter_map(text);
    all.filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty()).collect()
}

/// An empty variable is one that is not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable("LATH_CACHE").map(PathBuf::from).or_else(|| folder(variable, "XDG_CACHE_HOME", ".cache"))
}

fn runtime(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let own = absolute(&variable, "XDG_RUNTIME_DIR").map(|folder| folder.join("lath"));
    own.or_else(|| folder(variable, "XDG_STATE_HOME", ".local/state"))
}

/// The base directory specification has relative paths ignored.
fn absolute(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Our folder in the user's folder of this kind.
fn folder(variable: impl Fn(&str) -> Option<OsString>, name: &str, below_home: &str) -> Option<PathBuf> {
    let kind = absolute(&variable, name).or_else(|| Some(absolute(&variable, "HOME")?.join(below_home)));
    Some(kind?.join("lath"))
}
