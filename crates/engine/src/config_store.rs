//! `wasi:config`: the configuration that an actor was given.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use crate::store::State;

/// The interface's name: a draft is only itself.
pub(crate) const CONFIG: &str = "wasi:config/store@0.2.0-rc.1";

/// What the contract has for a store that is elsewhere; this one is at hand.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the contract asks for it")]
enum Error {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

type Guest<'a> = StoreContextMut<'a, State>;
type Pairs = Vec<(String, String)>;

/// Puts the interface into a linker.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut store = linker.instance(CONFIG)?;
    store.func_wrap("get", |guest: Guest<'_>, (key,): (String,)| {
        let value = guest.data().shared.settings.config.get(&key).map(|value| value.expose().to_owned());
        Ok((Ok::<Option<String>, Error>(value),))
    })?;
    store.func_wrap("get-all", |guest: Guest<'_>, (): ()| {
        let config = &guest.data().shared.settings.config;
        let pairs = config.iter().map(|(key, value)| (key.clone(), value.expose().to_owned())).collect();
        Ok((Ok::<Pairs, Error>(pairs),))
    })
}
