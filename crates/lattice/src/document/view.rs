//! How the view of a component is written.
//!
//! Types stand in one table of the view, each after those that it is made of, each once: a type that is named many times
//! costs no more than one that is named once, and nothing is nested.

mod types;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::contract::{Contract, ContractName, Field, Function};
use model::digest::Digest;
use model::view::{ComponentView, Construct, Port, Refusal, Shape};
use serde::{Deserialize, Serialize};

use super::wire::Text;
use types::{Builder, Table, TypeWire};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ViewWire {
    digest: Text<Digest>,
    memories: u32,
    types: Vec<TypeWire>,
    imports: Vec<PortWire>,
    exports: Vec<PortWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PortWire {
    label: String,
    contract: Option<Text<ContractName>>,
    shape: ShapeWire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ShapeWire {
    Contract {
        name: Text<ContractName>,
        functions: BTreeMap<String, FunctionWire>,
    },
    Types,
    Refused {
        function: String,
        construct: ConstructWire,
        r#type: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        functions: Vec<String>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FunctionWire {
    /// Names, and places in the table of types.
    params: Vec<(String, u32)>,
    result: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ConstructWire {
    Resource,
    Async,
    Stream,
    Future,
    ErrorContext,
}

impl ViewWire {
    pub(super) fn of(view: &ComponentView) -> Self {
        let ComponentView { digest, imports, exports, memories } = view;
        let mut types = Builder::default();
        let mut ports = |ports: &[Port]| ports.iter().map(|port| port_to_wire(port, &mut types)).collect();
        let (imports, exports) = (ports(imports), ports(exports));
        Self { digest: Text(*digest), memories: *memories, types: types.into_table(), imports, exports }
    }
}

fn port_to_wire(port: &Port, types: &mut Builder) -> PortWire {
    let shape = match &port.shape {
        Shape::Contract(contract) => {
            let functions = contract.functions.iter();
            let functions = functions.map(|(name, function)| (name.clone(), function_to_wire(function, types)));
            ShapeWire::Contract { name: Text(contract.name.clone()), functions: functions.collect() }
        }
        Shape::Types => ShapeWire::Types,
        Shape::Refused(Refusal { function, construct, ty, functions }) => ShapeWire::Refused {
            function: function.clone(),
            construct: ConstructWire::of(*construct),
            r#type: ty.clone(),
            functions: functions.clone(),
        },
    };
    PortWire { label: port.label.clone(), contract: port.contract.clone().map(Text), shape }
}

fn function_to_wire(function: &Function, types: &mut Builder) -> FunctionWire {
    let params = function.params.iter().map(|field| (field.name.clone(), types.place(&field.ty))).collect();
    FunctionWire { params, result: function.result.as_ref().map(|ty| types.place(ty)) }
}

/// Reads a view. An error says where in it, and why.
pub(super) fn read_view(wire: ViewWire) -> Result<ComponentView, (String, String)> {
    let ViewWire { digest, memories, types, imports, exports } = wire;
    let table = Table::read(types).map_err(|(place, reason)| (format!("types[{place}]"), reason))?;
    let ports = |what: &str, ports: Vec<PortWire>| {
        let port = |(place, port)| read_port(port, &table).map_err(|reason| (format!("{what}[{place}]"), reason));
        ports.into_iter().enumerate().map(port).collect::<Result<Vec<_>, _>>()
    };
    let (imports, exports) = (ports("imports", imports)?, ports("exports", exports)?);
    Ok(ComponentView { digest: digest.0, imports, exports, memories })
}

fn read_port(wire: PortWire, table: &Table) -> Result<Port, String> {
    let shape = match wire.shape {
        ShapeWire::Contract { name, functions } => {
            let function = |(name, function)| Ok::<_, String>((name, read_function(function, table)?));
            let functions = functions.into_iter().map(function).collect::<Result<_, _>>()?;
            Shape::Contract(Arc::new(Contract { name: name.0, functions }))
        }
        ShapeWire::Types => Shape::Types,
        ShapeWire::Refused { function, construct, r#type, functions } => {
            Shape::Refused(Refusal { function, construct: construct.into_construct(), ty: r#type, functions })
        }
    };
    Ok(Port { label: wire.label, contract: wire.contract.map(|name| name.0), shape })
}

fn read_function(wire: FunctionWire, table: &Table) -> Result<Function, String> {
    let field = |(name, place)| Ok::<_, String>(Field { name, ty: table.at(place)? });
    let params = wire.params.into_iter().map(field).collect::<Result<_, _>>()?;
    Ok(Function { params, result: wire.result.map(|place| table.at(place)).transpose()? })
}

impl ConstructWire {
    fn of(construct: Construct) -> Self {
        match construct {
            Construct::Resource => Self::Resource,
            Construct::Async => Self::Async,
            Construct::Stream => Self::Stream,
            Construct::Future => Self::Future,
            Construct::ErrorContext => Self::ErrorContext,
        }
    }

    fn into_construct(self) -> Construct {
        match self {
            Self::Resource => Construct::Resource,
            Self::Async => Construct::Async,
            Self::Stream => Construct::Stream,
            Self::Future => Construct::Future,
            Self::ErrorContext => Construct::ErrorContext,
        }
    }
}
