//! The one text form of a contract: sorted, without documentation, naming only what the contract uses.
//!
//! Adapters are generated from this text, so equal contracts give equal bytes, whoever described them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use model::contract::{Contract, ContractName, Field, Function, NamedType, Type};
use wit_parser::{InterfaceId, Resolve};

/// The named types of each interface that a contract speaks in.
type Interfaces<'a> = BTreeMap<&'a ContractName, BTreeMap<&'a str, &'a Arc<NamedType>>>;

/// The contract as WIT text: its own package and those whose types it uses.
pub(crate) fn text(contract: &Contract) -> String {
    let mut interfaces = Interfaces::new();
    interfaces.entry(&contract.name).or_default();
    for function in contract.functions.values() {
        function
            .params
            .iter()
            .map(|param| &param.ty)
            .chain(&function.result)
            .for_each(|ty| collect(ty, &mut interfaces));
    }
    let mut out = String::from("package lath:canonical;\n");
    let mut package = None;
    for (name, types) in &interfaces {
        let header = (package_path(name), &name.version);
        if package.as_ref() != Some(&header) {
            close_package(&mut out, package.is_some());
            let version = header.1.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
            let _ = writeln!(out, "package {}{version} {{", header.0);
            package = Some(header);
        }
        let functions = if *name == &contract.name { Some(&contract.functions) } else { None };
        interface(&mut out, name, types, functions);
    }
    close_package(&mut out, true);
    out
}

/// The contract alone in a [`Resolve`].
pub(crate) fn resolve(contract: &Contract) -> Result<(Resolve, InterfaceId), String> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_source("contract.wit", &text(contract)).map_err(|error| format!("{error:#}"))?;
    let id = resolve
        .interfaces
        .iter()
        .map(|(id, _)| id)
        .find(|id| crate::source::interface_name(&resolve, *id).as_ref() == Some(&contract.name))
        .ok_or_else(|| format!("interface `{}` is missing from its own text", contract.name))?;
    Ok((resolve, id))
}

fn close_package(out: &mut String, open: bool) {
    if open {
        out.push_str("}\n");
    }
}

fn collect<'a>(ty: &'a Type, into: &mut Interfaces<'a>) {
    match ty {
        Type::Named(named) => collect_named(named, into),
        Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => collect(inner, into),
        Type::Map(key, value) => {
            collect(key, into);
            collect(value, into);
        }
        Type::Tuple(items) => items.iter().for_each(|item| collect(item, into)),
        Type::Result { ok, err } => ok.iter().chain(err).for_each(|ty| collect(ty, into)),
        Type::Record(fields) => fields.iter().for_each(|field| collect(&field.ty, into)),
        Type::Variant(cases) => cases.iter().filter_map(|case| case.ty.as_ref()).for_each(|ty| collect(ty, into)),
        _ => {}
    }
}

fn collect_named<'a>(named: &'a Arc<NamedType>, into: &mut Interfaces<'a>) {
    if into.entry(&named.owner).or_default().insert(&named.name, named).is_none() {
        collect(&named.shape, into);
    }
}

fn interface(
    out: &mut String,
    name: &ContractName,
    types: &BTreeMap<&str, &Arc<NamedType>>,
    functions: Option<&BTreeMap<String, Function>>,
) {
    let _ = writeln!(out, "  interface %{} {{", name.interface);
    for named in types.values() {
        let _ = writeln!(out, "    {}", definition(named, name));
    }
    for (function_name, function) in functions.into_iter().flatten() {
        let _ = writeln!(out, "    %{function_name}: {};", signature(function));
    }
    out.push_str("  }\n");
}

fn signature(function: &Function) -> String {
    let result = function.result.as_ref().map(|ty| format!(" -> {}", reference(ty))).unwrap_or_default();
    format!("func({}){result}", fields(&function.params))
}

fn definition(named: &NamedType, inside: &ContractName) -> String {
    let name = &named.name;
    match &named.shape {
        Type::Record(items) => format!("record %{name} {{ {} }}", fields(items)),
        Type::Enum(cases) => format!("enum %{name} {{ {} }}", words(cases)),
        Type::Flags(flags) => format!("flags %{name} {{ {} }}", words(flags)),
        Type::Variant(cases) => {
            let cases = cases.iter().map(|case| match &case.ty {
                Some(ty) => format!("%{}({})", case.name, reference(ty)),
                None => format!("%{}", case.name),
            });
            format!("variant %{name} {{ {} }}", cases.collect::<Vec<_>>().join(", "))
        }
        Type::Named(target) if target.owner != *inside => {
            format!("use {}.{{%{} as %{name}}};", path(&target.owner, inside), target.name)
        }
        other => format!("type %{name} = {};", reference(other)),
    }
}

/// A package refers to its own interfaces by their plain names.
fn path(owner: &ContractName, inside: &ContractName) -> String {
    if owner.package_name() == inside.package_name() && owner.version == inside.version {
        format!("%{}", owner.interface)
    } else {
        let version = owner.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        format!("{}/%{}{version}", package_path(owner), owner.interface)
    }
}

/// `%namespace:%package`: either may be a keyword of WIT.
fn package_path(name: &ContractName) -> String {
    format!("%{}:%{}", name.namespace, name.package)
}

fn reference(ty: &Type) -> String {
    let optional = |ty: &Option<Box<Type>>| ty.as_ref().map(|ty| reference(ty));
    match ty {
        Type::Named(named) => format!("%{}", named.name),
        Type::List(element) => format!("list<{}>", reference(element)),
        Type::FixedList(element, count) => format!("list<{}, {count}>", reference(element)),
        Type::Map(key, value) => format!("map<{}, {}>", reference(key), reference(value)),
        Type::Option(inner) => format!("option<{}>", reference(inner)),
        Type::Tuple(items) => format!("tuple<{}>", items.iter().map(reference).collect::<Vec<_>>().join(", ")),
        Type::Result { ok, err } => match (optional(ok), optional(err)) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{ok}>"),
            (ok, Some(err)) => format!("result<{}, {err}>", ok.as_deref().unwrap_or("_")),
        },
        other => other.to_string(),
    }
}

fn fields(fields: &[Field]) -> String {
    let fields = fields.iter().map(|field| format!("%{}: {}", field.name, reference(&field.ty)));
    fields.collect::<Vec<_>>().join(", ")
}

fn words(names: &[String]) -> String {
    names.iter().map(|name| format!("%{name}")).collect::<Vec<_>>().join(", ")
}
