//! Arbitrary bytes through generated adapters: the parts that both fuzz targets share.
//!
//! The first byte of an input chooses the version of the wire, the second a function of a contract with every kind of value;
//! the rest is the message, or the reply. A trap is a finding. So is a message that is accepted and means other bytes than its own.
//!
//! Run with `cargo fuzz run receiver -- -len_control=0` or the same for `sender`: the code under test is wasm, whose
//! coverage the fuzzer does not see, so it must not wait for coverage before it tries longer inputs.

use adapter::emit::{RPC_WIT, Side, emit};
use model::wire::WireVersion;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Component, Func, Instance, Linker, Type, Val};
use wasmtime::{Config, Engine, Result, Store, StoreContextMut};
use wit_parser::{InterfaceId, Resolve};

/// The contract that the adapter's own tests use.
const EVERYTHING: &str = include_str!("../../crates/adapter/tests/it/emit/everything.wit");

/// Its name.
const CONTRACT: &str = "t:everything/c@1.0.0";

/// The version of the wire that an input chooses, as a place in [`WireVersion::ALL`], and the bytes that are left.
pub fn version(data: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(*first) % WireVersion::ALL.len(), rest))
}

/// The reply that the sender's bus gives next.
#[derive(Default)]
struct State {
    reply: Vec<u8>,
}

/// An adapter instance, and the functions of its contract.
pub struct Adapter {
    store: Store<State>,
    instance: Instance,
    functions: Vec<String>,
}

fn contract() -> (Resolve, InterfaceId) {
    let mut resolve = Resolve::default();
    resolve.push_source("rpc.wit", RPC_WIT).expect("the platform's WIT is valid");
    let package = resolve.push_source("everything.wit", EVERYTHING).expect("the contract is valid");
    let interface = resolve.packages[package].interfaces["c"];
    (resolve, interface)
}

impl Adapter {
    /// A receiver whose target answers with what it got.
    pub fn receiver(wire: WireVersion) -> Self {
        Self::new(Side::Receiver, wire)
    }

    /// A sender whose bus answers with given bytes.
    pub fn sender(wire: WireVersion) -> Self {
        Self::new(Side::Sender, wire)
    }

    fn new(side: Side, wire: WireVersion) -> Self {
        let (resolve, id) = contract();
        let functions: Vec<String> = resolve.interfaces[id].functions.keys().cloned().collect();
        let mut config = Config::new();
        config.wasm_component_model_map(true);
        config.wasm_component_model_fixed_length_lists(true);
        let engine = Engine::new(&config).expect("the engine's settings are valid");
        let bytes = emit(&resolve, id, side, wire).expect("the contract has adapters");
        let component = Component::new(&engine, bytes).expect("the adapter compiles");
        let mut linker = Linker::new(&engine);
        match side {
            Side::Receiver => link_contract(&mut linker, &functions),
            Side::Sender => link_bus(&mut linker),
        }
        .expect("names are unique");
        let mut store = Store::new(&engine, State::default());
        let instance = linker.instantiate(&mut store, &component).expect("the adapter instantiates");
        Self { store, instance, functions }
    }

    /// The function an input chooses, and the bytes that are left.
    pub fn choose<'d>(&self, data: &'d [u8]) -> Option<(String, &'d [u8])> {
        let (first, rest) = data.split_first()?;
        let function = &self.functions[usize::from(*first) % self.functions.len()];
        Some((function.clone(), rest))
    }

    fn export(&mut self, interface: &str, function: &str) -> Func {
        let interface = self.instance.get_export_index(&mut self.store, None, interface).expect("exported");
        let index = self.instance.get_export_index(&mut self.store, Some(&interface), function).expect("exported");
        self.instance.get_func(&mut self.store, index).expect("a function")
    }

    /// Gives a receiver a message; the reply of a function that was called. A trap is the error.
    pub fn receive(&mut self, method: &str, payload: &[u8]) -> Result<Option<Vec<u8>>> {
        let message =
            Val::Record(vec![("method".into(), Val::String(method.into())), ("arg".into(), from_bytes(payload))]);
        let receive = self.export("lath:wasmbus/receiver@0.1.0", "receive");
        let mut results = [Val::Bool(false)];
        receive.call(&mut self.store, &[message], &mut results)?;
        Ok(match &results[0] {
            Val::Result(Ok(Some(payload))) => Some(to_bytes(payload)),
            _ => None,
        })
    }

    /// Calls a function of a sender whose bus answers with these bytes. A trap is the error.
    pub fn call(&mut self, function: &str, reply: &[u8]) -> Result<()> {
        self.store.data_mut().reply = reply.to_vec();
        let function = self.export(CONTRACT, function);
        let types: Vec<Type> = function.ty(&self.store).params().map(|(_, ty)| ty).collect();
        let params: Vec<Val> = types.iter().map(least).collect();
        function.call(&mut self.store, &params, &mut [Val::Bool(false)])
    }
}

fn link_contract(linker: &mut Linker<State>, functions: &[String]) -> Result<()> {
    let mut contract = linker.instance(CONTRACT)?;
    for function in functions {
        contract.func_new(function, |_, _: ComponentFunc, params: &[Val], results: &mut [Val]| {
            let value = match params {
                [one] => one.clone(),
                more => Val::Tuple(more.to_vec()),
            };
            results[0] = Val::Result(Ok(Some(Box::new(value))));
            Ok(())
        })?;
    }
    Ok(())
}

fn link_bus(linker: &mut Linker<State>) -> Result<()> {
    let send = |store: StoreContextMut<'_, State>, _: ComponentFunc, _: &[Val], results: &mut [Val]| {
        results[0] = Val::Result(Ok(Some(Box::new(from_bytes(&store.data().reply)))));
        Ok(())
    };
    linker.instance("lath:wasmbus/sender@0.1.0")?.func_new("send", send)
}

fn from_bytes(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
}

fn to_bytes(list: &Val) -> Vec<u8> {
    let Val::List(items) = list else { return Vec::new() };
    let byte = |item: &Val| match item {
        Val::U8(byte) => Some(*byte),
        _ => None,
    };
    items.iter().filter_map(byte).collect()
}

/// A value of a type: its first case, no elements, zero.
fn least(ty: &Type) -> Val {
    match ty {
        Type::Bool => Val::Bool(false),
        Type::U8 => Val::U8(0),
        Type::S8 => Val::S8(0),
        Type::U16 => Val::U16(0),
        Type::S16 => Val::S16(0),
        Type::U32 => Val::U32(0),
        Type::S32 => Val::S32(0),
        Type::U64 => Val::U64(0),
        Type::S64 => Val::S64(0),
        Type::Float32 => Val::Float32(0.0),
        Type::Float64 => Val::Float64(0.0),
        Type::Char => Val::Char('a'),
        Type::String => Val::String(String::new()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Map(_) => Val::Map(Vec::new()),
        Type::FixedLengthList(list) => Val::FixedLengthList((0..list.len()).map(|_| least(&list.ty())).collect()),
        Type::Record(record) => Val::Record(record.fields().map(|f| (f.name.to_owned(), least(&f.ty))).collect()),
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| least(&ty)).collect()),
        Type::Variant(variant) => {
            let case = variant.cases().next().expect("a case");
            Val::Variant(case.name.to_owned(), case.ty.map(|ty| Box::new(least(&ty))))
        }
        Type::Enum(names) => Val::Enum(names.names().next().expect("a case").to_owned()),
        Type::Option(_) => Val::Option(None),
        Type::Result(result) => Val::Result(Ok(result.ok().map(|ty| Box::new(least(&ty))))),
        Type::Flags(_) => Val::Flags(Vec::new()),
        other => unreachable!("{other:?} has no adapter"),
    }
}
