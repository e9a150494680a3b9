//! How many files and sockets one instance may have open: wasmtime counts only resources of all kinds together.

use std::any::Any;

use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::types as files;
use wasmtime_wasi::p2::bindings::filesystem::types::HostDescriptor as _;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p3::bindings::filesystem::types as files3;
use wasmtime_wasi::p3::bindings::filesystem::types::HostDescriptorWithStore as _;
use wasmtime_wasi::p3::bindings::sockets::types as sockets3;
use wasmtime_wasi::sockets::WasiSocketsView as _;
use wasmtime_wasi::{p2, sockets};

use crate::limits::{FILES_MAX, SOCKETS_MAX};
use crate::store::State;

/// The versions that wasmtime-wasi names its functions by. A test finds out when it names others.
const V02: &str = "0.2.12";
const V03: &str = "0.3.0";

/// Puts functions that count in the place of those that make files and sockets.
pub(super) fn define(linker: &mut Linker<State>, has_concurrency: bool) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    define_02(linker)?;
    if has_concurrency {
        define_03(linker)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

type OpenAt = (Resource<Descriptor>, files::PathFlags, String, files::OpenFlags, files::DescriptorFlags);

fn define_02(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(&format!("wasi:filesystem/types@{V02}"))?.func_wrap_async(
        "[method]descriptor.open-at",
        |mut guest: StoreContextMut<'_, State>, (folder, how, path, open, flags): OpenAt| {
            Box::new(async move {
                if !guest.data_mut().has_room_for_file() {
                    return Ok((Err(files::ErrorCode::Quota),));
                }
                let opened = guest.data_mut().filesystem().open_at(folder, how, path, open, flags).await;
                told(opened)
            })
        },
    )?;
    linker.instance(&format!("wasi:sockets/tcp-create-socket@{V02}"))?.func_wrap(
        "create-tcp-socket",
        |mut guest: StoreContextMut<'_, State>, (family,): (IpAddressFamily,)| {
            if !guest.data_mut().has_room_for_socket() {
                return Ok((Err(ErrorCode::NewSocketLimit),));
            }
            told(tcp_create_socket::Host::create_tcp_socket(&mut guest.data_mut().sockets(), family))
        },
    )?;
    linker.instance(&format!("wasi:sockets/udp-create-socket@{V02}"))?.func_wrap_async(
        "create-udp-socket",
        |mut guest: StoreContextMut<'_, State>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                if !guest.data_mut().has_room_for_socket() {
                    return Ok((Err(ErrorCode::NewSocketLimit),));
                }
                told(udp_create_socket::Host::create_udp_socket(&mut guest.data_mut().sockets(), family).await)
            })
        },
    )
}

type OpenAt3 = (Resource<Descriptor>, files3::PathFlags, String, files3::OpenFlags, files3::DescriptorFlags);

fn define_03(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(&format!("wasi:filesystem/types@{V03}"))?.func_wrap_concurrent(
        "[method]descriptor.open-at",
        |guest: &Accessor<State>, (folder, how, path, open, flags): OpenAt3| {
            Box::pin(async move {
                if !guest.with(|mut guest| guest.get().has_room_for_file()) {
                    return Ok((Err(files3::ErrorCode::Quota),));
                }
                let inside = guest.with_getter::<WasiFilesystem>(|state| state.filesystem());
                told(WasiFilesystem::open_at(&inside, folder, how, path, open, flags).await)
            })
        },
    )?;
    let mut instance = linker.instance(&format!("wasi:sockets/types@{V03}"))?;
    instance.func_wrap(
        "[static]tcp-socket.create",
        |mut guest: StoreContextMut<'_, State>, (family,): (sockets3::IpAddressFamily,)| {
            if !guest.data_mut().has_room_for_socket() {
                return Ok((Err(full()),));
            }
            told(sockets3::HostTcpSocket::create(&mut guest.data_mut().sockets(), family))
        },
    )?;
    instance.func_wrap_async(
        "[static]udp-socket.create",
        |mut guest: StoreContextMut<'_, State>, (family,): (sockets3::IpAddressFamily,)| {
            Box::new(async move {
                if !guest.data_mut().has_room_for_socket() {
                    return Ok((Err(full()),));
                }
                told(sockets3::HostUdpSocket::create(&mut guest.data_mut().sockets(), family).await)
            })
        },
    )
}

/// What WASI 0.3 has for it.
fn full() -> sockets3::ErrorCode {
    sockets3::ErrorCode::Other(Some(format!("more than {SOCKETS_MAX} sockets at once")))
}

/// A result as the guest sees it; a trap stays one.
fn told<T, E>(result: Result<T, TrappableError<E>>) -> wasmtime::Result<(Result<T, E>,)>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

impl State {
    fn has_room_for_file(&mut self) -> bool {
        self.count(|resource| resource.is::<Descriptor>()) < FILES_MAX
    }

    fn has_room_for_socket(&mut self) -> bool {
        let is_socket = |resource: &dyn Any| {
            resource.is::<p2::TcpSocket>()
                || resource.is::<p2::UdpSocket>()
                || resource.is::<sockets::TcpSocket>()
                || resource.is::<sockets::UdpSocket>()
        };
        self.count(is_socket) < SOCKETS_MAX
    }

    fn count(&mut self, is: impl Fn(&dyn Any) -> bool) -> usize {
        self.world().resources.iter_mut().filter(|resource| is(&**resource)).count()
    }
}
