//! TLS: a server with a certificate takes no plain text, and shows itself to clients that know who signed it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use async_nats::ConnectOptions;
use lattice::authority::{Authority, Credentials, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::place::{Place, host, scope};
use super::raw::Raw;
use super::server::cluster;

/// An authority that signs certificates, and its own as text.
struct Signer {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Signer {
    fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Writes a certificate for `name` into `folder`.
    fn certify(&self, name: &str, folder: &Path) -> Result<Tls> {
        let key = KeyPair::generate()?;
        let cert = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.issuer)?;
        let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem"), ca: folder.join("ca.pem") };
        fs::write(&tls.cert, cert.pem())?;
        fs::write(&tls.key, key.serialize_pem())?;
        fs::write(&tls.ca, &self.pem)?;
        Ok(tls)
    }
}

async fn connect(place: &Place, credentials: &Credentials, ca: &Path) -> Result<async_nats::Client, String> {
    let options = ConnectOptions::with_credentials(&credentials.reveal()).map_err(|error| error.to_string())?;
    let options = options.connection_timeout(Duration::from_secs(30)).add_root_certificates(ca.to_owned());
    let url = format!("tls://127.0.0.1:{}", place.server.port());
    options.connect(url).await.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn a_server_with_a_certificate_takes_no_plain_text() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let signer = Signer::new()?;
    let tls = signer.certify("127.0.0.1", folder.path())?;
    let ca = tls.ca.clone();
    let place = Place::with(scope(), Some(tls), |text| text).await?;
    let credentials = place.grant(&host("h1"));

    assert!(Raw::connect(place.server.port(), &credentials).await.is_err(), "plain text was taken");
    let client = connect(&place, &credentials, &ca).await.map_err(anyhow::Error::msg)?;
    client.publish("lath.demo.beat.h1", "x".into()).await?;
    client.flush().await?;

    let stranger = folder.path().join("stranger.pem");
    fs::write(&stranger, Signer::new()?.pem)?;
    let refused = connect(&place, &credentials, &stranger).await.unwrap_err();
    assert!(refused.contains("InvalidCertificate"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tls = Signer::new()?.certify("elsewhere.example.com", folder.path())?;
    let ca = tls.ca.clone();
    let place = Place::with(scope(), Some(tls), |text| text).await?;
    let refused = connect(&place, &place.grant(&host("h1")), &ca).await.unwrap_err();
    assert!(refused.contains("NotValidForName"), "{refused}");
    Ok(())
}

/// The servers of a cluster show their certificates to each other.
#[tokio::test]
async fn three_servers_with_certificates_form_a_cluster() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tls = Signer::new()?.certify("127.0.0.1", folder.path())?;
    // It is ready once all three know each other and have chosen a leader.
    cluster(&Authority::generate(), Some(tls)).await?.ready().await
}
