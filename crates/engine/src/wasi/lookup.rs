//! Looking up names: only those that are granted, and only to where they may lead.
//!
//! Takes the place of wasmtime's `ip-name-lookup`, which knows but yes and no.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as p2;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as p3;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView as _};

use super::network::Network;
use crate::limits::LOOKUP_ABANDONED_TIME;
use crate::store::State;

/// The lookups that one instance has under way, by their handles.
pub(crate) type Lookups = BTreeMap<u32, Asked>;

/// A name that was asked for.
pub(crate) struct Asked {
    name: String,
    turn: Turn,
    /// Whether an address was given out, and whether one was kept back.
    gave: bool,
    kept: bool,
}

/// A place among the lookups that an actor may have at once, until there is an answer.
struct Turn(Option<OwnedSemaphorePermit>);

impl Turn {
    fn answered(&mut self) {
        self.0 = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // The system goes on with a lookup that nobody waits for, on a thread that others wait for.
        if let (Some(permit), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                sleep(LOOKUP_ABANDONED_TIME).await;
                drop(permit);
            });
        }
    }
}

/// Puts these functions in the place of wasmtime's.
pub(crate) fn define(linker: &mut Linker<State>, has_concurrency: bool) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    p2::add_to_linker::<State, Lookup>(linker, view)?;
    if has_concurrency {
        p3::add_to_linker::<State, Lookup>(linker, view)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

struct Lookup;

impl HasData for Lookup {
    type Data<'a> = View<'a>;
}

pub(super) struct View<'a> {
    sockets: WasiSocketsCtxView<'a>,
    network: &'a Network,
    lookups: &'a mut Lookups,
    turns: &'a Arc<Semaphore>,
}

fn view(state: &mut State) -> View<'_> {
    state.world().lookup()
}

impl<'a> View<'a> {
    pub(super) fn new(
        sockets: WasiSocketsCtxView<'a>,
        network: &'a Network,
        lookups: &'a mut Lookups,
        turns: &'a Arc<Semaphore>,
    ) -> Self {
        Self { sockets, network, lookups, turns }
    }
}

/// An address is its own answer. Whether it may be connected to is decided then.
fn is_address(name: &str) -> bool {
    name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

impl p2::Host for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<network::Network>,
        name: String,
    ) -> Result<Resource<p2::ResolveAddressStream>, SocketError> {
        if !is_address(&name) && !self.network.reach().may_look_up(&name) {
            return Err(ErrorCode::AccessDenied.into());
        }
        let turn = Arc::clone(self.turns).try_acquire_owned().map_err(|_| ErrorCode::TemporaryResolverFailure)?;
        let stream = self.sockets.resolve_addresses(network, name.clone())?;
        self.lookups.insert(stream.rep(), Asked { name, turn: Turn(Some(turn)), gave: false, kept: false });
        Ok(stream)
    }
}

impl p2::HostResolveAddressStream for View<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<p2::ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let handle = stream.rep();
        loop {
            let next = self.sockets.resolve_next_address(Resource::new_borrow(handle));
            let Some(asked) = self.lookups.get_mut(&handle) else { return Err(ErrorCode::InvalidState.into()) };
            if !matches!(&next, Err(error) if matches!(error.downcast_ref(), Some(ErrorCode::WouldBlock))) {
                asked.turn.answered();
            }
            let Some(address) = next? else {
                let only_kept = asked.kept && !asked.gave;
                return if only_kept { Err(ErrorCode::AccessDenied.into()) } else { Ok(None) };
            };
            if is_address(&asked.name) || self.network.reach().found(&asked.name, ip(&address)) {
                asked.gave = true;
                return Ok(Some(address));
            }
            asked.kept = true;
        }
    }

    fn subscribe(&mut self, stream: Resource<p2::ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<p2::ResolveAddressStream>) -> wasmtime::Result<()> {
        self.lookups.remove(&stream.rep());
        p2::HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

fn ip(address: &IpAddress) -> IpAddr {
    match *address {
        IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
    }
}

impl network::HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<network::Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets, network)
    }
}

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl p3::Host for View<'_> {}

impl p3::HostWithStore<State> for Lookup {
    async fn resolve_addresses(
        guest: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<p3::IpAddress>, p3::ErrorCode>> {
        let may_ask = guest.with(|mut view| is_address(&name) || view.get().network.reach().may_look_up(&name));
        if !may_ask {
            return Ok(Err(p3::ErrorCode::AccessDenied));
        }
        let turns = guest.with(|mut view| Arc::clone(view.get().turns));
        let mut turn = Turn(turns.acquire_owned().await.ok());
        let sockets = guest.with_getter::<WasiSockets>(|state| state.sockets());
        let found = <WasiSockets as p3::HostWithStore<State>>::resolve_addresses(&sockets, name.clone()).await?;
        turn.answered();
        if is_address(&name) {
            return Ok(found);
        }
        let Ok(mut found) = found else { return Ok(found) };
        let some = !found.is_empty();
        guest.with(|mut view| {
            let mut reach = view.get().network.reach();
            found.retain(|address| reach.found(&name, ip_p3(address)));
        });
        let only_kept = some && found.is_empty();
        Ok(if only_kept { Err(p3::ErrorCode::AccessDenied) } else { Ok(found) })
    }
}

fn ip_p3(address: &p3::IpAddress) -> IpAddr {
    match *address {
        p3::IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        p3::IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
    }
}
