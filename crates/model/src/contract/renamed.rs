//! A contract under another name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Case, Contract, ContractName, Field, Function, NamedType, Type};

impl Contract {
    /// The same contract as `name`, its own types included: what an inline interface becomes once a link states its
    /// contract.
    pub fn renamed(&self, name: &ContractName) -> Contract {
        let names = Names { old: &self.name, new: name };
        Contract {
            name: name.clone(),
            functions: self
                .functions
                .iter()
                .map(|(key, function)| (key.clone(), names.function(function)))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

struct Names<'a> {
    old: &'a ContractName,
    new: &'a ContractName,
}

impl Names<'_> {
    fn function(&self, function: &Function) -> Function {
        Function { params: self.fields(&function.params), result: function.result.as_ref().map(|ty| self.ty(ty)) }
    }

    fn fields(&self, fields: &[Field]) -> Vec<Field> {
        fields.iter().map(|field| Field { name: field.name.clone(), ty: self.ty(&field.ty) }).collect()
    }

    fn named(&self, named: &NamedType) -> Arc<NamedType> {
        let owner = if named.owner == *self.old { self.new } else { &named.owner };
        Arc::new(NamedType { owner: owner.clone(), name: named.name.clone(), shape: self.ty(&named.shape) })
    }

    fn boxed(&self, ty: &Type) -> Box<Type> {
        Box::new(self.ty(ty))
    }

    fn ty(&self, ty: &Type) -> Type {
        let optional = |ty: &Option<Box<Type>>| ty.as_ref().map(|ty| self.boxed(ty));
        let case = |case: &Case| Case { name: case.name.clone(), ty: case.ty.as_ref().map(|ty| self.ty(ty)) };
        match ty {
            Type::List(element) => Type::List(self.boxed(element)),
            Type::FixedList(element, count) => Type::FixedList(self.boxed(element), *count),
            Type::Map(key, value) => Type::Map(self.boxed(key), self.boxed(value)),
            Type::Tuple(items) => Type::Tuple(items.iter().map(|item| self.ty(item)).collect()),
            Type::Option(inner) => Type::Option(self.boxed(inner)),
            Type::Result { ok, err } => Type::Result { ok: optional(ok), err: optional(err) },
            Type::Record(fields) => Type::Record(self.fields(fields)),
            Type::Variant(cases) => Type::Variant(cases.iter().map(case).collect()),
            Type::Named(named) => Type::Named(self.named(named)),
            plain => plain.clone(),
        }
    }
}
