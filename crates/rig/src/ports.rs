//! Ports for servers that must come back on the port that they had.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Below the ports that the kernel gives to connections, so that none takes the port of a server that is down.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: u16 = 200;

/// A port of the loopback that nobody listens on at the moment.
pub(crate) fn free() -> Result<u16> {
    for at in 0..TRIES {
        let random = RandomState::new().hash_one((std::process::id(), at));
        let port = FIRST + u16::try_from(random % u64::from(COUNT))?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("none of {TRIES} ports tried on the loopback is free; end processes that listen")
}
