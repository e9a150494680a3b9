//! What a server is started with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// How a server is started. The default is one with JetStream that writes through to the disk.
#[derive(Clone, Debug)]
pub struct Options {
    /// With JetStream. A configuration says so itself.
    pub jetstream: bool,
    /// Acknowledge what is on the disk only (`sync_interval: always`). A configuration says so itself.
    pub sync_always: bool,
    /// Where the configuration is; none for one made of the above.
    pub config: Option<Config>,
}

impl Default for Options {
    fn default() -> Self {
        Self { jetstream: true, sync_always: true, config: None }
    }
}

/// A configuration of a server. In its text these are replaced: `{port}` and `{http}` by ports, `{store}` by the folder
/// of JetStream, `{folder}` by a folder for other files, `{name}` by the server's name, and in a cluster `{route}` by
/// its own port for routes and `{route1}`, `{route2}`, `{route3}` by those of all. A server's name, its
/// listening address and its ports are set by the rig and win over those in the text; a text with a `cluster` block must use the
/// replacements for its routes.
#[derive(Clone, Debug)]
pub enum Config {
    /// The text.
    Text(String),
    /// The file of the text. It is copied, with the files beside it, which it may include; a reload and a restart copy
    /// them anew.
    File(PathBuf),
}

/// What is particular to one server.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) http: u16,
    pub(crate) folder: PathBuf,
    pub(crate) routes: Option<Routes>,
}

#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) own: u16,
    pub(crate) all: Vec<u16>,
}

impl Config {
    /// Copies the files beside a configuration into `folder`.
    pub(crate) fn copy_neighbours(&self, folder: &Path) -> Result<()> {
        let Self::File(file) = self else { return Ok(()) };
        let from = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
            let path = entry?.path();
            if path.is_file() && path != *file {
                let to = folder.join(path.file_name().unwrap_or_default());
                fs::copy(&path, &to).with_context(|| format!("cannot copy {}", path.display()))?;
            }
        }
        Ok(())
    }
}

impl Options {
    /// The text of the configuration, before the replacements.
    pub(crate) fn text(&self) -> Result<String> {
        match &self.config {
            Some(Config::Text(text)) => Ok(text.clone()),
            Some(Config::File(path)) => {
                fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
            }
            None if !self.jetstream => Ok(String::new()),
            None if self.sync_always => Ok("jetstream { store_dir: \"{store}\", sync_interval: always }\n".to_owned()),
            None => Ok("jetstream { store_dir: \"{store}\" }\n".to_owned()),
        }
    }
}

impl Place {
    /// The file of the configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("server.conf")
    }

    /// The folder of JetStream.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// Writes the configuration, with the replacements.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut replacements = vec![
            ("{port}".to_owned(), self.port.to_string()),
            ("{http}".to_owned(), self.http.to_string()),
            ("{store}".to_owned(), path(&self.store())),
            ("{folder}".to_owned(), path(&self.folder)),
            ("{name}".to_owned(), self.name.clone()),
        ];
        if let Some(routes) = &self.routes {
            replacements.push(("{route}".to_owned(), routes.own.to_string()));
            let all = routes.all.iter().enumerate();
            replacements.extend(all.map(|(at, port)| (format!("{{route{}}}", at + 1), port.to_string())));
        }
        let text = replacements.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        // On the command line the name would keep the server from reading its configuration again.
        let named = text.lines().filter(|line| !line.trim_start().starts_with("server_name"));
        let text = named.fold(format!("server_name: \"{}\"\n", self.name), |text, line| text + line + "\n");
        fs::write(self.config(), text).with_context(|| format!("cannot write {}", self.config().display()))
    }

    /// The command line.
    pub(crate) fn arguments(&self, text: &str) -> Vec<String> {
        let (port, http) = (self.port.to_string(), self.http.to_string());
        let config = self.config().to_string_lossy().into_owned();
        let mut arguments: Vec<String> =
            ["-c", &config, "-a", "127.0.0.1", "-p", &port, "-m", &http].map(str::to_owned).into();
        if text.contains("jetstream") && !text.contains("store_dir") {
            arguments.extend(["-sd".to_owned(), self.store().to_string_lossy().into_owned()]);
        }
        if let Some(routes) = self.routes.as_ref().filter(|_| !text.contains("cluster")) {
            let others: Vec<String> = routes
                .all
                .iter()
                .filter(|port| **port != routes.own)
                .map(|port| format!("nats://127.0.0.1:{port}"))
                .collect();
            let own = format!("nats://127.0.0.1:{}", routes.own);
            let words = ["--cluster_name", "rig", "--cluster", &own, "--routes", &others.join(",")];
            arguments.extend(words.map(str::to_owned));
        }
        arguments
    }
}
