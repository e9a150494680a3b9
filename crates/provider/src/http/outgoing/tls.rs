//! TLS to servers outside.

use std::sync::{Arc, LazyLock};

use engine::http::HttpError;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};

/// HTTP/2 where the server chooses it (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Whose certificates are trusted: the roots of the web, and what is added.
#[derive(Clone)]
pub struct Roots(Option<Arc<ClientConfig>>);

impl Roots {
    /// The web's.
    pub fn web() -> Self {
        static WEB: LazyLock<Roots> = LazyLock::new(|| Roots::with([]));
        WEB.clone()
    }

    /// The web's, and these.
    pub fn with(added: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        roots.add_parsable_certificates(added);
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions();
        let config = versions.map(|config| {
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
            Arc::new(config)
        });
        Self(config.ok())
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roots")
    }
}

/// Speaks TLS on a connection to `host`.
pub(super) async fn wrap(roots: &Roots, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, HttpError> {
    let config = roots.0.clone().ok_or_else(|| HttpError::Tls("it does not work on this machine".to_owned()))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|error| HttpError::Tls(error.to_string()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(reason)) => HttpError::Certificate(reason.to_string()),
            _ => HttpError::Tls(error.to_string()),
        }
    })
}
