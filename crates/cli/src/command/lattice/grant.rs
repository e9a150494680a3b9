//! `lath lattice grant`: credentials for one more.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use lattice::authority::{Identity, Role};
use model::ids::AppName;
use serde::Serialize;

use super::folder::{Folder, Place};
use super::period::{Period, now};
use super::record::Standing;
use super::{host_file, usage};
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Give somebody credentials
///
/// The servers need not be told. ROLE is operator (everything but being a host), deployer (its applications), viewer
/// (looks only), host, provider (a process that serves that provider of an application) or client (a program that calls
/// actors of an application).
#[derive(Debug, Args)]
pub(super) struct Grant {
    /// operator, deployer, viewer, host, provider or client
    role: Role,
    /// The name of the person, host, provider or client
    name: String,
    /// The application: of a provider or client one, of a deployer one or more
    #[arg(long = "app", value_name = "NAME")]
    apps: Vec<AppName>,
    /// For how long the credentials are good: a number and d, h, m or s
    #[arg(long, value_name = "PERIOD", default_value = "365d")]
    expires: Period,
    /// Give new credentials to somebody who has some; those stay good until `revoke --previous`
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Report {
    user: String,
    role: String,
    key: String,
    credentials: PathBuf,
    /// The prefix of the inboxes that the user may use.
    inbox: String,
    expires: u64,
    host_file: Option<PathBuf>,
    #[serde(skip)]
    expires_in: Period,
    #[serde(skip)]
    is_outsider: bool,
}

impl Grant {
    pub(super) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let identity = self.identity()?;
        let mut folder = self.place.open()?;
        let now = now();
        self.check(&folder, &identity)?;
        let scope = folder.record.scope().map_err(|source| folder.broken(source))?;
        let credentials = folder.authority()?.grant(&scope, &identity, now, self.expires.after(now));
        let credentials = credentials.map_err(|error| CliError::Usage { message: error.to_string(), help: None })?;
        folder.record.add(&identity, &credentials, now);
        // What is noted and was never written can be revoked; what is written and was never noted cannot.
        folder.write_record()?;
        folder.write_credentials(&credentials)?;
        let report = Report {
            user: credentials.user().to_owned(),
            role: identity.role().to_string(),
            key: credentials.key().to_string(),
            credentials: folder.credentials(credentials.user()),
            inbox: credentials.inbox(),
            expires: self.expires.after(now).0,
            host_file: write_host_file(&folder, &identity)?,
            expires_in: self.expires,
            is_outsider: matches!(identity.role(), Role::Client | Role::Provider),
        };
        output.print(&report)?;
        Ok(Outcome::Success)
    }

    fn identity(&self) -> Result<Identity, CliError> {
        let many = "name them with `--app NAME`, once for each";
        match (self.role, self.apps.as_slice()) {
            (Role::Operator, []) => Ok(Identity::Operator(self.named()?)),
            (Role::Viewer, []) => Ok(Identity::Viewer(self.named()?)),
            (Role::Host, []) => Ok(Identity::Host(self.named()?)),
            (Role::Operator | Role::Viewer | Role::Host, _) => {
                let message = format!("a {} is one of the whole lattice, and has no application", self.role);
                Err(usage(message, "leave `--app` out"))
            }
            (Role::Deployer, []) => Err(usage("a deployer is one of some applications".to_owned(), many)),
            (Role::Deployer, apps) => {
                Ok(Identity::Deployer { name: self.named()?, applications: apps.iter().cloned().collect() })
            }
            (Role::Provider, [application]) => {
                Ok(Identity::Provider { application: application.clone(), provider: self.named()? })
            }
            (Role::Client, [application]) => {
                Ok(Identity::Client { application: application.clone(), client: self.named()? })
            }
            (Role::Provider | Role::Client, _) => {
                let message = format!("a {} is one of exactly one application", self.role);
                Err(usage(message, "name it with one `--app NAME`"))
            }
        }
    }

    fn named<T: std::str::FromStr<Err = model::ids::NameError>>(&self) -> Result<T, CliError> {
        self.name
            .parse()
            .map_err(|error: model::ids::NameError| CliError::Usage { message: error.to_string(), help: None })
    }

    /// Refuses to give twice what one has, by mistake.
    fn check(&self, folder: &Folder, identity: &Identity) -> Result<(), CliError> {
        let user = identity.user();
        let has_one =
            folder.record.grants.iter().any(|grant| grant.user == user && grant.standing(now()) == Standing::Valid);
        match (has_one, self.rotate) {
            (true, false) => Err(usage(
                format!("{user} has credentials that are good"),
                "add `--rotate` for new ones beside them, or take those away with `lath lattice revoke`",
            )),
            (false, true) => Err(usage(format!("{user} has no credentials to rotate"), "leave `--rotate` out")),
            _ => Ok(()),
        }
    }
}

/// Writes the file of a host that has none yet.
fn write_host_file(folder: &Folder, identity: &Identity) -> Result<Option<PathBuf>, CliError> {
    let Identity::Host(host) = identity else { return Ok(None) };
    let name = host_file::name(host);
    let path = folder.join(&name);
    if !path.exists() {
        let hosts = folder.record.grants.iter().filter(|grant| grant.role == Role::Host.as_str());
        let index = hosts.map(|grant| &grant.user).collect::<std::collections::BTreeSet<_>>().len().saturating_sub(1);
        folder.write(&name, &host_file::text(&folder.record, host, index))?;
    }
    Ok(Some(path))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, credentials, inbox, host_file, expires_in, is_outsider, .. } = self;
        writeln!(f, "{user} has credentials for {expires_in}: {}", credentials.display())?;
        if let Some(path) = host_file {
            writeln!(f, "next: lath host --config {}", path.display())?;
        }
        if *is_outsider {
            writeln!(f, "its NATS client must use the inbox prefix {inbox}")?;
        }
        Ok(())
    }
}
