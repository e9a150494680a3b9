//! Which addresses a guest's sockets may use.

use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::destination::{Destination, Reach, Transport};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

/// What one instance may connect to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<Reach>>);

impl Network {
    pub(crate) fn new(granted: &[Destination]) -> Self {
        Self(Arc::new(Mutex::new(Reach::new(granted.to_vec()))))
    }

    pub(crate) fn reach(&self) -> MutexGuard<'_, Reach> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has every use of a socket in a guest's world checked.
    pub(crate) fn guard(&self, world: &mut WasiCtxBuilder) {
        let reach = self.reach();
        world
            .allow_tcp(!reach.is_none(Transport::Tcp))
            .allow_udp(!reach.is_none(Transport::Udp))
            // Names are looked up by `lookup`, which looks at the name first.
            .allow_ip_name_lookup(true);
        drop(reach);
        let network = self.clone();
        world.socket_addr_check(move |address, used| allowed(network.may_use(address, used)));
    }

    fn may_use(&self, address: SocketAddr, used: SocketAddrUse) -> bool {
        let reach = |transport| self.reach().may_reach(transport, address.ip(), address.port());
        match used {
            SocketAddrUse::TcpConnect => reach(Transport::Tcp),
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => reach(Transport::Udp),
            // A socket that connects or sends is bound by the system, to whatever address and port it likes.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => address.ip().is_unspecified() && address.port() == 0,
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
        }
    }
}

fn allowed(is_allowed: bool) -> Pin<Box<dyn Future<Output = bool> + Send + Sync>> {
    Box::pin(ready(is_allowed))
}
