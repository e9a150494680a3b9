//! `lath lattice init`: a lattice's folder, from nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use lattice::authority::{
    Authority, Endpoint, Identity, RouteSecret, Scope, Server, Servers, Tls, UnixSeconds, server_text,
};
use lattice::subject::{Subject, SubjectError, Token};
use model::ids::{HostName, LatticeName, UserName};
use serde::Serialize;

use super::folder::{Draft, credentials_file};
use super::period::{Period, now};
use super::record::Record;
use super::{host_file, usage};
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// The ports of the first server: for clients, and how far from it the one for other servers is.
const PORT: u16 = 4222;
const ROUTE_DISTANCE: u16 = 2000;

/// Write what a lattice needs: NATS servers, hosts, credentials
///
/// Nothing is started, and nothing is written over. The servers write to the disk before they acknowledge. Three of them
/// go on when one fails; put each on a machine of its own. Off the loopback they take TLS only.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The lattice's name
    name: LatticeName,
    /// The folder to write [default: the lattice's name]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// How many NATS servers there are
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = ["1", "3"])]
    servers: String,
    /// Where each server listens, joined by commas [default: 127.0.0.1 at 4222 and the next ports]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    listen: Vec<Endpoint>,
    /// Where others reach each server, joined by commas, if not where it listens
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    advertise: Vec<Endpoint>,
    /// The hosts, joined by commas; `lath lattice grant host` adds more
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "h1")]
    hosts: Vec<HostName>,
    /// The operator who gets credentials
    #[arg(long, value_name = "NAME", default_value = "admin")]
    operator: UserName,
    /// For how long credentials are good: a number and d, h, m or s
    #[arg(long, value_name = "PERIOD", default_value = "365d")]
    expires: Period,
    /// The servers' certificate, for the names of all of them
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "tls_ca")]
    tls_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The certificate of the authority that signed it
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_ca: Option<PathBuf>,
    /// What the subjects of the lattice begin with [default: lath]
    #[arg(long, value_name = "SUBJECT")]
    prefix: Option<Subject>,
    /// The JetStream domain of the servers
    #[arg(long, value_name = "NAME")]
    domain: Option<Token>,
}

/// What was written, and what comes next.
#[derive(Serialize)]
struct Report {
    lattice: String,
    folder: PathBuf,
    servers: Vec<ServerFile>,
    hosts: Vec<PathBuf>,
    credentials: Vec<PathBuf>,
    next: Vec<String>,
}

#[derive(Serialize)]
struct ServerFile {
    name: String,
    url: String,
    file: PathBuf,
}

/// A lattice that is to be.
struct Plan {
    scope: Scope,
    servers: Servers,
    authority: Authority,
    identities: Vec<Identity>,
    made: UnixSeconds,
    expires: UnixSeconds,
}

impl Init {
    pub(super) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let folder = self.dir.clone().unwrap_or_else(|| PathBuf::from(self.name.as_str()));
        let whole = std::path::absolute(&folder).map_err(|source| CliError::File {
            verb: "make",
            path: folder.clone(),
            source,
        })?;
        let plan = self.plan(&whole)?;
        let draft = Draft::begin(&whole, &folder)?;
        let record = plan.write(&draft, self.prefix.as_ref(), &self.hosts)?;
        draft.place()?;
        output.print(&self.report(&folder, &record, &plan.identities))?;
        Ok(Outcome::Success)
    }

    fn plan(&self, whole: &Path) -> Result<Plan, CliError> {
        let wrong = |error: SubjectError| usage(error.to_string(), "use another `--prefix`");
        let scope = Scope::with(self.name.clone(), self.prefix.as_ref(), self.domain.clone()).map_err(wrong)?;
        let made = now();
        let hosts = self.hosts.iter().cloned().map(Identity::Host);
        let identities = [Identity::Operator(self.operator.clone())].into_iter().chain(hosts).collect();
        let (servers, tls, route_secret) = (self.listed()?, self.tls()?, RouteSecret::generate().map_err(refused)?);
        Ok(Plan {
            scope,
            servers: Servers { servers, folder: whole.to_owned(), tls, route_secret },
            authority: Authority::generate(),
            identities,
            made,
            expires: self.expires.after(made),
        })
    }

    fn listed(&self) -> Result<Vec<Server>, CliError> {
        let count = if self.servers == "3" { 3 } else { 1 };
        let listen = self.listen(count)?;
        let advertise = if self.advertise.is_empty() { listen.clone() } else { self.advertise.clone() };
        if advertise.len() != count {
            return Err(counted("--advertise", advertise.len(), count));
        }
        if let Some(address) = advertise.iter().find(|address| address.is_unspecified()) {
            return Err(usage(
                format!("nobody can connect to {address}, which stands for every address of a machine"),
                "say with `--advertise NAME:PORT` where others reach the server",
            ));
        }
        let servers = listen.into_iter().zip(advertise).enumerate();
        let servers = servers.map(|(at, (listen, advertise))| {
            // One server alone has no routes.
            let distance = if count == 1 { 0 } else { ROUTE_DISTANCE };
            let route_port = listen.port().checked_add(distance).ok_or_else(|| {
                let message = format!("the port of routes is {distance} above that for clients, {}", listen.port());
                usage(message, "use a port below 63536")
            })?;
            Ok(Server { name: format!("nats-{}", at + 1), listen, advertise, route_port })
        });
        servers.collect()
    }

    /// Where each server listens.
    fn listen(&self, count: usize) -> Result<Vec<Endpoint>, CliError> {
        if !self.listen.is_empty() {
            let given = self.listen.len();
            return if given == count { Ok(self.listen.clone()) } else { Err(counted("--listen", given, count)) };
        }
        let ports = PORT..;
        let loopback = |port: u16| format!("127.0.0.1:{port}").parse::<Endpoint>();
        ports
            .take(count)
            .map(loopback)
            .collect::<Result<_, _>>()
            .map_err(|error| usage(error.to_string(), "use --listen"))
    }

    fn tls(&self) -> Result<Option<Tls>, CliError> {
        let (Some(cert), Some(key), Some(ca)) = (&self.tls_cert, &self.tls_key, &self.tls_ca) else { return Ok(None) };
        let whole = |path: &PathBuf| {
            path.canonicalize().map_err(|source| CliError::File { verb: "read", path: path.clone(), source })
        };
        Ok(Some(Tls { cert: whole(cert)?, key: whole(key)?, ca: whole(ca)? }))
    }

    fn report(&self, folder: &Path, record: &Record, identities: &[Identity]) -> Report {
        let urls = record.urls();
        let servers = record.servers.iter().zip(&urls).map(|(server, url)| ServerFile {
            name: server.name.clone(),
            url: url.clone(),
            file: folder.join(format!("{}.conf", server.name)),
        });
        let servers: Vec<_> = servers.collect();
        let hosts: Vec<_> = self.hosts.iter().map(|host| folder.join(host_file::name(host))).collect();
        let credentials: Vec<_> =
            identities.iter().map(|identity| folder.join(credentials_file(&identity.user()))).collect();
        let mut next: Vec<_> =
            servers.iter().map(|server| format!("nats-server -c {}", server.file.display())).collect();
        next.extend(hosts.iter().map(|host| format!("lath host --config {}", host.display())));
        next.push(self.context(folder, record));
        Report { lattice: self.name.to_string(), folder: folder.to_owned(), servers, hosts, credentials, next }
    }
}

impl Init {
    /// The command that makes the lattice known to the operator's own commands.
    fn context(&self, folder: &Path, record: &Record) -> String {
        let operator = credentials_file(&Identity::Operator(self.operator.clone()).user());
        let ca = record.tls.as_ref().map(|tls| tls.ca.display().to_string());
        let flags = [
            ("lattice", Some(record.lattice.clone())),
            ("url", Some(record.urls().join(","))),
            ("credentials", Some(folder.join(operator).display().to_string())),
            ("tls-ca", ca),
            ("prefix", record.prefix.clone()),
            ("domain", record.domain.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(flag, value)| Some(format!(" --{flag} {}", value?)));
        format!("lath context add {}{}", self.name, flags.collect::<String>())
    }
}

impl Plan {
    /// Writes everything into `draft`.
    fn write(&self, draft: &Draft, prefix: Option<&Subject>, hosts: &[HostName]) -> Result<Record, CliError> {
        let mut record = Record::new(&self.scope, prefix, &self.servers, self.made);
        for server in &self.servers.servers {
            let text = server_text(&self.scope, &self.servers, server).map_err(refused)?;
            draft.write(&format!("{}.conf", server.name), &text)?;
        }
        for identity in &self.identities {
            let credentials = self.authority.grant(&self.scope, identity, self.made, self.expires).map_err(refused)?;
            record.add(identity, &credentials, self.made);
            draft.write_credentials(&credentials)?;
        }
        for (index, host) in hosts.iter().enumerate() {
            draft.write(&host_file::name(host), &host_file::text(&record, host, index))?;
        }
        let accounts = self.authority.accounts(&self.scope, self.made, &BTreeMap::new()).map_err(refused)?;
        draft.write_accounts(&accounts)?;
        draft.write_seeds(&self.authority.seeds().map_err(refused)?)?;
        draft.write_record(&record)?;
        Ok(record)
    }
}

/// What was asked for cannot be; the message says what to do.
fn refused(error: impl fmt::Display) -> CliError {
    CliError::Usage { message: error.to_string(), help: None }
}

fn counted(flag: &str, given: usize, count: usize) -> CliError {
    usage(
        format!("there are to be {count} servers, and {flag} names {given}"),
        "give an address for each server, joined by commas",
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lattice, folder, servers, hosts, credentials, next } = self;
        writeln!(f, "lattice {lattice} is in {}", folder.display())?;
        for ServerFile { name, url, file } in servers {
            writeln!(f, "  server {name} at {url}: {}", file.display())?;
        }
        for file in hosts {
            writeln!(f, "  host: {}", file.display())?;
        }
        for file in credentials {
            writeln!(f, "  credentials: {}", file.display())?;
        }
        writeln!(f, "\nnext, each server and host in a terminal or on a machine of its own:")?;
        next.iter().try_for_each(|command| writeln!(f, "  {command}"))
    }
}
