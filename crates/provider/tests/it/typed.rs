//! Rust types that stand for a contract's records, variants, enums and flags.

use std::sync::Arc;

use adapter::codec::{decode, encode};
use model::contract::Type;
use provider::contracts;
use provider::service::{Backend, Service, Wire};

const WIT: &str = r"
package test:types@1.0.0;
interface shapes {
    record item { name: string, price-cents: u64, tags: list<string>, icon: list<u8> }
    variant rate { exempt, reduced(u32), of-item(item) }
    enum flaw { no-name, too-expensive }
    flags access { read, write-all }
    both: func(item: item, rate: rate, pair: tuple<flaw, access>) -> result<list<rate>, flaw>;
}
";

provider::record! {
    #[derive(Clone, Debug, PartialEq)]
    struct Item { name: String, price_cents: u64, tags: Vec<String>, icon: Vec<u8> }
}
provider::variant! {
    #[derive(Clone, Debug, PartialEq)]
    enum Rate { Exempt, Reduced(u32), OfItem(Item) }
}
provider::enumeration! {
    #[derive(Clone, Debug, PartialEq)]
    enum Flaw { NoName, TooExpensive }
}
provider::flags! {
    #[derive(Clone, Debug, PartialEq)]
    struct Access { read, write_all }
}
provider::enumeration! {
    #[derive(Clone, Debug, PartialEq)]
    enum OtherFlaw { NoName, TooCheap }
}

struct Nothing;
impl Backend for Nothing {}

fn item() -> Item {
    Item { name: "tea".to_owned(), price_cents: 250, tags: vec!["hot".to_owned(), String::new()], icon: vec![1, 2] }
}

#[track_caller]
fn round_trip<T: Wire + Clone + std::fmt::Debug + PartialEq>(ty: &Type, value: &T) {
    assert!(T::fits(ty), "{value:?} does not fit {ty}");
    let mut bytes = Vec::new();
    encode(ty, &value.clone().lower(), &mut bytes).unwrap();
    assert_eq!(T::lift(decode(ty, &bytes).unwrap()).as_ref(), Some(value));
}

#[test]
fn every_kind_goes_there_and_back() {
    let contract = contracts::from_wit(WIT, "shapes", &[]).unwrap();
    let both = &contract.functions["both"];
    let [item_type, rate, pair] = [0, 1, 2].map(|at| &both.params[at].ty);
    round_trip(item_type, &item());
    for value in [Rate::Exempt, Rate::Reduced(7), Rate::OfItem(item())] {
        round_trip(rate, &value);
    }
    for flaw in [Flaw::NoName, Flaw::TooExpensive] {
        for (read, write_all) in [(true, false), (false, true)] {
            round_trip(pair, &(flaw.clone(), Access { read, write_all }));
        }
    }
    type Answer = Result<Vec<Rate>, Flaw>;
    round_trip::<Answer>(both.result.as_ref().unwrap(), &Ok(vec![Rate::Exempt, Rate::OfItem(item())]));
    round_trip::<Answer>(both.result.as_ref().unwrap(), &Err(Flaw::TooExpensive));
}

#[test]
fn types_of_another_shape_are_refused_when_the_service_is_built() {
    let build = || Service::build(contracts::from_wit(WIT, "shapes", &[]).unwrap(), Arc::new(Nothing));
    type Pair = (Flaw, Access);
    type OtherPair = (OtherFlaw, Access);
    let fits = build().function("both", async |_, _: (Item, Rate, Pair), _| Ok(Ok::<_, Flaw>(vec![Rate::Exempt])));
    assert!(fits.finish().is_ok());
    let other =
        build().function("both", async |_, _: (Item, Rate, OtherPair), _| Ok(Ok::<_, Flaw>(vec![Rate::Exempt])));
    let refused = other.finish().err().unwrap().to_string();
    assert!(refused.contains("function `both` has other types"), "{refused}");
}
