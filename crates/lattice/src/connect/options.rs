//! How the client of NATS is told to behave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{Auth, AuthError, ConnectOptions};

use super::{ConnectError, ConnectSettings};
use crate::authority::Credentials;
use crate::limits::{CREDENTIALS_BYTES_MAX, RECONNECT_DELAY_MAX};
use crate::nats;
use crate::store::nats::Ears;

/// How long one server may take.
const TRY: Duration = Duration::from_secs(3);
/// How often a quiet connection is tried; it is given up after two tries without an answer.
const PING: Duration = Duration::from_secs(2);
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// The options of a connection, and its ears.
pub(super) fn options(
    settings: &ConnectSettings,
    credentials: Option<&Credentials>,
    ears: &Ears,
) -> (ConnectOptions, nats::Dropped) {
    let path = settings.credentials.clone();
    let mut options = match (path, credentials) {
        (Some(path), Some(credentials)) => {
            let answer = move |nonce| answer(path.clone(), nonce);
            ConnectOptions::with_auth_callback(answer).custom_inbox_prefix(credentials.inbox())
        }
        _ => ConnectOptions::new(),
    };
    options = options
        .name(&settings.name)
        .connection_timeout(TRY)
        .ping_interval(PING)
        .max_reconnects(None)
        .reconnect_delay_callback(delay)
        // Servers that others name may be anywhere; ours are the ones that were configured.
        .ignore_discovered_servers();
    if settings.needs_tls() {
        options = options.require_tls(true);
    }
    if let Some(ca) = &settings.tls.ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let Some((certificate, key)) = &settings.tls.own {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    let ears = ears.clone();
    nats::options_heard(options, move |event| ears.hear(event))
}

/// The pause before the nth try in a row: twice as long each time, up to a bound, and never quite the same, so that a
/// whole lattice does not come back at once.
fn delay(tries: usize) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(1 << tries.saturating_sub(1).min(10));
    let longest = doubled.min(RECONNECT_DELAY_MAX);
    if tries <= 1 { Duration::ZERO } else { longest.mul_f64(0.5 + fraction() / 2.0) }
}

/// A number from 0 to 1 that differs from time to time and from process to process.
fn fraction() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    f64::from(u16::try_from(RandomState::new().hash_one(0) % 1000).unwrap_or_default()) / 1000.0
}

/// What is shown to a server that asks who this is. The file is read each time: credentials that were renewed are used as
/// soon as there is a new connection.
async fn answer(path: PathBuf, nonce: Vec<u8>) -> Result<Auth, AuthError> {
    let credentials = read_credentials(&path).await.map_err(AuthError::new)?;
    let (token, signature) = credentials.answer(&nonce).map_err(AuthError::new)?;
    let mut auth = Auth::new();
    auth.jwt = Some(token);
    auth.signature = Some(signature);
    Ok(auth)
}

/// Reads the file of credentials.
pub(super) async fn read_credentials(path: &Path) -> Result<Credentials, ConnectError> {
    let refused = |reason: String| ConnectError::Credentials { path: path.to_owned(), reason };
    let size = tokio::fs::metadata(path).await.map(|data| data.len());
    match size {
        Ok(size) if size > CREDENTIALS_BYTES_MAX => return Err(refused("the file is too long to hold any".to_owned())),
        _ => {}
    }
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| refused(format!("{error}; name a `.creds` file that `lath lattice` wrote")))?;
    text.parse().map_err(|error: crate::authority::AuthorityError| refused(error.to_string()))
}
