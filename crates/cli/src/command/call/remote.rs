//! A call of an actor on a lattice, as a client: JSON on the subject that any NATS client may use.

use std::time::Duration;

use adapter::text::{Notation, params_from_args, params_to, result_from_json};
use lattice::authority::Identity;
use lattice::bus::{Bus as _, BusError, Message};
use lattice::call::Answer;
use lattice::connect::Connection;
use lattice::subject::Subject;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, ClientName};
use serde_json::Value as Json;
use tokio::time::timeout;

use super::function::{Callee, find};
use super::{Call, NotationName, line};
use crate::application::{open, planned};
use crate::arguments::Format;
use crate::context::Chosen;
use crate::error::CliError;
use crate::lattice::connected;
use crate::limits::ANSWER_TIME_DEFAULT;
use crate::output::{self, Outcome, Output};

/// What is called, and with what.
struct Asked {
    application: AppName,
    actor: ActorName,
    function: String,
    payload: String,
    /// The function and the notation of the arguments, where the application's manifest is at hand.
    known: Option<(Callee, Notation)>,
}

/// Calls on the lattice of a context, and prints the result.
pub(super) fn call(call: &Call, chosen: &Chosen, output: &Output) -> Result<Outcome, CliError> {
    if call.data.is_some() {
        return Err(usage("`--data` is for calls on this machine; a lattice has its own".to_owned(), None));
    }
    let patience = call.patience.unwrap_or(ANSWER_TIME_DEFAULT);
    let asked = if call.is_here() { typed(call, output)? } else { named(call)? };
    let reply = connected(chosen, async |connection| {
        let client = client(call, &asked, &connection)?;
        let reply = answered(&connection, &asked, &client, patience).await;
        reply.map_err(|failure| CliError::Call {
            actor: asked.actor.clone(),
            function: asked.function.clone(),
            failure,
        })
    })?;
    match &asked.known {
        Some((callee, notation)) => {
            let text = String::from_utf8_lossy(&reply);
            let result = result_from_json(&callee.function, &text)
                .map_err(|source| CliError::Unwritable { function: callee.name.clone(), source })?;
            call.print(output, callee, result.as_ref(), *notation)
        }
        None => print(output, &reply),
    }
}

/// The application is at hand: its manifest knows the types.
fn typed(call: &Call, output: &Output) -> Result<Asked, CliError> {
    let plan = planned(&open(call.path(), &call.overlay, output)?)?;
    let callee = find(&plan.blueprint, call.actor.as_deref(), &call.function)?;
    let arguments = params_from_args(&callee.function, &call.args).map_err(|source| callee.refused(source))?;
    let payload = params_to(Notation::Json, &callee.function, &arguments.values)
        .map_err(|source| CliError::Unwritable { function: callee.name.clone(), source })?;
    Ok(Asked {
        application: plan.blueprint.application,
        actor: callee.actor.clone(),
        function: format!("{}#{}", callee.contract, callee.name),
        payload,
        known: Some((callee, arguments.notation)),
    })
}

/// Only names are known; the hosts know the types.
fn named(call: &Call) -> Result<Asked, CliError> {
    if matches!(call.notation, Some(NotationName::Wave)) {
        let help = "name the folder of the application to have its types";
        return Err(usage("results of a lattice are JSON".to_owned(), Some(help.to_owned())));
    }
    let (application, actor) = match call.app.split_once('/') {
        Some((application, actor)) => (application, Some(actor)),
        None => (call.app.as_str(), call.actor.as_deref()),
    };
    let wrong = |error: &dyn std::fmt::Display| usage(error.to_string(), None);
    let actor = actor.ok_or_else(|| {
        usage("which actor is not said".to_owned(), Some(format!("write `lath call {application}/ACTOR FUNCTION`")))
    })?;
    Ok(Asked {
        application: application.parse().map_err(|error| wrong(&error))?,
        actor: actor.parse().map_err(|error| wrong(&error))?,
        function: call.function.clone(),
        payload: untyped(&call.args),
        known: None,
    })
}

/// Arguments as JSON: one object by name or one array by position is all of them; what is no JSON is a string.
fn untyped(args: &[String]) -> String {
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()));
    match args {
        [] => String::new(),
        [only] => match value(only) {
            Json::Object(_) | Json::Array(_) => only.clone(),
            other => Json::Array(vec![other]).to_string(),
        },
        several => Json::Array(several.iter().map(value).collect()).to_string(),
    }
}

/// Who calls: the client of the credentials.
fn client(call: &Call, asked: &Asked, connection: &Connection) -> Result<ClientName, CliError> {
    let (application, actor) = (&asked.application, &asked.actor);
    let Some(user) = connection.user() else {
        let help = "say who calls with `--client NAME`, as `[clients.NAME]` of the manifest has it";
        let message = "the servers ask for no credentials, which would name the client".to_owned();
        return call.client.clone().ok_or_else(|| usage(message, Some(help.to_owned())));
    };
    let own = user.strip_prefix("client.").and_then(|rest| rest.split_once('.'));
    let own = own.filter(|(of, _)| *of == application.as_str()).and_then(|(_, name)| name.parse::<ClientName>().ok());
    match (own, &call.client) {
        (Some(own), asked) if asked.as_ref().is_none_or(|asked| *asked == own) => Ok(own),
        _ => Err(usage(
            format!("{user} may not call actor {application}/{actor}: only clients of {application} may"),
            Some(format!(
                "add `[clients.NAME]` with `may = [\"{actor}/CONTRACT\"]` to the manifest of {application} and deploy it; \
                 `lath lattice grant client NAME --app {application}` makes credentials, `lath context add` names them"
            )),
        )),
    }
}

async fn answered(
    connection: &Connection,
    asked: &Asked,
    client: &ClientName,
    patience: Duration,
) -> Result<Vec<u8>, Failure> {
    let fault = |error: &dyn std::fmt::Display| Failure::not_started(RpcError::Transport(error.to_string()));
    let subjects = connection.settings().subjects().map_err(|error| fault(&error))?;
    let (application, actor) = (&asked.application, &asked.actor);
    let inbox = Identity::Client { application: application.clone(), client: client.clone() }.inbox();
    let unique = connection.client().new_inbox();
    let unique = unique.rsplit('.').next().unwrap_or_default();
    let reply: Subject = format!("{inbox}.{unique}").parse().map_err(|error| fault(&error))?;
    let bus = connection.bus(reply.clone());
    let refused = |error: BusError| fault(&error);
    let mut answers = bus.subscribe(reply.clone()).await.map_err(refused)?;
    let subject = subjects.client_call(application, actor, client);
    let message = Message::new(subject, asked.payload.clone()).wanting(reply).with("lath-function", &asked.function);
    bus.publish(message).map_err(refused)?;
    let silent = || {
        let text = format!("no answer within {} s; `--wait` gives it more time", patience.as_secs_f64());
        Failure::unknown(RpcError::DeadlineExceeded(text))
    };
    let answer = timeout(patience, answers.next()).await;
    let answer = answer.ok().flatten().ok_or_else(silent)?;
    if answer.no_responders {
        return Err(fault(&format!(
            "no host serves clients of {application}; check `lath status {application}`, and that its manifest has \
             `[clients.{client}]` with `may = [\"{actor}/CONTRACT\"]`"
        )));
    }
    match Answer::from_message(&answer) {
        Ok(Answer::Whole(result)) => result.map(Vec::from),
        Ok(Answer::Chunks(_)) => Err(Failure::unknown(RpcError::Rpc("the answer comes in pieces".to_owned()))),
        Err(error) => Err(Failure::unknown(RpcError::Rpc(error.to_string()))),
    }
}

/// The result as it came. One that is an error is a failure; nothing stays nothing.
fn print(output: &Output, reply: &[u8]) -> Result<Outcome, CliError> {
    let text = String::from_utf8_lossy(reply);
    let written = match output.format() {
        Format::Json => format!("{{\"result\":{text}}}\n"),
        Format::Text if text == "null" => String::new(),
        Format::Text => line(text.to_string()),
    };
    output::write(output::plain(&written).as_bytes())?;
    let is_error = serde_json::from_slice(reply)
        .is_ok_and(|result: serde_json::Map<String, Json>| result.len() == 1 && result.contains_key("err"));
    Ok(if is_error { Outcome::Failure } else { Outcome::Success })
}

fn usage(message: String, help: Option<String>) -> CliError {
    CliError::Usage { message, help }
}
