//! The file of a host that joins the lattice.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use model::ids::HostName;
use toml::Value;

use super::folder::credentials_file;
use super::record::Record;

/// The port of the first host's HTTP; the next ones follow, for they may be on one machine.
const PORT: u16 = 8080;

/// The name of the file of `host`.
pub(super) fn name(host: &HostName) -> String {
    format!("{host}.toml")
}

/// The text of the file of `host`, the one at `index` among all.
pub(super) fn text(record: &Record, host: &HostName, index: usize) -> String {
    let port = PORT.saturating_add(u16::try_from(index).unwrap_or(u16::MAX));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let servers = Value::from(record.urls());
    let credentials = credentials_file(&format!("host.{host}"));
    let mut text = format!(
        "# Host {host} of lattice {lattice}; start it with `lath host --config {file}`.\n\
         # Paths start from the folder of this file.\n\
         [host]\n\
         name = \"{host}\"\n\
         data = \"data/{host}\"\n\
         # Where HTTP is served: 0.0.0.0 for other machines too.\n\
         listen = \"{listen}\"\n\
         # labels = {{ zone = \"a\" }}\n\
         \n\
         [lattice]\n\
         name = \"{lattice}\"\n\
         servers = {servers}\n\
         credentials = \"{credentials}\"\n",
        lattice = record.lattice,
        file = name(host),
    );
    // Writing to a string does not fail.
    let _ = write_rest(&mut text, record);
    text
}

fn write_rest(text: &mut String, record: &Record) -> std::fmt::Result {
    if record.servers.len() > 1 {
        writeln!(text, "storage-replicas = {}", record.servers.len())?;
    }
    for (key, value) in [("prefix", &record.prefix), ("domain", &record.domain)] {
        if let Some(value) = value {
            writeln!(text, "{key} = \"{value}\"")?;
        }
    }
    if let Some(tls) = &record.tls {
        let ca = Value::from(tls.ca.to_string_lossy().into_owned());
        writeln!(text, "\n[lattice.tls]\nca = {ca}")?;
    }
    Ok(())
}
