//! `lath call`: one call of one function, through the actor's receiver.

mod function;
mod remote;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::codec::Codec;
use adapter::text::{Notation, params_from_args, result_to};
use adapter::value::Value;
use clap::{Args, ValueEnum};
use host::application::Application;
use host::{Host, HostSettings};
use lattice::call::{self, Incarnation, Origin, Target, WordError};
use lattice::calls::Caller;
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::failure::{Failure, RpcError};
use model::ids::{AppName, ClientName, NameError};
use model::wire::WireVersion;
use plan::Plan;

use super::deployment::duration;
use crate::application::{Overlay, Told, open, planned, threads};
use crate::arguments::Format;
use crate::context::{Choice, Chosen};
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{self, Outcome, Output};
use function::Callee;

/// The lattice and the host that exist for one call, and who calls.
const LATTICE: &str = "local";
const HOST: &str = "local";
const CALLER: &str = "cli";

/// Call one function of an actor and print its result
///
/// A path: the application is started for the call, without HTTP, and ended after it. With a context, the application of
/// that lattice is called, as the client of the context's credentials: by its name and the actor's (`shop/cart`) with
/// arguments in JSON, or by the path of its manifest, which has the types. Exit code 1 where the call fails or the function
/// answers with an error.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// A folder with a `lath.toml`, a manifest, or a component; on a lattice also `application/actor`
    app: String,
    /// `function` or `interface.function` where that is unique, else `namespace:package/interface@version#function`
    function: String,
    /// One argument for each parameter, in WAVE or JSON; or all of them as one JSON object or array
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// The actor, where several have the function
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// How the result is written [default: as the arguments are]
    #[arg(long, value_enum)]
    notation: Option<NotationName>,
    /// The folder for the data of providers [default: `.lath` beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Who calls, on a lattice whose servers ask for no credentials
    #[arg(long, value_name = "NAME")]
    client: Option<ClientName>,
    /// How long to wait for the answer of a lattice, such as `5m`; hosts end a call at its deadline [default: 60s]
    #[arg(long = "wait", value_name = "TIME", value_parser = duration)]
    patience: Option<Duration>,
    #[command(flatten)]
    overlay: Overlay,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NotationName {
    /// The notation of WebAssembly values: `{name: "a", tags: [x]}`
    Wave,
    /// By the table of docs/JSON.md
    Json,
}

impl Call {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        if let Some(chosen) = self.lattice(environment)? {
            return remote::call(self, &chosen, output);
        }
        if self.patience.is_some() {
            let message = "`--wait` is for calls on a lattice; here the deadline of the application holds".to_owned();
            return Err(CliError::Usage { message, help: None });
        }
        let application = open(self.path(), &self.overlay, output)?;
        let plan = planned(&application)?;
        let callee = function::find(&plan.blueprint, self.actor.as_deref(), &self.function)?;
        let arguments = params_from_args(&callee.function, &self.args).map_err(|source| callee.refused(source))?;
        // A function of any other wire was refused.
        let codec = Codec(WireVersion::of_id(&callee.wire).unwrap_or_default());
        let payload = codec
            .encode_params(&callee.function, &arguments.values)
            .map_err(|source| CliError::Unwritable { function: callee.name.clone(), source: source.into() })?;
        let settings = self.settings(&application, environment);
        let threads = threads()?;
        let reply = threads.block_on(called(application, &plan, settings, &callee, payload, *output));
        threads.shutdown_background();
        let result = codec
            .decode_result(&callee.function, &reply?)
            .map_err(|source| CliError::Reply { function: callee.name.clone(), source })?;
        self.print(output, &callee, result.as_ref(), arguments.notation)
    }

    /// The lattice to call on: the one that is named, or the one in use where there is nothing at the path.
    fn lattice(&self, environment: &Environment) -> Result<Option<Chosen>, CliError> {
        let chosen = self.choice.optional(environment)?;
        Ok(chosen.filter(|chosen| chosen.is_named || !self.is_here()))
    }

    fn path(&self) -> &Path {
        Path::new(&self.app)
    }

    /// True where the application is a file or folder, not a name.
    fn is_here(&self) -> bool {
        self.path().exists()
    }

    fn settings(&self, application: &Application, environment: &Environment) -> HostSettings {
        HostSettings {
            name: HOST.to_owned(),
            lattice: LATTICE.to_owned(),
            listen: None,
            tls: None,
            data: self.data.clone().unwrap_or_else(|| application.folder().join(super::DATA)),
            cache: environment.cache.clone(),
            telemetry: host::telemetry::Telemetry::default(),
            sources: environment.sources(Vec::new(), None),
        }
    }

    fn print(
        &self,
        output: &Output,
        callee: &Callee,
        result: Option<&Value>,
        as_written: Notation,
    ) -> Result<Outcome, CliError> {
        let written = |notation| {
            result_to(notation, &callee.function, result)
                .map_err(|source| CliError::Unwritable { function: callee.name.clone(), source })
        };
        let line = match (output.format(), self.notation) {
            (Format::Json, _) => format!("{{\"result\":{}}}\n", written(Notation::Json)?),
            (Format::Text, None) => line(written(as_written)?),
            (Format::Text, Some(NotationName::Wave)) => line(written(Notation::Wave)?),
            (Format::Text, Some(NotationName::Json)) => line(written(Notation::Json)?),
        };
        output::write(output::plain(&line).as_bytes())?;
        Ok(if matches!(result, Some(Value::Result(Err(_)))) { Outcome::Failure } else { Outcome::Success })
    }
}

/// Nothing stays nothing: no result is no line.
fn line(text: String) -> String {
    if text.is_empty() { text } else { text + "\n" }
}

/// Starts the application, calls, and ends it.
async fn called(
    application: Application,
    plan: &Plan,
    settings: HostSettings,
    callee: &Callee,
    payload: Vec<u8>,
    output: Output,
) -> Result<Vec<u8>, CliError> {
    let deadline = application.manifest().deadline;
    let bus = Arc::new(MemoryBus::new());
    let progress = Box::new(move |step| output.waiting(&Told(&step)));
    let start = Host::start(Arc::new(application), plan.blueprint.clone(), settings, bus.clone(), progress);
    let host = start.await?;
    let failed = |failure| CliError::Call { actor: callee.actor.clone(), function: callee.name.clone(), failure };
    let reply = asked(bus, &plan.blueprint.application, callee, payload, deadline).await;
    let drained = host.drain().await;
    let reply = reply.map_err(failed)?;
    drained?;
    Ok(reply)
}

/// Calls the host as a person at the command line.
async fn asked(
    bus: Arc<MemoryBus>,
    app: &AppName,
    callee: &Callee,
    payload: Vec<u8>,
    deadline: Duration,
) -> Result<Vec<u8>, Failure> {
    let wrong = |error: &dyn std::error::Error| Failure::not_started(RpcError::Rpc(error.to_string()));
    let lattice = LATTICE.parse().map_err(|error: NameError| wrong(&error))?;
    let me = CALLER.parse().map_err(|error: NameError| wrong(&error))?;
    let host = HOST.parse().map_err(|error: NameError| wrong(&error))?;
    let word = |text: &str| text.parse().map_err(|error: WordError| wrong(&error));
    let call = call::Call {
        target: Target::actor(app, &callee.actor),
        origin: Origin::Operator,
        link: None,
        contract: word(&callee.contract.to_string())?,
        method: word(&callee.name)?,
        wire: word(&callee.wire)?,
        deadline: Instant::now() + deadline,
        chain: 0,
        depth: 0,
        generation: 0,
        trace: None,
        payload: payload.into(),
    };
    let caller = Caller::start(bus, Subjects::new(&lattice), me, Incarnation(1)).await;
    caller.map_err(|error| wrong(&error))?.call(&host, call).await.map(Vec::from)
}
