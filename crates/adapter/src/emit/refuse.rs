//! What no message can carry yet. This is the door that later versions open.

use std::collections::HashSet;

use wit_parser::{FlagsRepr, Function, FunctionKind, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId};

use super::error::EmitError;
use super::failure::{kind_of, name_of};

const RESOURCES: &str = "resources";
const STREAMS: &str = "streams";
const FUTURES: &str = "futures";
const ASYNC: &str = "async functions";
const ACCESSORS: &str = "accessor functions";
const ERROR_CONTEXTS: &str = "error contexts";
const UNKNOWN: &str = "unresolved types";
const FLAGS: &str = "flags of no or more than 32 names";

/// Refuses a contract that no adapter can serve; gives its full name.
pub(super) fn check(resolve: &Resolve, contract: InterfaceId) -> Result<String, EmitError> {
    let name = name_of(resolve, contract).ok_or(EmitError::Unnamed)?;
    let interface = resolve.interfaces.get(contract).ok_or(EmitError::Unnamed)?;
    if interface.functions.is_empty() {
        return Err(EmitError::NoFunctions { contract: name });
    }
    let mut check = Check { resolve, good: HashSet::new() };
    for function in interface.functions.values() {
        let place = format!("function `{}`", function.name);
        check.function(function).map_err(|refused| refused.error(&name, &place))?;
    }
    for (type_name, id) in &interface.types {
        let place = format!("type `{type_name}`");
        check.ty(Type::Id(*id)).map_err(|refused| refused.error(&name, &place))?;
    }
    Ok(name)
}

/// A type that cannot be carried, and why.
struct Refused {
    ty: String,
    feature: &'static str,
}

impl Refused {
    fn error(self, contract: &str, place: &str) -> EmitError {
        EmitError::NotCovered {
            contract: contract.to_owned(),
            place: place.to_owned(),
            ty: self.ty,
            feature: self.feature,
        }
    }
}

fn refuse(ty: impl Into<String>, feature: &'static str) -> Result<(), Refused> {
    Err(Refused { ty: ty.into(), feature })
}

/// Walks types, each definition once.
struct Check<'a> {
    resolve: &'a Resolve,
    good: HashSet<TypeId>,
}

impl Check<'_> {
    fn function(&mut self, function: &Function) -> Result<(), Refused> {
        match function.kind {
            FunctionKind::Freestanding => {}
            FunctionKind::AsyncFreestanding => return refuse("async func", ASYNC),
            FunctionKind::Method(id)
            | FunctionKind::Static(id)
            | FunctionKind::Constructor(id)
            | FunctionKind::AsyncMethod(id)
            | FunctionKind::AsyncStatic(id) => return refuse(definition_name(self.resolve, id), RESOURCES),
            _ => return refuse("get or set", ACCESSORS),
        }
        let params = function.params.iter().map(|param| param.ty);
        params.chain(function.result).try_for_each(|ty| self.ty(ty))
    }

    fn ty(&mut self, ty: Type) -> Result<(), Refused> {
        match ty {
            Type::Id(id) => self.definition(id),
            Type::ErrorContext => refuse("error-context", ERROR_CONTEXTS),
            _ => Ok(()),
        }
    }

    fn definition(&mut self, id: TypeId) -> Result<(), Refused> {
        // Types are shared among types: without this, time could double with each level.
        if !self.good.insert(id) {
            return Ok(());
        }
        let Some(kind) = kind_of(self.resolve, id) else {
            return refuse("unknown", UNKNOWN);
        };
        match kind {
            TypeDefKind::Type(inner)
            | TypeDefKind::List(inner)
            | TypeDefKind::Option(inner)
            | TypeDefKind::FixedLengthList(inner, _) => self.ty(*inner),
            TypeDefKind::Map(key, value) => self.all([*key, *value].into_iter()),
            TypeDefKind::Record(record) => self.all(record.fields.iter().map(|f| f.ty)),
            TypeDefKind::Tuple(tuple) => self.all(tuple.types.iter().copied()),
            TypeDefKind::Variant(variant) => self.all(variant.cases.iter().filter_map(|c| c.ty)),
            TypeDefKind::Result(result) => self.all([result.ok, result.err].into_iter().flatten()),
            TypeDefKind::Enum(_) => Ok(()),
            TypeDefKind::Flags(flags) => match flags.repr() {
                FlagsRepr::U8 | FlagsRepr::U16 | FlagsRepr::U32(1) => Ok(()),
                FlagsRepr::U32(_) => refuse(definition_name(self.resolve, id), FLAGS),
            },
            TypeDefKind::Resource => refuse(definition_name(self.resolve, id), RESOURCES),
            TypeDefKind::Handle(Handle::Own(of)) => refuse(definition_name(self.resolve, *of), RESOURCES),
            TypeDefKind::Handle(Handle::Borrow(of)) => {
                refuse(format!("borrow<{}>", definition_name(self.resolve, *of)), RESOURCES)
            }
            TypeDefKind::Stream(item) => refuse(generic(self.resolve, "stream", *item), STREAMS),
            TypeDefKind::Future(item) => refuse(generic(self.resolve, "future", *item), FUTURES),
            TypeDefKind::Unknown => refuse("unknown", UNKNOWN),
        }
    }

    fn all(&mut self, mut types: impl Iterator<Item = Type>) -> Result<(), Refused> {
        types.try_for_each(|ty| self.ty(ty))
    }
}

fn definition_name(resolve: &Resolve, id: TypeId) -> String {
    resolve.types.get(id).map(|ty| ty.name.clone().unwrap_or_else(|| ty.kind.as_str().to_owned())).unwrap_or_default()
}

/// `stream<u8>`, as WIT.
fn generic(resolve: &Resolve, word: &str, item: Option<Type>) -> String {
    match item {
        None => word.to_owned(),
        Some(Type::Id(id)) => format!("{word}<{}>", definition_name(resolve, id)),
        Some(primitive) => format!("{word}<{}>", format!("{primitive:?}").to_lowercase()),
    }
}
