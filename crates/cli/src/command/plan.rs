//! `lath plan`: how each link will run, and why.

mod changes;
mod given;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use host::application::Application;
use model::blueprint::ClientGrant;
use model::ids::ClientName;
use plan::LinkExplanation;
use serde::Serialize;

use changes::Changes;
use given::{Given, Line};

use crate::application::{Overlay, open, planned};
use crate::context::{Choice, Chosen};
use crate::environment::Environment;
use crate::error::CliError;
use crate::lattice::on_lattice;
use crate::output::{Outcome, Output};

/// Show for each link how it will run and why, and what may surprise
///
/// Builds what is stale, checks every import, contract and reach, and starts nothing. With a context it also shows what
/// `lath up` would change on the lattice: versions, places, and what would find none.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// A folder with a `lath.toml`, a manifest, or a component
    #[arg(default_value = ".")]
    app: PathBuf,
    #[command(flatten)]
    overlay: Overlay,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize)]
struct Report {
    application: String,
    generation: u64,
    actors: Vec<Actor>,
    providers: Vec<Provider>,
    routes: Vec<Route>,
    clients: Vec<Client>,
    links: Vec<Link>,
    warnings: Vec<Warning>,
    /// What `lath up` would change; absent without a context.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Changes>,
}

#[derive(Serialize)]
struct Actor {
    name: String,
    /// Everyone in its composite, itself first.
    members: Vec<String>,
    /// The contract by which it answers requests of HTTP as they come; routes lead there.
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<String>,
    /// The contracts on which it answers.
    answers: Vec<String>,
    /// The configuration that it reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config: Vec<Given>,
    /// The variables that it is granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<Given>,
}

#[derive(Serialize)]
struct Provider {
    name: String,
    kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config: Vec<Given>,
}

/// A route as a program and a person read it.
#[derive(Serialize)]
pub(super) struct Route {
    pub(super) host: Option<String>,
    pub(super) path: String,
    /// Every method where empty.
    pub(super) methods: Vec<&'static str>,
    /// The middleware before it, in order; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) via: Vec<String>,
    pub(super) to: String,
}

/// A program outside, and what it may call.
#[derive(Serialize)]
struct Client {
    name: String,
    /// Such as `cart/acme:shop/cart@1.0.0`.
    may: Vec<String>,
}

#[derive(Serialize)]
struct Link {
    composite: String,
    actor: String,
    import: String,
    contract: String,
    /// The middleware before the target, in order; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
    target: String,
    reach: &'static str,
    /// The contract of plain values that reaches a provider on another host; absent where none is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<String>,
    how: String,
    why: String,
    deadline_ms: Option<u128>,
}

/// A warning of a plan.
#[derive(Serialize)]
pub(super) struct Warning {
    pub(super) key: String,
    pub(super) message: String,
    pub(super) help: String,
}

impl Plan {
    pub(crate) fn run(&self, output: &Output, environment: &Environment) -> Result<Outcome, CliError> {
        let chosen = self.choice.optional(environment)?;
        let application = open(&self.app, &self.overlay, output)?;
        let report = Report::of(&planned(&application)?);
        let Some(chosen) = chosen else {
            output.print(&report)?;
            return Ok(Outcome::Success);
        };
        match changes(&application, &chosen, environment) {
            Ok(changes) => output.print(&Report { changes: Some(changes), ..report })?,
            // A plan is of use without a lattice, unless this one was asked for by name.
            Err(error @ CliError::Connect { .. }) if !chosen.is_named => {
                output.print(&report)?;
                output.progress(&format!("what `lath up` would change is not known: {error}"));
            }
            Err(error) => return Err(error),
        }
        Ok(Outcome::Success)
    }
}

/// What `lath up` would change on the lattice of a context.
fn changes(application: &Application, chosen: &Chosen, environment: &Environment) -> Result<Changes, CliError> {
    on_lattice(chosen, environment, async |joined| {
        let preview = joined.operator.preview(application).await;
        let preview = preview.map_err(|error| CliError::operate_on(application, error))?;
        Ok(Changes::of(&chosen.name, &preview))
    })
}

impl Report {
    fn of(plan: &plan::Plan) -> Self {
        let blueprint = &plan.blueprint;
        let actors = blueprint.composites.iter().map(|(name, composite)| Actor {
            name: name.to_string(),
            members: composite.members.iter().map(|member| member.actor.to_string()).collect(),
            http: composite.http.first().map(|http| http.export.clone()),
            answers: composite.receivers.iter().map(|receiver| receiver.contract.name.to_string()).collect(),
            config: Given::config(composite),
            env: Given::env(composite),
        });
        let providers = blueprint.providers.iter().map(|(name, provider)| Provider {
            name: name.to_string(),
            kind: provider.kind.clone(),
            config: Given::provider(provider),
        });
        Self {
            application: blueprint.application.to_string(),
            generation: blueprint.generation,
            actors: actors.collect(),
            providers: providers.collect(),
            routes: blueprint.routes.iter().map(Route::of).collect(),
            clients: blueprint.clients.iter().map(Client::of).collect(),
            links: plan::explain(blueprint, &plan.notes).iter().map(Link::of).collect(),
            warnings: plan.warnings.iter().map(Warning::of).collect(),
            changes: None,
        }
    }
}

impl Route {
    pub(super) fn of(route: &model::manifest::Route) -> Self {
        Self {
            host: route.host.as_ref().map(ToString::to_string),
            path: route.path.to_string(),
            methods: route.methods.iter().map(|method| method.as_str()).collect(),
            via: route.via.iter().map(ToString::to_string).collect(),
            to: route.to.to_string(),
        }
    }
}

impl Client {
    fn of((name, grants): (&ClientName, &BTreeSet<ClientGrant>)) -> Self {
        let may = grants.iter().map(|grant| format!("{}/{}", grant.actor, grant.contract));
        Self { name: name.to_string(), may: may.collect() }
    }
}

impl Link {
    fn of(link: &LinkExplanation) -> Self {
        Self {
            composite: link.composite.to_string(),
            actor: link.actor.to_string(),
            import: link.import.clone(),
            contract: link.contract.to_string(),
            via: link.via.iter().map(ToString::to_string).collect(),
            target: link.target.clone(),
            reach: link.reach.as_str(),
            bridge: link.bridge.as_ref().map(ToString::to_string),
            how: link.how.clone(),
            why: link.why.clone(),
            deadline_ms: link.deadline.map(|deadline| deadline.as_millis()),
        }
    }
}

impl Warning {
    pub(super) fn of(warning: &plan::Warning) -> Self {
        Self { key: warning.at.key.clone(), message: warning.to_string(), help: warning.mend() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "application {}", self.application)?;
        for Actor { name, members, http, answers, config, env } in &self.actors {
            let fused = members.get(1..).unwrap_or_default();
            let fused = if fused.is_empty() { String::new() } else { format!(", with {} fused in", fused.join(", ")) };
            let http = http.iter().map(|contract| format!("HTTP by {contract}"));
            let answers: Vec<_> = http.chain(answers.iter().cloned()).collect();
            let answers = if answers.is_empty() { "nothing".to_owned() } else { answers.join(", ") };
            writeln!(f, "  actor {name} answers {answers}{fused}")?;
            write!(f, "{}{}", Line("config", config), Line("env", env))?;
        }
        for Provider { name, kind, config } in &self.providers {
            write!(f, "  provider {name} is {kind}\n{}", Line("config", config))?;
        }
        for route in &self.routes {
            writeln!(f, "  route {route}")?;
        }
        for Client { name, may } in &self.clients {
            writeln!(f, "  client {name} may call {}", may.join(", "))?;
        }
        for link in &self.links {
            write!(f, "\n{link}")?;
        }
        for Warning { key, message, help } in &self.warnings {
            write!(f, "\nwarning: {message}\n  at {key}\n  {help}\n")?;
        }
        self.changes.iter().try_for_each(|changes| write!(f, "\n{changes}"))
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            write!(f, "{} ", self.methods.join(" "))?;
        }
        let via: String = self.via.iter().map(|actor| format!("{actor} → ")).collect();
        write!(f, "{}{} → {via}{}", self.host.as_deref().unwrap_or_default(), self.path, self.to)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { composite, actor, import, contract, target, how, why, .. } = self;
        let via: String = self.via.iter().map(|actor| format!("{actor} → ")).collect();
        let inside = if composite == actor { String::new() } else { format!(", inside {composite}") };
        writeln!(f, "{actor}{inside}: {import} → {via}{target}")?;
        if import != contract {
            writeln!(f, "  contract {contract}")?;
        }
        writeln!(f, "  how      {how}\n  why      {why}")?;
        match self.deadline_ms {
            Some(deadline) => writeln!(f, "  deadline {deadline} ms"),
            None => writeln!(f, "  deadline the caller's"),
        }
    }
}
