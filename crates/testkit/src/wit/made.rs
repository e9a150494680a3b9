//! Contracts made of generated types, with types of their own, of another interface and of the platform.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::contract::{Case, Contract, ContractName, Field, Function, NamedType, Type};
use model::failure::RpcError;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::values::{self, named, ty};

/// The most functions of a generated contract.
const FUNCTIONS_MAX: usize = 3;

/// More than the component model passes flat.
const WIDE: std::ops::RangeInclusive<usize> = 17..=20;

/// More cases than one byte counts.
const CASES_MANY: std::ops::RangeInclusive<usize> = 257..=300;

/// How many different draws decide which types live elsewhere; they repeat.
const DRAWS: usize = 16;

/// Cases of error variants, those that have room for a failure and some that have not.
const ERROR_CASES: [&str; 10] =
    ["missing", "other", "io", "upstream", "internal-error", "internal", "unavailable", "transport", "rpc", "denied"];

/// Every case of `rpc-error`, in the order of the WIT type.
const RPC_ERROR_CASES: [&str; 14] = [
    "deadline-exceeded",
    "not-initialized",
    "method-not-handled",
    "not-implemented",
    "host-error",
    "deser",
    "ser",
    "rpc",
    "transport",
    "invalid-parameter",
    "actor-handler",
    "provider-init",
    "timeout",
    "other",
];

/// A contract: one to three functions over types of any kind.
pub fn contract() -> BoxedStrategy<Contract> {
    let version = select(vec![None, Some("0.1.0"), Some("1.2.3-rc.1")]);
    let elsewhere = vec(prop::bool::weighted(0.2), DRAWS);
    let functions = vec(function(), 1..=FUNCTIONS_MAX);
    (version, elsewhere, functions)
        .prop_map(|(version, elsewhere, functions)| {
            Making::new(name("made:subject/calls", version), elsewhere).contract(functions.into_iter())
        })
        .boxed()
}

fn name(path: &str, version: Option<&str>) -> ContractName {
    let (package, interface) = path.split_once('/').unwrap_or((path, "calls"));
    let (namespace, package) = package.split_once(':').unwrap_or(("made", package));
    ContractName {
        namespace: namespace.to_owned(),
        package: package.to_owned(),
        interface: interface.to_owned(),
        version: version.and_then(|version| version.parse().ok()),
    }
}

fn function() -> BoxedStrategy<Function> {
    prop_oneof![8 => values::function(), 6 => failing(), 2 => wide(), 1 => many()].boxed()
}

/// A function over types of so many cases that the case takes two bytes, in memory and in a message.
fn many() -> BoxedStrategy<Function> {
    let names = |count| (0..count).map(|index| format!("case-{index}"));
    let cases = vec(option::weighted(0.2, ty()), CASES_MANY);
    let variant = cases.prop_map(move |types| {
        let case = |(name, ty)| Case { name, ty };
        named(Type::Variant(names(types.len()).zip(types).map(case).collect()))
    });
    let enumeration = CASES_MANY.prop_map(move |count| named(Type::Enum(names(count).collect())));
    let ty = prop_oneof![variant.clone(), enumeration, variant.prop_map(|ty| Type::List(Box::new(ty)))];
    (vec(ty.clone(), 1..=2), ty)
        .prop_map(|(types, result)| Function { params: numbered(types), result: Some(result) })
        .boxed()
}

fn numbered(types: Vec<Type>) -> Vec<Field> {
    (0..).zip(types).map(|(index, ty): (u32, Type)| Field { name: format!("p{index}"), ty }).collect()
}

/// More parameters than fit the flat calling convention.
fn wide() -> BoxedStrategy<Function> {
    let scalar =
        select(vec![Type::U8, Type::S16, Type::U64, Type::F32, Type::F64, Type::Char, Type::String, Type::Bool]);
    let params = vec(prop_oneof![7 => scalar, 1 => ty()], WIDE);
    (params, option::of(ty())).prop_map(|(params, result)| Function { params: numbered(params), result }).boxed()
}

/// A function whose result has an error, mostly with room for a failure.
fn failing() -> BoxedStrategy<Function> {
    (values::function(), option::of(ty()), error())
        .prop_map(|(function, ok, err)| {
            let result = Type::Result { ok: ok.map(Box::new), err: Some(Box::new(err)) };
            Function { params: function.params, result: Some(result) }
        })
        .boxed()
}

fn error() -> BoxedStrategy<Type> {
    let text = prop_oneof![Just(Type::String), Just(named(Type::String))];
    let optional = text.clone().prop_map(|text| Type::Option(Box::new(text)));
    let payload = prop_oneof![
        4 => text.clone().prop_map(Some),
        2 => optional.clone().prop_map(Some),
        1 => optional.prop_map(|ty| Some(named(ty))),
        2 => Just(None),
        2 => ty().prop_map(Some),
    ];
    let case = |(name, ty): (&str, Option<Type>)| Case { name: name.to_owned(), ty };
    let names = subsequence(ERROR_CASES.to_vec(), 1..=ERROR_CASES.len()).prop_shuffle();
    let variant = (names, vec(payload, ERROR_CASES.len()))
        .prop_map(move |(names, types)| named(Type::Variant(names.into_iter().zip(types).map(case).collect())));
    prop_oneof![2 => Just(rpc_error()), 1 => text, 4 => variant].boxed()
}

/// The platform's own error.
fn rpc_error() -> Type {
    let case = |name: &&str| {
        let error = RpcError::from_parts(name, "");
        let ty = error.and_then(|error| error.parts().1.map(|_| Type::String));
        Case { name: (*name).to_owned(), ty }
    };
    Type::Named(Arc::new(NamedType {
        owner: name("lath:rpc/types", Some("1.0.0")),
        name: "rpc-error".to_owned(),
        shape: Type::Variant(RPC_ERROR_CASES.iter().map(case).collect()),
    }))
}

/// A contract in the making: gives every named type a name and an owner.
struct Making {
    name: ContractName,
    shared: ContractName,
    /// Whether the next named type lives in the shared interface; drawn in a circle.
    elsewhere: std::iter::Cycle<std::vec::IntoIter<bool>>,
    /// Types as the contract names them, with what they were made from.
    types: Vec<(Type, Arc<NamedType>)>,
    count: usize,
}

impl Making {
    fn new(name: ContractName, elsewhere: Vec<bool>) -> Self {
        let shared = self::name("made:shared/types", Some("2.0.0"));
        Self { name, shared, elsewhere: elsewhere.into_iter().cycle(), types: Vec::new(), count: 0 }
    }

    fn contract(mut self, functions: impl Iterator<Item = Function>) -> Contract {
        let functions = (0..).zip(functions).map(|(index, function): (u32, Function)| {
            let params =
                function.params.into_iter().map(|p| Field { name: p.name, ty: self.ty(&p.ty, false) }).collect();
            let result = function.result.map(|ty| self.ty(&ty, false));
            (format!("f{index}"), Function { params, result })
        });
        let functions: BTreeMap<_, _> = functions.collect();
        Contract { name: self.name, functions }
    }

    /// The type as the contract says it, or as the shared interface does.
    fn ty(&mut self, ty: &Type, shared: bool) -> Type {
        let mut boxed = |ty: &Type| Box::new(self.ty(ty, shared));
        match ty {
            Type::Named(named) => self.named(ty, named, shared),
            Type::List(element) => Type::List(boxed(element)),
            Type::FixedList(element, count) => Type::FixedList(boxed(element), *count),
            Type::Map(key, item) => Type::Map(boxed(key), boxed(item)),
            Type::Tuple(items) => Type::Tuple(items.iter().map(|item| self.ty(item, shared)).collect()),
            Type::Option(inner) => Type::Option(boxed(inner)),
            Type::Result { ok, err } => {
                let ok = ok.as_deref().map(&mut boxed);
                Type::Result { ok, err: err.as_deref().map(boxed) }
            }
            Type::Record(fields) => Type::Record(
                fields.iter().map(|f| Field { name: f.name.clone(), ty: self.ty(&f.ty, shared) }).collect(),
            ),
            Type::Variant(cases) => Type::Variant(cases.iter().map(|case| self.case(case, shared)).collect()),
            other => other.clone(),
        }
    }

    fn case(&mut self, case: &Case, shared: bool) -> Case {
        Case { name: case.name.clone(), ty: case.ty.as_ref().map(|ty| self.ty(ty, shared)) }
    }

    fn named(&mut self, ty: &Type, named: &NamedType, shared: bool) -> Type {
        if !shared && let Some((_, known)) = self.types.iter().find(|(from, _)| from == ty) {
            return Type::Named(known.clone());
        }
        let platform = named.name == "rpc-error";
        let elsewhere = shared || platform || self.elsewhere.next().unwrap_or(false);
        self.count += 1;
        let name = format!("t{}", self.count);
        let owner = if elsewhere { self.shared.clone() } else { self.name.clone() };
        let made = if platform {
            ty.clone()
        } else {
            let shape = self.ty(&named.shape, elsewhere);
            Type::Named(Arc::new(NamedType { owner, name: name.clone(), shape }))
        };
        if shared {
            return made;
        }
        // An interface speaks of another's type under a name of its own: `use`.
        let own = match made {
            Type::Named(own) if !elsewhere => own,
            used => Arc::new(NamedType { owner: self.name.clone(), name, shape: used }),
        };
        self.types.push((ty.clone(), own.clone()));
        Type::Named(own)
    }
}
