//! The world of a guest: real clocks and randomness, output to the actor's log, nothing else unless granted.

mod bounds;
mod lookup;
mod network;

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use crate::actor::{Role, Shared};
use crate::call::CallContext;
use crate::computation;
use crate::config_store;
use crate::error::EngineError;
use crate::http;
use crate::limits;
use crate::log::{Lines, Output};
use crate::logging;
use crate::settings::ActorSettings;
use crate::store::State;
use crate::tape::{self, Tape};
use lookup::Lookups;
use network::Network;

/// The interfaces that the host provides to any component, at any version of the 0.2 and 0.3 tracks; a draft with its
/// whole version.
///
/// Files and sockets are among them because every toolchain imports them: there are no folders to open, and a
/// socket is refused with `access-denied`.
pub fn host_imports() -> &'static [&'static str] {
    &[
        "wasi:cli/environment@0.2",
        "wasi:cli/exit@0.2",
        "wasi:cli/stderr@0.2",
        "wasi:cli/stdin@0.2",
        "wasi:cli/stdout@0.2",
        "wasi:cli/terminal-input@0.2",
        "wasi:cli/terminal-output@0.2",
        "wasi:cli/terminal-stderr@0.2",
        "wasi:cli/terminal-stdin@0.2",
        "wasi:cli/terminal-stdout@0.2",
        "wasi:clocks/monotonic-clock@0.2",
        "wasi:clocks/wall-clock@0.2",
        "wasi:filesystem/preopens@0.2",
        "wasi:filesystem/types@0.2",
        "wasi:http/outgoing-handler@0.2",
        "wasi:http/types@0.2",
        "wasi:io/error@0.2",
        "wasi:io/poll@0.2",
        "wasi:io/streams@0.2",
        "wasi:random/insecure-seed@0.2",
        "wasi:random/insecure@0.2",
        "wasi:random/random@0.2",
        "wasi:sockets/instance-network@0.2",
        "wasi:sockets/ip-name-lookup@0.2",
        "wasi:sockets/network@0.2",
        "wasi:sockets/tcp-create-socket@0.2",
        "wasi:sockets/tcp@0.2",
        "wasi:sockets/udp-create-socket@0.2",
        "wasi:sockets/udp@0.2",
        "wasi:cli/environment@0.3",
        "wasi:cli/exit@0.3",
        "wasi:cli/stderr@0.3",
        "wasi:cli/stdin@0.3",
        "wasi:cli/stdout@0.3",
        "wasi:cli/terminal-input@0.3",
        "wasi:cli/terminal-output@0.3",
        "wasi:cli/terminal-stderr@0.3",
        "wasi:cli/terminal-stdin@0.3",
        "wasi:cli/terminal-stdout@0.3",
        "wasi:cli/types@0.3",
        "wasi:clocks/monotonic-clock@0.3",
        "wasi:clocks/system-clock@0.3",
        "wasi:clocks/types@0.3",
        "wasi:filesystem/preopens@0.3",
        "wasi:filesystem/types@0.3",
        "wasi:http/client@0.3",
        "wasi:http/types@0.3",
        "wasi:random/insecure-seed@0.3",
        "wasi:random/insecure@0.3",
        "wasi:random/random@0.3",
        "wasi:sockets/ip-name-lookup@0.3",
        "wasi:sockets/types@0.3",
        config_store::CONFIG,
        logging::LOGGING,
    ]
}

/// Puts what the host provides to any component into a linker.
pub(crate) fn define(linker: &mut Linker<State>, has_concurrency: bool) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    if has_concurrency {
        wasmtime_wasi::p3::add_to_linker(linker)?;
    }
    bounds::define(linker, has_concurrency)?;
    lookup::define(linker, has_concurrency)?;
    logging::define(linker)?;
    config_store::define(linker)
}

/// The folders that an actor's instances share, each opened once.
pub(crate) fn open_folders(settings: &ActorSettings) -> Result<WasiFilesystemCtx, EngineError> {
    let mut world = WasiCtx::builder();
    for folder in &settings.folders {
        let rights = if folder.is_writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        world.preopened_dir(&folder.path, &folder.seen_at, rights).map_err(|error| EngineError::Folder {
            actor: settings.name.clone(),
            path: folder.path.clone(),
            source: error.into_boxed_dyn_error(),
        })?;
    }
    Ok(world.build().filesystem().clone())
}

/// Whether the host provides an import of this name.
pub(crate) fn provides(import: &str) -> bool {
    host_imports()
        .iter()
        .any(|provided| import.strip_prefix(provided).is_some_and(|patch| patch.is_empty() || patch.starts_with('.')))
}

/// What one instance has of the world.
pub(crate) struct Wasi {
    context: WasiCtx,
    pub(crate) resources: ResourceTable,
    pub(crate) http: http::World,
    network: Network,
    lookups: Lookups,
    /// One permit for each name that the actor may look up at once.
    turns: Arc<Semaphore>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Wasi {
    fn new(shared: &Shared, call: &CallContext, tape: Option<&Arc<dyn Tape>>) -> Self {
        let stdout = Lines::new(&shared.log, "stdout", call.trace().cloned());
        let stderr = Lines::new(&shared.log, "stderr", call.trace().cloned());
        let mut builder = WasiCtx::builder();
        builder.stdout(Output::new(&stdout)).stderr(Output::new(&stderr)).max_random_size(limits::RANDOM_BYTES_MAX);
        let network = Network::new(&shared.settings.network);
        network.guard(&mut builder);
        match &shared.role {
            Role::Actor => {}
            Role::Command(process) => process.furnish(&mut builder),
            Role::Computation => computation::furnish(&mut builder),
        }
        if let Some(tape) = tape {
            tape::furnish(&mut builder, tape);
        }
        for (name, value) in &shared.settings.env {
            builder.env(name, value.expose());
        }
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(limits::HOST_RESOURCES_MAX);
        let http = http::World::new(shared.settings.requests.clone(), call.clone());
        let turns = Arc::clone(&shared.lookups);
        let mut context = builder.build();
        context.filesystem().clone_from(&shared.folders);
        Self { context, resources, http, network, lookups: Lookups::new(), turns, stdout, stderr }
    }

    /// What lookups of names need.
    fn lookup(&mut self) -> lookup::View<'_> {
        let sockets = WasiSocketsCtxView { ctx: self.context.sockets(), table: &mut self.resources };
        lookup::View::new(sockets, &self.network, &mut self.lookups, &self.turns)
    }

    /// From now on what the instance does belongs to this call.
    pub(crate) fn enter(&mut self, call: &CallContext) {
        self.http.enter(call);
        for lines in [&self.stdout, &self.stderr] {
            lines.enter(call.trace().cloned());
        }
    }

    /// Ends unfinished lines of output.
    pub(crate) fn flush(&self) {
        self.stdout.finish();
        self.stderr.finish();
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.world();
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.resources }
    }
}

impl State {
    /// What the instance has of the world, from the first time that it uses it.
    pub(crate) fn world(&mut self) -> &mut Wasi {
        // Whoever calls the host is no endless loop.
        self.busy_ticks = 0;
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.shared, &self.call, self.tape.as_ref())))
    }
}

impl Drop for Wasi {
    fn drop(&mut self) {
        http::break_off(&mut self.resources);
    }
}
