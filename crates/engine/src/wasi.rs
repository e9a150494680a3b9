//! The world of a guest: real clocks and randomness, output to the actor's log, nothing else unless granted.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::actor::Shared;
use crate::limits;
use crate::log::{Lines, Output};
use crate::store::State;

/// The interfaces that the host provides to any component, at any version of the 0.2 track.
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
    ]
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
    resources: ResourceTable,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Wasi {
    fn new(shared: &Shared) -> Self {
        let stdout = Lines::new(&shared.log, "stdout");
        let stderr = Lines::new(&shared.log, "stderr");
        let mut builder = WasiCtx::builder();
        builder
            .stdout(Output::new(&stdout))
            .stderr(Output::new(&stderr))
            .max_random_size(limits::RANDOM_BYTES_MAX)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        for (name, value) in &shared.settings.env {
            builder.env(name, value);
        }
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(limits::HOST_RESOURCES_MAX);
        Self { context: builder.build(), resources, stdout, stderr }
    }

    /// Ends unfinished lines of output.
    pub(crate) fn flush(&self) {
        self.stdout.finish();
        self.stderr.finish();
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.shared)));
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.resources }
    }
}
