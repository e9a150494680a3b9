//! TLS of an ingress: a chain of certificates and its key, from files that are read again when they change.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::server::Phase;
use super::settings::Settings;
use crate::limits::{TLS_FILE_BYTES_MAX, TLS_LOOK_INTERVAL};

/// What is spoken over TLS, best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where an ingress has its certificate from, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, the ingress's own first.
    pub cert: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// Why files for TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The chain is none.
    #[error("{} holds no chain of certificates as PEM ({reason}): name a file with `BEGIN CERTIFICATE`", file.display())]
    Chain {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key is none.
    #[error("{} holds no private key as PEM ({reason}): name a file with `BEGIN PRIVATE KEY`", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The two do not go together.
    #[error(
        "the certificate {} and the key {} cannot be used together ({reason}): name the key that the certificate was \
         made for",
        cert.display(), key.display()
    )]
    Pair {
        /// The chain's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// By what a change of the files is seen.
type Stamps = [Option<(SystemTime, u64)>; 2];

/// What all workers need for TLS.
pub(super) struct Tls {
    files: TlsFiles,
    /// Of the files that `current` was read from.
    stamps: Stamps,
    current: RwLock<Arc<ServerConfig>>,
    handshakes: Semaphore,
    patience: Duration,
}

impl Tls {
    pub(super) fn load(files: TlsFiles, settings: &Settings) -> Result<Self, TlsError> {
        // Before they are read: what changes meanwhile is seen at the next look.
        let stamps = files.stamps();
        let current = RwLock::new(files.read()?);
        let handshakes = Semaphore::new(settings.handshakes);
        Ok(Self { files, stamps, current, handshakes, patience: settings.handshake_timeout })
    }

    /// The handshake of a connection; none where it failed, took too long, or there were too many, which ends it.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        mut phase: watch::Receiver<Phase>,
    ) -> Option<TlsStream<TcpStream>> {
        let Ok(permit) = self.handshakes.try_acquire() else {
            tracing::debug!("a connection was refused: too many handshakes");
            return None;
        };
        let config = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let handshake = timeout(self.patience, TlsAcceptor::from(config).accept(stream));
        let done = tokio::select! {
            done = handshake => done,
            _ = phase.changed() => return None,
        };
        drop(permit);
        match done {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
        None
    }

    /// Looks for changes of the files as long as it is polled. What cannot be used is told once, and changes nothing.
    pub(super) async fn follow(&self) {
        let mut seen = self.stamps;
        loop {
            sleep(TLS_LOOK_INTERVAL).await;
            let files = self.files.clone();
            let look = move || {
                let stamps = files.stamps();
                (stamps != seen).then(|| (stamps, files.read()))
            };
            let Ok(Some((stamps, read))) = tokio::task::spawn_blocking(look).await else { continue };
            seen = stamps;
            match read {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!(cert = %self.files.cert.display(), "new connections get the new certificate");
                }
                Err(reason) => tracing::warn!(%reason, "the certificate is not replaced; the one before goes on"),
            }
        }
    }
}

impl TlsFiles {
    /// Reads the files, to learn early that they cannot be used.
    ///
    /// # Errors
    ///
    /// One of them cannot be read, holds something else, or they do not belong together.
    pub fn check(&self) -> Result<(), TlsError> {
        self.read().map(drop)
    }

    fn stamps(&self) -> Stamps {
        [&self.cert, &self.key].map(|file| {
            let metadata = fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let (cert, key) = (bytes(&self.cert)?, bytes(&self.key)?);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert).collect();
        let no_chain = |reason: String| TlsError::Chain { file: self.cert.clone(), reason };
        let chain = chain.map_err(|error| no_chain(error.to_string()))?;
        if chain.is_empty() {
            return Err(no_chain("there is no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|error| TlsError::Key { file: self.key.clone(), reason: error.to_string() })?;
        let config = config(chain, key).map_err(|error| {
            let (cert, key) = (self.cert.clone(), self.key.clone());
            TlsError::Pair { cert, key, reason: error.to_string() }
        })?;
        Ok(Arc::new(config))
    }
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// The content of a file; whatever is no file could keep its reader waiting.
fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    let wrong = |reason: String| TlsError::Read { file: file.to_owned(), reason };
    let metadata = fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| wrong(error.to_string()))?;
    opened.take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > TLS_FILE_BYTES_MAX {
        return Err(wrong(format!("it is longer than {TLS_FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
