//! Connections that are lost.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lattice::bus::Bus as _;
use lattice::connect::{ConnectSettings, Connection};
use lattice::limits::RECONNECT_DELAY_MAX;
use rig::nats::{Options, Server};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// So many tries that a pause which doubles without a bound would have grown to minutes.
const TRIES: u32 = 14;

#[tokio::test]
async fn a_lost_connection_is_tried_again_without_end() -> Result<()> {
    let mut server = Server::start(Options { jetstream: false, ..Options::default() }).await?;
    let settings = ConnectSettings::new(vec![server.url().parse()?], "demo".parse()?);
    let connection = Connection::open(settings).await?;
    let mut connected = connection.bus("echo".parse()?).connected();
    server.kill()?;
    // Somebody is there, and hangs up.
    let deaf = TcpListener::bind(("127.0.0.1", server.port())).await?;
    let tried = async {
        for _ in 0..TRIES {
            drop(deaf.accept().await?);
        }
        anyhow::Ok(())
    };
    timeout(RECONNECT_DELAY_MAX * (TRIES + 5), tried).await.context("it is tried ever more rarely")??;
    drop(deaf);
    server.restart().await?;
    timeout(RECONNECT_DELAY_MAX + Duration::from_secs(30), connected.wait_for(|connected| *connected)).await??;
    Ok(())
}
