//! From a resolved WIT interface to a [`Contract`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::contract::{Case, Contract, ContractName, Field, Function, NamedType, Type};
use model::view::{Construct, Refusal};
use wit_parser::{FunctionKind, InterfaceId, Resolve, TypeDefKind, TypeId, TypeOwner};

/// The full name of an interface; none for an inline one.
pub(crate) fn interface_name(resolve: &Resolve, id: InterfaceId) -> Option<ContractName> {
    let interface = resolve.interfaces.get(id)?;
    let package = &resolve.packages.get(interface.package?)?.name;
    Some(ContractName {
        namespace: package.namespace.clone(),
        package: package.name.clone(),
        interface: interface.name.clone()?,
        version: package.version.clone(),
    })
}

/// What a type uses that messages cannot carry.
struct Uncovered {
    construct: Construct,
    ty: String,
}

/// Reads contracts out of one [`Resolve`].
pub(crate) struct Extractor<'a> {
    resolve: &'a Resolve,
    named: HashMap<TypeId, Arc<NamedType>>,
    /// The name given to the interface being read: an inline interface has none of its own.
    current: Option<(InterfaceId, ContractName)>,
}

impl<'a> Extractor<'a> {
    pub(crate) fn new(resolve: &'a Resolve) -> Self {
        Self { resolve, named: HashMap::new(), current: None }
    }

    /// The contract that interface `id` means, under `name`.
    pub(crate) fn contract(&mut self, id: InterfaceId, name: ContractName) -> Result<Contract, Refusal> {
        self.current = Some((id, name.clone()));
        let mut contract = Contract { name, functions: BTreeMap::new() };
        let Some(interface) = self.resolve.interfaces.get(id) else { return Ok(contract) };
        for (name, function) in &interface.functions {
            let read = self
                .function(function)
                .map_err(|refusal| Refusal { functions: interface.functions.keys().cloned().collect(), ..refusal });
            contract.functions.insert(name.clone(), read?);
        }
        Ok(contract)
    }

    fn function(&mut self, function: &wit_parser::Function) -> Result<Function, Refusal> {
        let refusal = |uncovered: Uncovered| Refusal {
            function: function.name.clone(),
            construct: uncovered.construct,
            ty: uncovered.ty,
            functions: Vec::new(),
        };
        if let Some(construct) = uncovered_kind(&function.kind) {
            return Err(refusal(Uncovered { construct, ty: function.name.clone() }));
        }
        let params = function
            .params
            .iter()
            .map(|param| Ok(Field { name: param.name.clone(), ty: self.ty(&param.ty).map_err(&refusal)? }))
            .collect::<Result<Vec<_>, Refusal>>()?;
        let result = function.result.as_ref().map(|ty| self.ty(ty)).transpose().map_err(refusal)?;
        Ok(Function { params, result })
    }

    fn ty(&mut self, ty: &wit_parser::Type) -> Result<Type, Uncovered> {
        Ok(match ty {
            wit_parser::Type::Bool => Type::Bool,
            wit_parser::Type::U8 => Type::U8,
            wit_parser::Type::U16 => Type::U16,
            wit_parser::Type::U32 => Type::U32,
            wit_parser::Type::U64 => Type::U64,
            wit_parser::Type::S8 => Type::S8,
            wit_parser::Type::S16 => Type::S16,
            wit_parser::Type::S32 => Type::S32,
            wit_parser::Type::S64 => Type::S64,
            wit_parser::Type::F32 => Type::F32,
            wit_parser::Type::F64 => Type::F64,
            wit_parser::Type::Char => Type::Char,
            wit_parser::Type::String => Type::String,
            wit_parser::Type::ErrorContext => return Err(uncovered(Construct::ErrorContext, "error-context")),
            wit_parser::Type::Id(id) => self.defined(*id)?,
        })
    }

    fn defined(&mut self, id: TypeId) -> Result<Type, Uncovered> {
        if let Some(named) = self.named.get(&id) {
            return Ok(Type::Named(named.clone()));
        }
        let Some(def) = self.resolve.types.get(id) else { return Err(uncovered(Construct::Resource, "unknown")) };
        let shape = self.shape(&def.kind, def.name.as_deref())?;
        let (Some(name), TypeOwner::Interface(owner)) = (&def.name, def.owner) else { return Ok(shape) };
        let owner = match &self.current {
            Some((current, name)) if *current == owner => Some(name.clone()),
            _ => interface_name(self.resolve, owner),
        };
        let Some(owner) = owner else { return Ok(shape) };
        let named = Arc::new(NamedType { owner, name: name.clone(), shape });
        self.named.insert(id, named.clone());
        Ok(Type::Named(named))
    }

    fn shape(&mut self, kind: &TypeDefKind, name: Option<&str>) -> Result<Type, Uncovered> {
        Ok(match kind {
            TypeDefKind::Record(record) => Type::Record(
                record
                    .fields
                    .iter()
                    .map(|field| Ok(Field { name: field.name.clone(), ty: self.ty(&field.ty)? }))
                    .collect::<Result<_, Uncovered>>()?,
            ),
            TypeDefKind::Variant(variant) => Type::Variant(
                variant
                    .cases
                    .iter()
                    .map(|case| Ok(Case { name: case.name.clone(), ty: self.optional(case.ty.as_ref())? }))
                    .collect::<Result<_, Uncovered>>()?,
            ),
            TypeDefKind::Enum(cases) => Type::Enum(cases.cases.iter().map(|case| case.name.clone()).collect()),
            TypeDefKind::Flags(flags) => Type::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect()),
            TypeDefKind::Tuple(tuple) => {
                Type::Tuple(tuple.types.iter().map(|ty| self.ty(ty)).collect::<Result<_, _>>()?)
            }
            TypeDefKind::Option(inner) => Type::Option(Box::new(self.ty(inner)?)),
            TypeDefKind::Result(result) => Type::Result {
                ok: self.optional(result.ok.as_ref())?.map(Box::new),
                err: self.optional(result.err.as_ref())?.map(Box::new),
            },
            TypeDefKind::List(element) => Type::List(Box::new(self.ty(element)?)),
            TypeDefKind::Map(key, value) => Type::Map(Box::new(self.ty(key)?), Box::new(self.ty(value)?)),
            TypeDefKind::FixedLengthList(element, count) => Type::FixedList(Box::new(self.ty(element)?), *count),
            TypeDefKind::Type(target) => self.ty(target)?,
            TypeDefKind::Resource | TypeDefKind::Unknown => {
                return Err(uncovered(Construct::Resource, name.unwrap_or("resource")));
            }
            TypeDefKind::Handle(handle) => return Err(self.handle(handle)),
            TypeDefKind::Future(_) => return Err(uncovered(Construct::Future, "future")),
            TypeDefKind::Stream(_) => return Err(uncovered(Construct::Stream, "stream")),
        })
    }

    fn optional(&mut self, ty: Option<&wit_parser::Type>) -> Result<Option<Type>, Uncovered> {
        ty.map(|ty| self.ty(ty)).transpose()
    }

    fn handle(&self, handle: &wit_parser::Handle) -> Uncovered {
        let (kind, id) = match handle {
            wit_parser::Handle::Own(id) => ("own", id),
            wit_parser::Handle::Borrow(id) => ("borrow", id),
        };
        let name = self.resolve.types.get(*id).and_then(|def| def.name.as_deref()).unwrap_or("resource");
        Uncovered { construct: Construct::Resource, ty: format!("{kind}<{name}>") }
    }
}

fn uncovered(construct: Construct, ty: &str) -> Uncovered {
    Uncovered { construct, ty: ty.to_owned() }
}

fn uncovered_kind(kind: &FunctionKind) -> Option<Construct> {
    match kind {
        FunctionKind::Freestanding | FunctionKind::Getter | FunctionKind::Setter => None,
        FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) | FunctionKind::AsyncStatic(_) => {
            Some(Construct::Async)
        }
        _ => Some(Construct::Resource),
    }
}
