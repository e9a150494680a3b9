//! Generated adapters, run alone in the engine: the test plays the bus on one side and the contract on the other.
//!
//! Values cross as [`adapter::value::Value`]s; `engine::native::value` says how wasmtime writes them.

use adapter::generate::generate_in;
use adapter::value::Value;
use anyhow::{Context, Result, bail};
use engine::native::value::{lift, lower};
use model::contract::{Contract, Function};
use model::failure::RpcError;
use model::wire::{Side, WireVersion};
use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Config, Engine, OptLevel, Store, StoreContextMut, Trap};

const SENDER_BUS: &str = "lath:wasmbus/sender@0.1.0";
const RECEIVER_BUS: &str = "lath:wasmbus/receiver@0.1.0";

/// What a call into an adapter came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It returned.
    Returned(T),
    /// It stopped at an `unreachable`; the instance is dead.
    Trapped,
}

/// What travels back on the bus.
pub type Reply = Result<Vec<u8>, RpcError>;

/// What a sender gave to the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the bus")]
pub struct Sent {
    pub method: String,
    pub payload: Vec<u8>,
    pub contract: String,
    pub link: Option<String>,
}

/// The same component, each of whose functions traps where it begins.
///
/// # Errors
///
/// It is no component.
pub fn trapping(component: &[u8]) -> Result<Vec<u8>> {
    const UNREACHABLE: u8 = 0x00;
    const NOP: u8 = 0x01;
    let mut bytes = component.to_owned();
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CodeSectionEntry(body) = payload? else { continue };
        let mut operators = body.get_operators_reader()?;
        let begin = usize::try_from(operators.original_position())?;
        operators.read()?;
        let first =
            bytes.get_mut(begin..usize::try_from(operators.original_position())?).context("the code is cut off")?;
        // What follows is of any type where it cannot be reached. A lone `end` has no room, and does nothing anyway.
        if let Some((trap, rest)) = first.split_first_mut().filter(|_| !operators.eof()) {
            *trap = UNREACHABLE;
            rest.fill(NOP);
        }
    }
    Ok(bytes)
}

/// Where adapters are compiled: one engine for many of them, without support for concurrency.
pub struct Bench {
    engine: Engine,
    wire: WireVersion,
}

impl Bench {
    /// An engine that knows every type of the component model that a contract may use.
    pub fn new() -> Result<Self> {
        Self::speaking(WireVersion::V1)
    }

    /// The same for adapters of a version of the wire.
    pub fn speaking(wire: WireVersion) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_map(true);
        config.wasm_component_model_fixed_length_lists(true);
        config.wasm_component_model_implements(true);
        config.concurrency_support(false);
        config.cranelift_opt_level(OptLevel::None);
        Ok(Self { engine: Engine::new(&config)?, wire })
    }

    /// The version of the wire of its adapters.
    pub fn wire(&self) -> WireVersion {
        self.wire
    }

    /// A fresh instance of the contract's sender.
    pub fn sender(&self, contract: &Contract) -> Result<Sender> {
        Sender::new(self.component(contract, Side::Sender)?, contract.clone())
    }

    /// A fresh instance of the contract's receiver.
    pub fn receiver(&self, contract: &Contract) -> Result<Receiver> {
        Receiver::new(self.component(contract, Side::Receiver)?, contract.clone())
    }

    fn component(&self, contract: &Contract, side: Side) -> Result<Component> {
        let bytes =
            generate_in(contract, side, self.wire).with_context(|| format!("no {side} of {}", contract.name))?;
        let component = Component::new(&self.engine, bytes).map_err(anyhow::Error::from);
        component.with_context(|| format!("the engine refuses the {side} of {}", contract.name))
    }
}

/// An instance of a sender.
pub struct Sender {
    component: Component,
    contract: Contract,
    store: Store<Bus>,
    instance: Instance,
}

/// The bus behind a sender: the answer it will give, and what it was given.
#[derive(Default)]
struct Bus {
    reply: Option<Val>,
    sent: Vec<Vec<Val>>,
}

impl Sender {
    fn new(component: Component, contract: Contract) -> Result<Self> {
        let mut linker = Linker::new(component.engine());
        linker.instance(SENDER_BUS)?.func_new("send", |mut store: StoreContextMut<'_, Bus>, _, params, results| {
            let bus = store.data_mut();
            bus.sent.push(params.to_vec());
            results.iter_mut().zip(&bus.reply).for_each(|(result, reply)| result.clone_from(reply));
            Ok(())
        })?;
        let mut store = Store::new(component.engine(), Bus::default());
        let instance = linker.instantiate(&mut store, &component)?;
        Ok(Self { component, contract, store, instance })
    }

    /// Calls a function of the contract; the bus answers whatever it is sent with `reply`. Gives what was sent and
    /// what the function returned. After a trap the instance is a new one.
    pub fn call(&mut self, name: &str, params: &[Value], reply: &Reply) -> Result<(Vec<Sent>, Outcome<Option<Value>>)> {
        let function = function(&self.contract, name)?.clone();
        let params = function.params.iter().zip(params).map(|(param, value)| lower(&param.ty, value));
        let params = params.collect::<wasmtime::Result<Vec<Val>>>()?;
        let mut results = vec![Val::Bool(false); function.result.iter().len()];
        self.store.data_mut().reply = Some(reply_val(reply));
        let interface = self.contract.name.to_string();
        let called = call(&mut self.store, &self.instance, (&interface, name), &params, &mut results);
        let sent = std::mem::take(&mut self.store.data_mut().sent);
        let sent = sent.iter().map(|params| sent_as(params)).collect::<Result<Vec<Sent>>>()?;
        let Outcome::Returned(()) = called? else {
            *self = Self::new(self.component.clone(), self.contract.clone())?;
            return Ok((sent, Outcome::Trapped));
        };
        let result = function.result.as_ref().zip(results.first()).map(|(ty, val)| lift(ty, val)).transpose()?;
        Ok((sent, Outcome::Returned(result)))
    }
}

/// An instance of a receiver.
pub struct Receiver {
    component: Component,
    contract: Contract,
    store: Store<Target>,
    instance: Instance,
}

/// The contract behind a receiver: the result it will give, and how it was called.
#[derive(Default)]
struct Target {
    result: Option<Val>,
    called: Vec<(String, Vec<Val>)>,
}

/// A call that arrived at the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The function.
    pub function: String,
    /// Its parameters.
    pub params: Vec<Value>,
}

impl Receiver {
    fn new(component: Component, contract: Contract) -> Result<Self> {
        let mut linker = Linker::new(component.engine());
        let mut interface = linker.instance(&contract.name.to_string())?;
        for name in contract.functions.keys() {
            let function = name.clone();
            interface.func_new(name, move |mut store: StoreContextMut<'_, Target>, _, params, results| {
                let target = store.data_mut();
                target.called.push((function.clone(), params.to_vec()));
                results.iter_mut().zip(&target.result).for_each(|(result, given)| result.clone_from(given));
                Ok(())
            })?;
        }
        let mut store = Store::new(component.engine(), Target::default());
        let instance = linker.instantiate(&mut store, &component)?;
        Ok(Self { component, contract, store, instance })
    }

    /// Gives the receiver a message; the contract answers any call with `result`, which must be of the method's
    /// type. Gives the calls that arrived and the reply. After a trap the instance is a new one.
    pub fn receive(
        &mut self,
        method: &str,
        payload: &[u8],
        result: Option<&Value>,
    ) -> Result<(Vec<Called>, Outcome<Reply>)> {
        let ty = self.contract.functions.get(method).and_then(|function| function.result.as_ref());
        self.store.data_mut().result = ty.zip(result).map(|(ty, value)| lower(ty, value)).transpose()?;
        let message =
            vec![("method".to_owned(), Val::String(method.to_owned())), ("arg".to_owned(), bytes_val(payload))];
        let mut results = [Val::Bool(false)];
        let target = (RECEIVER_BUS, "receive");
        let received = call(&mut self.store, &self.instance, target, &[Val::Record(message)], &mut results);
        let called = std::mem::take(&mut self.store.data_mut().called);
        let called = called.iter().map(|(name, params)| called_with(&self.contract, name, params));
        let called = called.collect::<Result<Vec<Called>>>()?;
        let Outcome::Returned(()) = received? else {
            *self = Self::new(self.component.clone(), self.contract.clone())?;
            return Ok((called, Outcome::Trapped));
        };
        let [reply] = &results;
        Ok((called, Outcome::Returned(reply_of(reply)?)))
    }
}

fn function<'a>(contract: &'a Contract, name: &str) -> Result<&'a Function> {
    contract.functions.get(name).with_context(|| format!("{} has no function `{name}`", contract.name))
}

fn call<T: 'static>(
    store: &mut Store<T>,
    instance: &Instance,
    (interface, function): (&str, &str),
    params: &[Val],
    results: &mut [Val],
) -> Result<Outcome<()>> {
    let missing = || format!("the adapter exports no `{interface}#{function}`");
    let interface_index = instance.get_export_index(&mut *store, None, interface).with_context(missing)?;
    let index = instance.get_export_index(&mut *store, Some(&interface_index), function).with_context(missing)?;
    let function = instance.get_func(&mut *store, index).with_context(missing)?;
    match function.call(&mut *store, params, results) {
        Ok(()) => Ok(Outcome::Returned(())),
        Err(error) if error.downcast_ref::<Trap>() == Some(&Trap::UnreachableCodeReached) => Ok(Outcome::Trapped),
        Err(error) => Err(error.into()),
    }
}

fn called_with(contract: &Contract, name: &str, params: &[Val]) -> Result<Called> {
    let types = function(contract, name)?.params.iter().map(|param| &param.ty);
    let params = types.zip(params).map(|(ty, val)| lift(ty, val)).collect::<wasmtime::Result<_>>()?;
    Ok(Called { function: name.to_owned(), params })
}

fn sent_as(params: &[Val]) -> Result<Sent> {
    let [Val::Record(message), Val::String(contract), Val::Option(link)] = params else {
        bail!("not the parameters of `send`: {params:?}");
    };
    let [(_, Val::String(method)), (_, payload)] = message.as_slice() else { bail!("not a message: {message:?}") };
    let link = match link.as_deref() {
        None => None,
        Some(Val::String(link)) => Some(link.clone()),
        Some(other) => bail!("not the name of a link: {other:?}"),
    };
    Ok(Sent { method: method.clone(), payload: bytes_of(payload)?, contract: contract.clone(), link })
}

fn reply_val(reply: &Reply) -> Val {
    let boxed = |val| Some(Box::new(val));
    Val::Result(match reply {
        Ok(payload) => Ok(boxed(bytes_val(payload))),
        Err(error) => {
            let (case, text) = error.parts();
            Err(boxed(Val::Variant(case.to_owned(), text.and_then(|text| boxed(Val::String(text.to_owned()))))))
        }
    })
}

fn reply_of(val: &Val) -> Result<Reply> {
    Ok(match val {
        Val::Result(Ok(Some(payload))) => Ok(bytes_of(payload)?),
        Val::Result(Err(Some(error))) => Err(error_of(error)?),
        other => bail!("not the result of `receive`: {other:?}"),
    })
}

fn error_of(val: &Val) -> Result<RpcError> {
    let (case, text) = match val {
        Val::Variant(case, None) => (case, ""),
        Val::Variant(case, Some(text)) => match text.as_ref() {
            Val::String(text) => (case, text.as_str()),
            other => bail!("not the text of an error: {other:?}"),
        },
        other => bail!("not an error: {other:?}"),
    };
    RpcError::from_parts(case, text).with_context(|| format!("`{case}` is no case of rpc-error"))
}

fn bytes_val(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
}

fn bytes_of(val: &Val) -> Result<Vec<u8>> {
    let Val::List(items) = val else { bail!("not bytes: {val:?}") };
    let byte = |item: &Val| match item {
        Val::U8(byte) => Ok(*byte),
        other => bail!("not a byte: {other:?}"),
    };
    items.iter().map(byte).collect()
}
