//! Views of components travel whole, whatever types they speak in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::{
    Document as _, IntentDocument, StoredAdapter, StoredAdapters, StoredComponent, StoredSubstitute,
};
use lattice::limits::{TYPE_DEPTH_MAX, TYPE_PARTS_MAX};
use model::contract::{Case, Contract, ContractName, Field, Function, NamedType, Type};
use model::view::{ComponentView, Construct, Port, Refusal, Shape};
use model::wire::{Side, WireVersion, Wires};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::{digest, name};

fn named(shape: Type) -> Type {
    Type::Named(Arc::new(NamedType { owner: name("acme:shop/types@1.0.0"), name: "item".to_owned(), shape }))
}

fn view(functions: BTreeMap<String, Function>) -> ComponentView {
    let contract = Contract { name: name("acme:shop/cart@1.2.3"), functions };
    let port = |label: &str, shape| Port { label: label.to_owned(), contract: label.parse().ok(), shape };
    ComponentView {
        digest: digest("component"),
        imports: vec![
            port("wasi:clocks/types@0.2.0", Shape::Types),
            port(
                "wasi:io/streams@0.2.0",
                Shape::Refused(Refusal {
                    function: "read".to_owned(),
                    construct: Construct::Resource,
                    ty: "input-stream".to_owned(),
                    functions: Vec::new(),
                }),
            ),
        ],
        exports: vec![port("acme:shop/cart@1.2.3", Shape::Contract(Arc::new(contract)))],
        memories: 2,
    }
}

pub(super) fn document() -> IntentDocument {
    let item = named(Type::Record(vec![
        Field { name: "names".to_owned(), ty: Type::List(Box::new(Type::String)) },
        Field { name: "kind".to_owned(), ty: named(Type::Enum(vec!["a".to_owned(), "b".to_owned()])) },
    ]));
    let put = Function {
        params: vec![Field { name: "item".to_owned(), ty: item.clone() }],
        result: Some(Type::Result { ok: Some(Box::new(item)), err: Some(Box::new(Type::String)) }),
    };
    let names = Function { params: Vec::new(), result: Some(Type::Option(Box::new(Type::Char))) };
    let view = view([("put".to_owned(), put), ("names".to_owned(), names)].into());
    let component = StoredComponent { size: 1000, view };
    let adapter = StoredAdapter { component: component.clone(), wire: Some("acme/json".to_owned()) };
    IntentDocument {
        manifest: "manifest = 1\n[application]\nname = \"shop\"\n".to_owned(),
        components: [(name("cart"), component)].into(),
        adapters: [(
            name("acme:shop/cart"),
            StoredAdapters { sender: adapter.clone(), receiver: StoredAdapter { wire: None, ..adapter } },
        )]
        .into(),
        patched: BTreeSet::new(),
        wires: Wires::default(),
        substitutes: Vec::new(),
        written_by: "0.1.0".to_owned(),
    }
}

/// One with nothing written by hand.
pub(super) fn small() -> IntentDocument {
    IntentDocument { adapters: BTreeMap::new(), components: BTreeMap::new(), ..document() }
}

pub(super) fn substitute() -> StoredSubstitute {
    let component = StoredComponent { size: 1, view: view(BTreeMap::new()) };
    StoredSubstitute { side: Side::Sender, wire: WireVersion::V2, component }
}

/// A document with one function that gives `ty`.
fn giving(ty: Type) -> IntentDocument {
    let function = Function { params: Vec::new(), result: Some(ty) };
    let component = StoredComponent { size: 1, view: view([("f".to_owned(), function)].into()) };
    IntentDocument { components: [(name("cart"), component)].into(), adapters: BTreeMap::new(), ..document() }
}

fn round_trip(document: &IntentDocument) -> Result<IntentDocument, String> {
    IntentDocument::decode(&document.encode()).map_err(|error| error.to_string())
}

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,6}(-[a-z0-9]{1,3})?"
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::U8),
        Just(Type::U16),
        Just(Type::U32),
        Just(Type::U64),
        Just(Type::S8),
        Just(Type::S16),
        Just(Type::S32),
        Just(Type::S64),
        Just(Type::F32),
        Just(Type::F64),
        Just(Type::Char),
        Just(Type::String),
        vec(word(), 1..4).prop_map(|cases| named(Type::Enum(cases))),
        vec(word(), 0..4).prop_map(|flags| named(Type::Flags(flags))),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let field = (word(), inner.clone()).prop_map(|(name, ty)| Field { name, ty });
        let case = (word(), option::of(inner.clone())).prop_map(|(name, ty)| Case { name, ty });
        prop_oneof![
            boxed.clone().prop_map(Type::List),
            (boxed.clone(), any::<u32>()).prop_map(|(ty, count)| Type::FixedList(ty, count)),
            (boxed.clone(), boxed.clone()).prop_map(|(key, value)| Type::Map(key, value)),
            vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            boxed.clone().prop_map(Type::Option),
            (option::of(boxed.clone()), option::of(boxed)).prop_map(|(ok, err)| Type::Result { ok, err }),
            vec(field, 0..4).prop_map(|fields| named(Type::Record(fields))),
            vec(case, 0..4).prop_map(|cases| named(Type::Variant(cases))),
            (word(), inner).prop_map(|(label, shape)| {
                let owner: ContractName = name("local:component/own");
                Type::Named(Arc::new(NamedType { owner, name: label, shape }))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn generated_views_come_back_as_they_went(
        functions in btree_map(word(), (vec((word(), types()), 0..4), option::of(types())), 0..5),
    ) {
        let function = |(params, result): (Vec<(String, Type)>, _)| Function {
            params: params.into_iter().map(|(name, ty)| Field { name, ty }).collect(),
            result,
        };
        let view = view(functions.into_iter().map(|(name, parts)| (name, function(parts))).collect());
        let component = StoredComponent { size: 5, view };
        let document = IntentDocument { components: [(name("cart"), component)].into(), ..document() };
        let read = round_trip(&document).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(read.encode(), document.encode());
    }
}

#[test]
fn every_refused_construct_comes_back() {
    let constructs =
        [Construct::Resource, Construct::Async, Construct::Stream, Construct::Future, Construct::ErrorContext];
    for construct in constructs {
        let mut document = document();
        for component in document.components.values_mut() {
            let refusal =
                Refusal { function: "f".to_owned(), construct, ty: "t".to_owned(), functions: vec!["f".to_owned()] };
            component.view.imports[1].shape = Shape::Refused(refusal);
        }
        assert_eq!(round_trip(&document).unwrap(), document);
    }
}

#[test]
fn types_may_be_so_deep_and_no_deeper() {
    let deep = |levels: usize| (1..levels).fold(Type::Bool, |ty, _| Type::List(Box::new(ty)));
    let most = giving(deep(TYPE_DEPTH_MAX));
    assert_eq!(round_trip(&most).unwrap(), most);
    let error = round_trip(&giving(deep(TYPE_DEPTH_MAX + 1))).unwrap_err();
    insta::assert_snapshot!("too-deep", error);
}

/// Types that name types that name types, twice each: a few lines that would unfold into more than any memory.
#[test]
fn types_that_unfold_without_end_are_refused() {
    let twice = |levels: u32| (0..levels).fold(named(Type::Bool), |ty, _| named(Type::Tuple(vec![ty.clone(), ty])));
    let some = giving(twice(12));
    assert_eq!(round_trip(&some).unwrap(), some);
    let bytes = giving(twice(100)).encode();
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
    let error = IntentDocument::decode(&bytes).unwrap_err().to_string();
    assert!(error.contains(&format!("more than {TYPE_PARTS_MAX} others")), "{error}");
}
