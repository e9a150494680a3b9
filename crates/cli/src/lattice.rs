//! A lattice, joined by a command to look at it or to change it.

use host::operate::Operator;
use host::operate::status::Status;
use lattice::connect::{ConnectSettings, Connection, ServerUrl, TlsFiles};
use lattice::document::{Author, AuthorError};
use lattice::nats::NatsBus;
use lattice::subject::{Subject, SubjectError, Subjects, Token};
use tokio::runtime::Builder;

use crate::context::{Chosen, Context};
use crate::environment::Environment;
use crate::error::CliError;

/// What the users of operators begin with.
const OPERATOR: &str = "operator.";
/// What those of deployers begin with.
const DEPLOYER: &str = "deployer.";

/// A lattice that a command has joined.
pub(crate) struct Joined {
    /// Whoever runs the command, with the rights of the context's credentials.
    pub(crate) operator: Operator,
    connection: Connection,
}

impl Joined {
    /// The bus, to listen on and to ask.
    pub(crate) fn bus(&self) -> Result<(NatsBus, Subjects), CliError> {
        let wrong = |error: SubjectError| CliError::Usage { message: error.to_string(), help: None };
        let subjects = self.connection.settings().subjects().map_err(wrong)?;
        // Commands have no subject of their own, and need none.
        Ok((self.connection.bus(subjects.beats()), subjects))
    }

    /// Refuses users who are not operators.
    pub(crate) fn check_operates(&self) -> Result<(), CliError> {
        match self.connection.user().filter(|user| !user.starts_with(OPERATOR)) {
            None => Ok(()),
            Some(user) => Err(CliError::Usage {
                message: format!("{user} may not change platform code: every application of the lattice runs it"),
                help: Some("use the credentials of an operator".to_owned()),
            }),
        }
    }

    /// Refuses users who may change no application, and so hear no messages of any.
    pub(crate) fn check_changes(&self) -> Result<(), CliError> {
        let may = |user: &str| user.starts_with(OPERATOR) || user.starts_with(DEPLOYER);
        match self.connection.user().filter(|user| !may(user)) {
            None => Ok(()),
            Some(user) => Err(CliError::Usage {
                message: format!("{user} may not see messages: they hold whatever an application is given"),
                help: Some("use the credentials of an operator, or of a deployer of the application".to_owned()),
            }),
        }
    }

    /// Adds how busy hosts are, where this user may hear that.
    pub(crate) async fn hear(&self, status: &mut Status) {
        let Ok(subjects) = self.connection.settings().subjects() else { return };
        // Commands have no subject of their own, and need none to listen.
        let bus = self.connection.bus(subjects.beats());
        let _ = status.hear(&bus, &subjects).await;
    }
}

/// Joins the lattice of a context, and does something there.
pub(crate) fn on_lattice<T>(
    chosen: &Chosen,
    environment: &Environment,
    work: impl AsyncFnOnce(Joined) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let user = environment.user.as_deref();
    connected(chosen, async |connection| work(join(connection, user, chosen).await?).await)
}

/// Connects to the lattice of a context, and does something there that needs nothing of what is stored.
pub(crate) fn connected<T>(
    chosen: &Chosen,
    work: impl AsyncFnOnce(Connection) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let settings = settings(chosen)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::Start { what: "the system gives no threads", source })?;
    let failed = |source| CliError::Connect { context: chosen.name.clone(), source: Box::new(source) };
    runtime.block_on(async { work(Connection::open(settings).await.map_err(failed)?).await })
}

async fn join(connection: Connection, user: Option<&str>, chosen: &Chosen) -> Result<Joined, CliError> {
    let failed = |source| CliError::Connect { context: chosen.name.clone(), source: Box::new(source) };
    let buckets = connection.buckets(false).await.map_err(failed)?;
    let objects = connection.objects(false).await.map_err(failed)?;
    let operator = Operator::new(buckets, objects, author(connection.user().or(user))?);
    // Bytes may be those of others' applications: only operators remove them, and the servers see to that.
    let is_operator = connection.user().is_none_or(|user| user.starts_with(OPERATOR));
    let operator = if is_operator { operator } else { operator.without_collecting() };
    Ok(Joined { operator, connection })
}

/// Who is told to have made a version: the user of the credentials, else the user of this machine.
fn author(user: Option<&str>) -> Result<Author, CliError> {
    let known = user.and_then(|user| user.parse().ok());
    let author = known.map_or_else(|| "somebody".parse(), Ok);
    author.map_err(|error: AuthorError| CliError::Usage { message: error.to_string(), help: None })
}

fn settings(chosen: &Chosen) -> Result<ConnectSettings, CliError> {
    let Context { url, lattice, credentials, tls_ca, tls_certificate, tls_key, prefix, domain } = &chosen.context;
    let wrong = |message: String| CliError::Usage {
        message: format!("context {} is not right: {message}", chosen.name),
        help: Some(format!("`lath context add {}` writes it anew", chosen.name)),
    };
    let servers = url.split(',').map(str::parse::<ServerUrl>).collect::<Result<Vec<_>, _>>();
    let servers = servers.map_err(|error| wrong(error.to_string()))?;
    let domain = domain.as_deref().map(str::parse::<Token>).transpose().map_err(|error| wrong(error.to_string()))?;
    let prefix = prefix.as_deref().map(str::parse::<Subject>).transpose().map_err(|error| wrong(error.to_string()))?;
    let tls = TlsFiles { ca: tls_ca.clone(), own: tls_certificate.clone().zip(tls_key.clone()) };
    let name = "lath command".to_owned();
    let usual = ConnectSettings::new(servers, lattice.clone());
    Ok(ConnectSettings { credentials: credentials.clone(), tls, name, prefix, domain, ..usual })
}
