//! The generator of adapters as a component: what `lath:generator` asks for, by the crate `adapter`.

wit_bindgen::generate!({ path: "../../wit/lath-generator", world: "component" });

use adapter::emit::Side;
use adapter::generator;
use exports::lath::generator::generator::{Contract, Error, GeneratorInfo, Guest, Refusal};

struct Generator;
export!(Generator);

impl Guest for Generator {
    fn info() -> GeneratorInfo {
        let generator::Info { name, version, wires } = generator::info();
        GeneratorInfo { name, version, wires }
    }

    fn sender(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        adapter(&contract, Side::Sender, wire)
    }

    fn receiver(contract: Contract, wire: u32) -> Result<Vec<u8>, Error> {
        adapter(&contract, Side::Receiver, wire)
    }
}

fn adapter(contract: &Contract, side: Side, wire: u32) -> Result<Vec<u8>, Error> {
    generator::adapter(&contract.name, &contract.wit, side, wire).map_err(|error| match error {
        generator::Error::Contract(reason) => Error::Contract(reason),
        generator::Error::Refused { place, ty, reason } => Error::Refused(Refusal { place, type_: ty, reason }),
        generator::Error::Wire(wire) => Error::Wire(wire),
        generator::Error::Other(reason) => Error::Other(reason),
    })
}
