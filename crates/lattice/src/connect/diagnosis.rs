//! What is wrong with a server that there is no connection to: it is looked at by itself, for the client tells too little.

use std::error::Error as _;
use std::time::Duration;

use async_nats::{ConnectError as ClientError, ConnectErrorKind};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::ServerUrl;
use super::{ConnectError, ConnectSettings, has_expired, is_new_enough};
use crate::authority::Credentials;

const LOOK: Duration = Duration::from_secs(2);
/// A server's greeting is a few hundred bytes.
const GREETING_BYTES_MAX: u64 = 64 << 10;

/// How a server greets.
#[derive(Deserialize)]
struct Greeting {
    version: String,
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    tls_available: bool,
    #[serde(default)]
    auth_required: bool,
}

enum Seen {
    Greeting(Greeting),
    NotNats,
    Unreachable(String),
}

/// What is wrong, after the client's `error`, or where it did not come back in time.
pub(super) async fn of(
    settings: &ConnectSettings,
    credentials: Option<&Credentials>,
    error: Option<&ClientError>,
) -> ConnectError {
    let mut found = None;
    for server in &settings.servers {
        let seen = look(server).await;
        let is_there = matches!(seen, Seen::Greeting(_));
        found = Some((server, seen));
        if is_there {
            break;
        }
    }
    let listed = settings.listed();
    match found {
        None => ConnectError::NoServers,
        Some((_, Seen::Unreachable(reason))) => ConnectError::Unreachable { server: listed, reason },
        Some((server, Seen::NotNats)) => ConnectError::NotNats { server: server.to_string() },
        Some((server, Seen::Greeting(greeting))) => {
            let reason = error.map_or_else(|| "it does not answer in time".to_owned(), chain);
            refused(settings, credentials, server, &greeting, (error.map(ClientError::kind), reason))
        }
    }
}

/// What is wrong with a server that greets.
fn refused(
    settings: &ConnectSettings,
    credentials: Option<&Credentials>,
    server: &ServerUrl,
    greeting: &Greeting,
    (kind, reason): (Option<ConnectErrorKind>, String),
) -> ConnectError {
    let name = server.to_string();
    let offers_tls = greeting.tls_required || greeting.tls_available;
    match (kind, credentials) {
        _ if !is_new_enough(&greeting.version) => {
            ConnectError::Version { server: name, found: greeting.version.clone() }
        }
        _ if settings.needs_tls() && !offers_tls => ConnectError::PlainText { server: name },
        (_, Some(credentials)) if has_expired(credentials) => {
            ConnectError::Expired { user: credentials.user().to_owned() }
        }
        (Some(ConnectErrorKind::AuthorizationViolation), Some(credentials)) => {
            ConnectError::Refused { server: name, user: credentials.user().to_owned() }
        }
        (Some(ConnectErrorKind::AuthorizationViolation), None) => ConnectError::NoCredentials { server: name },
        (_, None) if greeting.auth_required => ConnectError::NoCredentials { server: name },
        (Some(ConnectErrorKind::Tls), _) => ConnectError::Tls { server: name, reason },
        // A failed handshake reaches this side as a failed read.
        (Some(ConnectErrorKind::Io), _) if settings.needs_tls() || greeting.tls_required => {
            ConnectError::Tls { server: name, reason }
        }
        _ => ConnectError::Unreachable { server: name, reason },
    }
}

/// An error with its causes.
fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

async fn look(server: &ServerUrl) -> Seen {
    let looked = timeout(LOOK, async {
        let stream = match TcpStream::connect((server.host(), server.port())).await {
            Ok(stream) => stream,
            Err(error) => return Seen::Unreachable(error.to_string()),
        };
        let mut line = String::new();
        let read = BufReader::new(stream.take(GREETING_BYTES_MAX)).read_line(&mut line).await;
        let greeting = line.strip_prefix("INFO ").and_then(|text| serde_json::from_str(text).ok());
        match (read, greeting) {
            (Ok(_), Some(greeting)) => Seen::Greeting(greeting),
            _ => Seen::NotNats,
        }
    });
    looked.await.unwrap_or_else(|_| Seen::Unreachable("no answer".to_owned()))
}
