//! What can go wrong, for a person and for a program.
//!
//! [`CliError`] is whatever a command could not do. [`diagnostic()`] draws it, with the text that it points into;
//! [`json()`] writes it as one object.

mod detail;
mod diagnostic;
mod json;

use std::io;
use std::path::{Path, PathBuf};

use adapter::codec::DecodeError;
use adapter::compose::ComposeError;
use adapter::generate::GenerateError;
use adapter::source::SourceError;
use adapter::text::TextError;
use host::HostError;
use host::application::{Application, ApplicationError};
use host::command::CommandError;
use host::config::ConfigError;
use host::generator::GeneratorError;
use host::node::NodeError;
use host::observe::ObserveError;
use host::operate::OperateError;
use host::record::{RecordError, RecordingError};
use host::replay::ReplayError;
use lattice::bus::BusError;
use lattice::connect::ConnectError;
use model::failure::{Failure, Progress};
use model::ids::{ActorName, AppName};
use model::manifest::ManifestErrors;
use plan::Problem;

pub(crate) use detail::Details;
pub(crate) use diagnostic::diagnostic;
pub(crate) use json::json;

/// The exit code of a command that failed.
pub(crate) const EXIT_FAILED: u8 = 1;
/// The exit code of a command that was asked for wrongly.
pub(crate) const EXIT_USAGE: u8 = 2;

/// The exit code of a command that trapped: what a shell makes of SIGABRT.
pub(crate) const EXIT_TRAPPED: u8 = 134;
/// The exit code of a command whose time was over: that of timeout(1).
pub(crate) const EXIT_LATE: u8 = 124;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The arguments or the environment ask for what cannot be.
    #[error("{message}")]
    Usage { message: String, help: Option<String> },
    /// A file or folder cannot be used.
    #[error("cannot {verb} {}", path.display())]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    /// The result cannot be told.
    #[error("cannot write to standard output")]
    Stdout { source: io::Error },
    /// The process could not be set up.
    #[error("cannot start: {what}")]
    Start { what: &'static str, source: io::Error },
    /// A folder without WIT was given as a WIT folder.
    #[error("{} holds no .wit file", folder.display())]
    NoWit { folder: PathBuf },
    /// A file is nothing that contracts come from.
    #[error("{} is neither WebAssembly nor WIT", path.display())]
    NoSource { path: PathBuf },
    /// A dependency of a WIT folder is encoded.
    #[error("{} is an encoded WIT package, and dependencies are read as text only", path.display())]
    EncodedDependency { path: PathBuf },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Generate(Box<GenerateError>),
    /// A generator that is a component made no adapter.
    #[error("the generator {} made no adapter", path.display())]
    Generator { path: PathBuf, source: Box<GeneratorError> },
    /// The manifest has errors.
    #[error("{} has {}", path.display(), counted(details.len(), "error"))]
    Manifest { path: PathBuf, details: Details },
    /// A host's file has errors.
    #[error("{} has {}", path.display(), counted(details.len(), "error"))]
    HostFile { path: PathBuf, details: Details },
    /// The lattice of a host cannot be joined.
    #[error("host {host} cannot join lattice {lattice}")]
    Join { host: String, lattice: String, source: Box<ConnectError> },
    #[error(transparent)]
    Node(Box<NodeError>),
    /// Another process took the host's place.
    #[error("stopped: a later process joined the lattice as host {host}; give each host a name of its own")]
    Superseded { host: String },
    /// The application cannot be planned.
    #[error("{} cannot be planned: it has {}", path.display(), counted(details.len(), "problem"))]
    Plan { path: PathBuf, details: Details },
    /// An actor cannot be what it is to be patched to.
    #[error(
        "application {application} cannot run with {}: {}; it stays as it is", component.display(),
        counted(details.len(), "problem")
    )]
    Patch { application: AppName, component: PathBuf, details: Details },
    #[error(transparent)]
    Application(Box<ApplicationError>),
    /// An actor's composite cannot be made.
    #[error("actor {actor} cannot be composed")]
    Compose { actor: ActorName, source: Box<ComposeError> },
    #[error(transparent)]
    Host(Box<HostError>),
    /// The process cannot be observed.
    #[error(transparent)]
    Observe(Box<ObserveError>),
    /// The function to call cannot be told from what was written.
    #[error("{message}")]
    Function { message: String, help: String },
    /// The arguments of a call are not what the function takes.
    #[error("the arguments of `{function}` cannot be read")]
    Arguments { function: String, signature: String, source: TextError },
    /// A call gave no result.
    #[error("the call of `{function}` on actor {actor} failed: {failure}")]
    Call { actor: ActorName, function: String, failure: Failure },
    /// A call gave bytes that are no result.
    #[error("the result of `{function}` cannot be read")]
    Reply { function: String, source: DecodeError },
    /// A second signal came while the first was obeyed.
    #[error("stopped at once by a second {signal}; calls that still ran were cut off")]
    CutOff { signal: &'static str },
    /// The command is about a lattice, and none was chosen.
    #[error("there is no lattice to work with: no context is in use")]
    NoContext { help: String },
    /// The `lath run` of an application does not answer.
    #[error("the `lath run` of application {application} does not answer")]
    Local { application: AppName, source: io::Error },
    /// The `lath run` of an application does not do what it is asked for.
    #[error("{message}")]
    Refused { message: String, help: Option<String> },
    /// No `lath run` serves an application.
    #[error("no `lath run` of yours serves {what}")]
    NotHere { what: String },
    /// The file of contexts cannot be understood.
    #[error("{} cannot be understood", path.display())]
    Contexts { path: PathBuf, source: toml::de::Error },
    /// The lattice of a context cannot be joined.
    #[error("the lattice of context {context} cannot be joined")]
    Connect { context: String, source: Box<ConnectError> },
    #[error(transparent)]
    Operate(Box<OperateError>),
    /// What a lattice's authority is kept in is damaged, or was written by a later version.
    #[error("cannot use the authority of the lattice in {}", folder.display())]
    Authority { folder: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// A component cannot be run as a command.
    #[error(transparent)]
    Command(Box<CommandError>),
    /// A command trapped.
    #[error("{name} trapped: {reason}")]
    Trapped { name: String, reason: String, backtrace: Option<String> },
    /// The time of a command was over.
    #[error("{name} was stopped: it ran longer than its `--timeout`")]
    Late { name: String, backtrace: Option<String> },
    #[error(transparent)]
    Record(Box<RecordError>),
    #[error(transparent)]
    Recording(Box<RecordingError>),
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// A component does something else than was recorded.
    #[error("{} is not patched in: it does something else than {}\n{difference}", component.display(), recording.display())]
    Differs { component: PathBuf, recording: PathBuf, difference: String },
    /// Messages cannot be heard.
    #[error("the messages of the lattice cannot be heard")]
    Tap { source: BusError },
    /// A result has no text.
    #[error("the result of `{function}` cannot be written")]
    Unwritable { function: String, source: TextError },
}

impl CliError {
    /// The word for it in JSON; documented in `docs/CLI.md`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::File { .. } | Self::Stdout { .. } | Self::NoWit { .. } => "file",
            Self::Source(_) | Self::NoSource { .. } | Self::EncodedDependency { .. } => "source",
            Self::Generate(_) | Self::Generator { .. } => "adapter",
            Self::Manifest { .. } => "manifest",
            Self::Plan { .. } | Self::Patch { .. } => "plan",
            Self::Application(_) => "application",
            Self::Compose { .. } => "compose",
            Self::Start { .. } | Self::Host(_) | Self::Observe(_) | Self::CutOff { .. } => "host",
            Self::HostFile { .. } | Self::Node(_) | Self::Superseded { .. } => "host",
            Self::Join { .. } => "lattice",
            Self::Connect { .. } | Self::Operate(_) | Self::Tap { .. } => "lattice",
            Self::Authority { .. } => "authority",
            Self::NoContext { .. } | Self::Contexts { .. } => "context",
            Self::Local { .. } | Self::Refused { .. } | Self::NotHere { .. } => "local",
            Self::Function { .. } => "function",
            Self::Arguments { .. } => "arguments",
            Self::Call { .. } => "call",
            Self::Command(_) | Self::Trapped { .. } | Self::Late { .. } => "command",
            Self::Record(_) | Self::Recording(_) => "recording",
            Self::Replay(_) | Self::Differs { .. } => "replay",
            Self::Reply { .. } | Self::Unwritable { .. } => "result",
        }
    }

    /// What to do next, where the message does not say so itself.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Usage { help, .. } | Self::Refused { help, .. } => help.clone(),
            Self::Local { .. } => Some("look at what it tells; end it and start it again".to_owned()),
            Self::NotHere { .. } => Some(
                "start it with `lath run`; or choose a lattice with `--context`, `lath context use` or `lath context add`"
                    .to_owned(),
            ),
            Self::File { verb: "write", .. } => {
                Some("name another place with `-o`, in a folder that exists and may be written to".to_owned())
            }
            Self::File { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some(format!("check the path; there is nothing at {}", path.display()))
            }
            Self::File { .. } => Some("check what it is, and that it may be read".to_owned()),
            Self::NoWit { .. } => Some("name the folder that has the package's .wit files in it".to_owned()),
            Self::NoSource { .. } => Some(
                "name a component, a core module with an embedded component type, a .wit file or a folder".to_owned(),
            ),
            Self::EncodedDependency { .. } => {
                Some("put the package's .wit files into a folder of `deps` instead".to_owned())
            }
            Self::Function { help, .. } | Self::NoContext { help } => Some(help.clone()),
            Self::Contexts { .. } => Some("mend it by hand, or remove it and add the contexts again".to_owned()),
            Self::Arguments { signature, .. } => Some(format!(
                "it is `{signature}`; write each argument in WAVE or JSON, or all of them as one JSON object or array"
            )),
            Self::Application(error) => match &**error {
                ApplicationError::Build { source, .. } => source.help(),
                _ => None,
            },
            Self::Call { failure, .. } if failure.progress == Progress::NotStarted => {
                Some("nothing ran: the call may be tried again".to_owned())
            }
            _ => None,
        }
    }

    /// The parts of an error that has many, each with its place.
    pub(crate) fn details(&self) -> Option<&Details> {
        match self {
            Self::Manifest { details, .. }
            | Self::HostFile { details, .. }
            | Self::Plan { details, .. }
            | Self::Patch { details, .. } => Some(details),
            _ => None,
        }
    }

    /// The program's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => EXIT_USAGE,
            Self::Trapped { .. } => EXIT_TRAPPED,
            Self::Late { .. } => EXIT_LATE,
            _ => EXIT_FAILED,
        }
    }

    /// The problems that keep `application` from being planned, placed in its manifest.
    pub(crate) fn plan(application: &Application, problems: &[Problem]) -> Self {
        Self::Plan { path: application.path().to_owned(), details: Details::of_plan(application, problems) }
    }

    /// What kept `application` from being deployed, with its problems placed in its manifest.
    pub(crate) fn operate_on(application: &Application, error: OperateError) -> Self {
        match error {
            OperateError::Unplannable { problems, .. } => Self::plan(application, &problems),
            other => other.into(),
        }
    }

    /// What kept an actor from being patched to the component at `path`.
    pub(crate) fn patch(path: &Path, error: OperateError) -> Self {
        match error {
            OperateError::Unpatchable { application, problems } => {
                Self::Patch { application, component: path.to_owned(), details: Details::of_patch(path, &problems) }
            }
            other => other.into(),
        }
    }

    fn manifest(path: PathBuf, text: &str, errors: &ManifestErrors) -> Self {
        let details = Details::of_manifest(&path, text, errors);
        Self::Manifest { path, details }
    }
}

impl From<ApplicationError> for CliError {
    fn from(error: ApplicationError) -> Self {
        match error {
            ApplicationError::Manifest { path, text, source } => Self::manifest(path, &text, &source),
            other => Self::Application(Box::new(other)),
        }
    }
}

impl From<OperateError> for CliError {
    fn from(error: OperateError) -> Self {
        Self::Operate(Box::new(error))
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Read { path, source } => Self::File { verb: "read", path, source },
            ConfigError::Invalid { path, text, source } => {
                let details = Details::of_manifest(&path, &text, &source);
                Self::HostFile { path, details }
            }
        }
    }
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::File(error) => (*error).into(),
            CommandError::Source(error) => error.into(),
            other => Self::Command(Box::new(other)),
        }
    }
}

impl From<NodeError> for CliError {
    fn from(error: NodeError) -> Self {
        Self::Node(Box::new(error))
    }
}

impl From<GenerateError> for CliError {
    fn from(error: GenerateError) -> Self {
        Self::Generate(Box::new(error))
    }
}

impl From<RecordError> for CliError {
    fn from(error: RecordError) -> Self {
        Self::Record(Box::new(error))
    }
}

impl From<RecordingError> for CliError {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Read(error) => (*error).into(),
            other => Self::Recording(Box::new(other)),
        }
    }
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> Self {
        Self::Replay(Box::new(error))
    }
}

impl From<HostError> for CliError {
    fn from(error: HostError) -> Self {
        Self::Host(Box::new(error))
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
