//! Components, manifests and inventories to plan with, in few words.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::blueprint::Bridge;
use model::contract::{Case, Contract, ContractName, Field, Function, NamedType, Type};
use model::digest::Digest;
use model::view::{ComponentView, Construct, Port, Refusal, Shape};
use model::wire::Wires;
use plan::{AdapterPair, GivenAdapter, Intent, Inventory, Offer, Plan, Problem, State, plan};

pub(crate) fn name(text: &str) -> ContractName {
    text.parse().unwrap()
}

/// A contract whose functions take a string and give what is listed.
pub(crate) fn contract(text: &str, functions: &[(&str, Type)]) -> Arc<Contract> {
    let param = Field { name: "key".to_owned(), ty: Type::String };
    let function = |ty: &Type| Function { params: vec![param.clone()], result: Some(ty.clone()) };
    let functions = functions.iter().map(|(name, ty)| ((*name).to_owned(), function(ty))).collect();
    Arc::new(Contract { name: name(text), functions })
}

pub(crate) fn result(ok: Type, err: Type) -> Type {
    Type::Result { ok: Some(Box::new(ok)), err: Some(Box::new(err)) }
}

/// `result<ok, string>`.
pub(crate) fn fallible(ok: Type) -> Type {
    result(ok, Type::String)
}

pub(crate) fn rpc_error() -> Type {
    let cases = vec![Case { name: "rpc".to_owned(), ty: Some(Type::String) }];
    Type::Named(Arc::new(NamedType {
        owner: name("lath:rpc/types@1.0.0"),
        name: "rpc-error".to_owned(),
        shape: Type::Variant(cases),
    }))
}

/// `acme:tax/rates` with one function that can say that it failed.
pub(crate) fn rates(version: &str) -> Arc<Contract> {
    contract(&format!("acme:tax/rates@{version}"), &[("rate", fallible(Type::U32))])
}

pub(crate) fn counter() -> Arc<Contract> {
    contract("lath:keyvalue/counter@0.1.0", &[("increment", result(Type::S32, rpc_error()))])
}

pub(crate) fn handler() -> Arc<Contract> {
    contract("lath:httpserver/handler@0.1.0", &[("handle-request", result(Type::U16, rpc_error()))])
}

pub(crate) fn refusal() -> Shape {
    Shape::Refused(Refusal {
        function: "open".to_owned(),
        construct: Construct::Resource,
        ty: "bucket".to_owned(),
        functions: functions(),
    })
}

fn functions() -> Vec<String> {
    ["open", "[method]bucket.get", "[method]bucket.set"].map(str::to_owned).to_vec()
}

fn port(label: &str, contract: Option<&str>, shape: Shape) -> Port {
    Port { label: label.to_owned(), contract: contract.map(name), shape }
}

/// A component, made up port by port.
pub(crate) struct Part(pub(crate) ComponentView);

impl Part {
    /// A component with one memory and no ports.
    pub(crate) fn new(bytes: &str) -> Self {
        let digest = Digest::of(bytes.as_bytes());
        Self(ComponentView { digest, imports: Vec::new(), exports: Vec::new(), memories: 1 })
    }

    pub(crate) fn imports(self, contract: &Arc<Contract>) -> Self {
        let label = contract.name.to_string();
        self.labelled(&label, contract)
    }

    /// An import with an `implements` label.
    pub(crate) fn labelled(mut self, label: &str, contract: &Arc<Contract>) -> Self {
        self.0.imports.push(port(label, Some(&contract.name.to_string()), Shape::Contract(Arc::clone(contract))));
        self
    }

    /// An inline interface with the structure of `like`.
    pub(crate) fn inline(mut self, label: &str, like: &Arc<Contract>) -> Self {
        let name = name(&format!("local:component/{label}"));
        let contract = Contract { name, ..(**like).clone() };
        self.0.imports.push(port(label, None, Shape::Contract(Arc::new(contract))));
        self
    }

    /// An import of the host, of whatever shape.
    pub(crate) fn host(mut self, text: &str) -> Self {
        self.0.imports.push(port(text, Some(text), refusal()));
        self
    }

    pub(crate) fn types(mut self, text: &str) -> Self {
        self.0.imports.push(port(text, Some(text), Shape::Types));
        self
    }

    pub(crate) fn exports(mut self, contract: &Arc<Contract>) -> Self {
        let label = contract.name.to_string();
        self.0.exports.push(port(&label, Some(&label), Shape::Contract(Arc::clone(contract))));
        self
    }

    pub(crate) fn exports_refused(mut self, text: &str) -> Self {
        self.0.exports.push(port(text, Some(text), refusal()));
        self
    }

    pub(crate) fn memories(mut self, count: u32) -> Self {
        self.0.memories = count;
        self
    }
}

/// An intent and an inventory.
pub(crate) struct World {
    pub(crate) text: String,
    pub(crate) intent: Intent,
    pub(crate) inventory: Inventory,
}

impl World {
    /// An application `shop`; `text` is the rest of its manifest.
    pub(crate) fn new<'a>(text: &str, parts: impl IntoIterator<Item = (&'a str, Part)>) -> Self {
        let whole = format!("manifest = 1\n[application]\nname = \"shop\"\n{text}");
        let manifest = model::manifest::parse(&whole).unwrap_or_else(|errors| panic!("{errors:#?}\n{whole}"));
        let components = parts.into_iter().map(|(name, part)| (name.parse().unwrap(), part.0)).collect();
        let intent = Intent {
            manifest,
            components,
            adapters: BTreeMap::new(),
            wires: Wires::default(),
            substitutes: Vec::new(),
        };
        Self { text: text.to_owned(), intent, inventory: inventory() }
    }

    /// Gives the components of an adapter pair that the manifest names.
    pub(crate) fn adapters(mut self, contract: &str, sender: Half, receiver: Half) -> Self {
        let pair = AdapterPair { sender: sender.given(), receiver: receiver.given() };
        self.intent.adapters.insert(name(contract), pair);
        self
    }

    pub(crate) fn plan(&self) -> Result<Plan, Vec<Problem>> {
        plan(&self.intent, None, &self.inventory)
    }

    pub(crate) fn planned(&self) -> Plan {
        self.plan().unwrap_or_else(|problems| panic!("{problems:#?}"))
    }
}

/// A hand-written adapter.
pub(crate) struct Half(pub(crate) Part, pub(crate) Option<&'static str>);

impl Half {
    fn given(self) -> GivenAdapter {
        GivenAdapter { view: self.0.0, wire: self.1.map(str::to_owned) }
    }

    pub(crate) fn sender(of: &Arc<Contract>, wire: &'static str) -> Self {
        Self(Part::new("sender").exports(of).imports(&bus("sender")), Some(wire))
    }

    pub(crate) fn receiver(of: &Arc<Contract>, wire: &'static str) -> Self {
        Self(Part::new("receiver").imports(of).exports(&bus("receiver")), Some(wire))
    }
}

/// `lath:wasmbus/sender` or `receiver`.
pub(crate) fn bus(side: &str) -> Arc<Contract> {
    contract(&format!("lath:wasmbus/{side}@0.1.0"), &[("send", Type::U8)])
}

/// What a bridge to keys and values speaks.
pub(crate) fn plain() -> Arc<Contract> {
    contract("lath:keyvalue/store@0.1.0", &[("get", result(Type::U8, rpc_error()))])
}

pub(crate) fn inventory() -> Inventory {
    let natives = ["wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/atomics@0.2.0-draft2"];
    let offer = |state| Offer { contracts: vec![counter(), plain()], natives: natives.map(name).to_vec(), state };
    let bridge = Bridge { contract: plain(), reads: ["get".to_owned()].into() };
    Inventory {
        offers: BTreeMap::from([
            ("keyvalue/embedded".to_owned(), offer(State::Local)),
            ("keyvalue/memory".to_owned(), offer(State::Local)),
            ("keyvalue/nats".to_owned(), offer(State::Shared)),
        ]),
        bridges: natives.map(|native| (name(native), bridge.clone())).into(),
        host_imports: vec![name("wasi:cli/environment@0.2.6"), name("wasi:clocks/wall-clock@0.2.6")],
        ingress: handler(),
        memories_max: 64,
    }
}
