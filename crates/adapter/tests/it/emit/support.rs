//! A contract in WIT, its two adapters, and wasmtime around them with closures for the other end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;

use adapter::emit::{RPC_WIT, emit};
use model::wire::{Side, WireVersion};
use wasmtime::component::{Component, Func, Linker, Type, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};
use wit_parser::{InterfaceId, Resolve};

use super::values::{Dice, value};

pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_map(true);
    config.wasm_component_model_fixed_length_lists(true);
    config.wasm_component_model_implements(true);
    Engine::new(&config).unwrap()
});

/// Parses a package with one interface named `c`; `lath:rpc` is there to be used.
pub(super) fn parse(wit: &str) -> (Resolve, InterfaceId) {
    let mut resolve = Resolve::default();
    if wit.contains("lath:rpc") {
        resolve.push_source("rpc.wit", RPC_WIT).unwrap();
    }
    let package = resolve.push_source("contract.wit", wit).unwrap();
    let interface = resolve.packages[package].interfaces["c"];
    (resolve, interface)
}

/// An interface `c` of package `t:t@1.0.0` with these declarations.
pub(super) fn interface(declarations: &str) -> String {
    format!("package t:t@1.0.0;\ninterface c {{\n{declarations}\n}}\n")
}

pub(super) struct Fixture {
    name: String,
    functions: Vec<String>,
    sender: Component,
    receiver: Component,
}

impl Fixture {
    pub(super) fn new(wit: &str) -> Self {
        Self::speaking(WireVersion::V1, wit)
    }

    pub(super) fn speaking(wire: WireVersion, wit: &str) -> Self {
        let (resolve, id) = parse(wit);
        let compile = |side| {
            let bytes = emit(&resolve, id, side, wire).unwrap();
            Component::new(&ENGINE, bytes).unwrap()
        };
        Self {
            name: resolve.id_of(id).unwrap(),
            functions: resolve.interfaces[id].functions.keys().cloned().collect(),
            sender: compile(Side::Sender),
            receiver: compile(Side::Receiver),
        }
    }

    pub(super) fn functions(&self) -> Vec<String> {
        self.functions.clone()
    }

    /// A source of well-formed payloads.
    pub(super) fn payloads(&self) -> Payloads {
        let last = Rc::new(RefCell::new(Vec::new()));
        let bus = last.clone();
        let sender = self.sender(move |message| {
            bus.replace(message.payload);
            Err(Val::Variant("not-implemented".into(), None))
        });
        Payloads { sender, last }
    }

    /// An instance of the receiver in front of a target.
    pub(super) fn receiver(&self, target: impl FnMut(&str, &[Val]) -> Vec<Val> + 'static) -> Receiver {
        let mut linker = Linker::<State>::new(&ENGINE);
        let mut contract = linker.instance(&self.name).unwrap();
        for function in &self.functions {
            let name = function.clone();
            let call = move |mut store: wasmtime::StoreContextMut<'_, State>,
                             _: wasmtime::component::types::ComponentFunc,
                             params: &[Val],
                             results: &mut [Val]| {
                let values = (store.data_mut().target)(&name, params);
                results.clone_from_slice(&values);
                Ok(())
            };
            contract.func_new(function, call).unwrap();
        }
        let mut store = store(Box::new(target), Box::new(|_| unreachable!()));
        let receive = export(&mut store, &linker, &self.receiver, "lath:wasmbus/receiver@0.1.0", "receive");
        Receiver { store, receive }
    }

    /// An instance of the sender in front of a bus.
    pub(super) fn sender(&self, send: impl FnMut(Sent) -> Result<Vec<u8>, Val> + 'static) -> Sender {
        let mut linker = Linker::<State>::new(&ENGINE);
        let mut bus = linker.instance("lath:wasmbus/sender@0.1.0").unwrap();
        let call = |mut store: wasmtime::StoreContextMut<'_, State>,
                    _: wasmtime::component::types::ComponentFunc,
                    params: &[Val],
                    results: &mut [Val]| {
            let reply = (store.data_mut().send)(Sent::of(params));
            results[0] = Val::Result(match reply {
                Ok(bytes) => Ok(Some(Box::new(list(&bytes)))),
                Err(error) => Err(Some(Box::new(error))),
            });
            Ok(())
        };
        bus.func_new("send", call).unwrap();
        let mut store = store(Box::new(|_, _| unreachable!()), Box::new(send));
        let instance = linker.instantiate(&mut store, &self.sender).unwrap();
        Sender { store, instance, contract: self.name.clone() }
    }
}

type Target = Box<dyn FnMut(&str, &[Val]) -> Vec<Val>>;
type Bus = Box<dyn FnMut(Sent) -> Result<Vec<u8>, Val>>;

pub(super) struct State {
    target: Target,
    send: Bus,
    limits: StoreLimits,
}

fn store(target: Target, send: Bus) -> Store<State> {
    let mut store = Store::new(&ENGINE, State { target, send, limits: StoreLimits::default() });
    store.limiter(|state| &mut state.limits);
    store
}

fn export(
    store: &mut Store<State>,
    linker: &Linker<State>,
    component: &Component,
    interface: &str,
    function: &str,
) -> Func {
    let instance = linker.instantiate(&mut *store, component).unwrap();
    let interface = instance.get_export_index(&mut *store, None, interface).unwrap();
    let function = instance.get_export_index(&mut *store, Some(&interface), function).unwrap();
    instance.get_func(&mut *store, function).unwrap()
}

/// What a sender hands to the bus.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) payload: Vec<u8>,
    pub(super) contract: String,
    pub(super) link: Val,
}

impl Sent {
    fn of(params: &[Val]) -> Self {
        let [Val::Record(message), Val::String(contract), link] = params else { panic!("{params:?}") };
        let [(_, Val::String(method)), (_, payload)] = message.as_slice() else { panic!("{message:?}") };
        Self { method: method.clone(), payload: bytes(payload), contract: contract.clone(), link: link.clone() }
    }
}

pub(super) struct Receiver {
    store: Store<State>,
    receive: Func,
}

impl Receiver {
    /// One message: the outer error is a trap.
    pub(super) fn receive(&mut self, method: &str, payload: &[u8]) -> wasmtime::Result<Result<Vec<u8>, Val>> {
        let message = Val::Record(vec![("method".into(), Val::String(method.into())), ("arg".into(), list(payload))]);
        let mut results = [Val::Bool(false)];
        self.receive.call(&mut self.store, &[message], &mut results)?;
        let [Val::Result(result)] = results else { panic!("{results:?}") };
        Ok(match result {
            Ok(payload) => Ok(bytes(&payload.unwrap())),
            Err(error) => Err(*error.unwrap()),
        })
    }

    /// From now on the adapter's memory may not grow beyond this.
    pub(super) fn limit_memory(&mut self, size: usize) {
        self.store.data_mut().limits = StoreLimitsBuilder::new().memory_size(size).build();
    }
}

pub(super) struct Sender {
    store: Store<State>,
    instance: wasmtime::component::Instance,
    contract: String,
}

impl Sender {
    fn function(&mut self, name: &str) -> Func {
        let contract = self.instance.get_export_index(&mut self.store, None, &self.contract).unwrap();
        let index = self.instance.get_export_index(&mut self.store, Some(&contract), name).unwrap();
        self.instance.get_func(&mut self.store, index).unwrap()
    }

    pub(super) fn params(&mut self, function: &str) -> Vec<Type> {
        self.function(function).ty(&self.store).params().map(|(_, ty)| ty).collect()
    }

    /// From now on the adapter's memory may not grow beyond this.
    pub(super) fn limit_memory(&mut self, size: usize) {
        self.store.data_mut().limits = StoreLimitsBuilder::new().memory_size(size).build();
    }

    /// One call: the error is a trap.
    pub(super) fn call(&mut self, function: &str, params: &[Val]) -> wasmtime::Result<Option<Val>> {
        let func = self.function(function);
        let mut results = vec![Val::Bool(false); func.ty(&self.store).results().len()];
        func.call(&mut self.store, params, &mut results)?;
        Ok(results.pop())
    }
}

/// The payloads a sender makes of generated values.
pub(super) struct Payloads {
    sender: Sender,
    last: Rc<RefCell<Vec<u8>>>,
}

impl Payloads {
    pub(super) fn of(&mut self, function: &str, dice: &mut Dice) -> Vec<u8> {
        let types = self.sender.params(function);
        let params: Vec<Val> = types.iter().map(|ty| value(ty, dice)).collect();
        self.sender.call(function, &params).unwrap();
        self.last.take()
    }
}

pub(super) fn list(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
}

pub(super) fn bytes(list: &Val) -> Vec<u8> {
    let Val::List(items) = list else { panic!("{list:?}") };
    let byte = |item: &Val| match item {
        Val::U8(byte) => *byte,
        _ => panic!("{item:?}"),
    };
    items.iter().map(byte).collect()
}

pub(super) fn text(text: &str) -> Val {
    Val::String(text.into())
}

pub(super) fn some(value: Val) -> Val {
    Val::Option(Some(Box::new(value)))
}

pub(super) fn ok(value: Val) -> Val {
    Val::Result(Ok(Some(Box::new(value))))
}

pub(super) fn err(value: Val) -> Val {
    Val::Result(Err(Some(Box::new(value))))
}

pub(super) fn variant(case: &str, payload: Val) -> Val {
    Val::Variant(case.into(), Some(Box::new(payload)))
}

pub(super) fn case(case: &str) -> Val {
    Val::Variant(case.into(), None)
}

/// `rpc-error::deser` with this text.
pub(super) fn deser(reason: &str) -> Val {
    variant("deser", text(reason))
}
