//! What hosts cost that have nothing to do.

use anyhow::Result;

use crate::lattice_support::{alone, note, three};

/// What an idle host may take, of a program that is built for use.
const IDLE_BYTES_MAX: u64 = 30 << 20;

#[test]
fn an_idle_host_is_small() -> Result<()> {
    alone(async || {
        let mut lattice = three().await?;
        for host in lattice.names() {
            let bytes = lattice.process(&host)?.resident_bytes()?;
            note(&format!("{host} is idle with {:.1} MiB", bytes as f64 / f64::from(1 << 20)));
            assert!(cfg!(debug_assertions) || bytes < IDLE_BYTES_MAX, "{bytes} bytes");
        }
        Ok(())
    })
}
