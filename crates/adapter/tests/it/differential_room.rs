//! The failure-room rule of the design (section 4), written a second time, over a contract's plain types.

use adapter::emit::RPC_WIT;
use adapter::source::{Source, WitFile};
use adapter::value::Value;
use model::contract::{Function, Type};
use model::failure::RpcError;
use testkit::adapters::Bench;

use crate::differential_case::{ERRORS, Subject, rpc_error};

const CASES: [&str; 8] = ["rpc", "transport", "unavailable", "internal", "internal-error", "upstream", "io", "other"];

/// What the caller of a function gets when the call fails; none where the contract has no room for it.
pub(crate) fn expected(function: &Function, error: &RpcError) -> Option<Value> {
    let Type::Result { err: Some(ty), .. } = function.result.as_ref()?.shape() else { return None };
    let text = Value::String(error.to_string());
    let value = match ty.shape() {
        Type::String => text,
        Type::Variant(cases) if is_platform(ty) => {
            let (name, text) = error.parts();
            let index = cases.iter().position(|case| case.name == name)?;
            Value::variant(index.try_into().ok()?, text.map(|text| Value::String(text.to_owned())))
        }
        Type::Variant(cases) => CASES.iter().find_map(|name| {
            let index = cases.iter().position(|case| case.name == *name)?;
            let payload = match cases[index].ty.as_ref()?.shape() {
                Type::String => text.clone(),
                Type::Option(inner) if *inner.shape() == Type::String => Value::some(text.clone()),
                _ => return None,
            };
            Some(Value::variant(index.try_into().ok()?, Some(payload)))
        })?,
        _ => return None,
    };
    Some(Value::err(Some(value)))
}

/// Whether a type is an alias of the platform's `rpc-error`.
fn is_platform(ty: &Type) -> bool {
    let Type::Named(named) = ty else { return false };
    named.owner.to_string() == "lath:rpc/types@1.0.0" && named.name == "rpc-error" || is_platform(&named.shape)
}

/// Functions with every kind of room for failure, and with none.
const ROOMS: &str = "package t:t;
interface c {
  use lath:rpc/types@1.0.0.{rpc-error as failed};
  type text = string;
  type again = failed;
  variant first { missing, other(string), transport(string), rpc(string) }
  variant second { rpc(u32), transport(option<text>), unavailable(text) }
  variant third { internal, internal-error, upstream(list<string>), io(option<string>) }
  variant none { rpc, transport(u8), denied(string) }
  variant big { a(u64), other(string) }
  platform: func() -> result<u32, failed>;
  alias: func() -> result<_, again>;
  message: func() -> result<tuple<u64, u64>, string>;
  renamed: func() -> result<list<u8>, text>;
  later-case: func() -> result<_, first>;
  optional-case: func() -> result<string, second>;
  last-case: func() -> result<u8, third>;
  wide-case: func() -> result<f32, big>;
  wrong-case: func() -> result<u8, none>;
  no-error: func() -> result<u8>;
  other-type: func() -> result<u8, u8>;
  no-result: func();
  plain: func() -> string;
}";

#[test]
fn every_error_finds_the_room_that_its_function_has() {
    let file = |text: &str| WitFile { path: "some.wit".to_owned(), text: text.to_owned() };
    let source = Source::from_wit("rooms", &[file(ROOMS)], &[vec![file(RPC_WIT)]]).unwrap();
    let contract = source.contract("c").unwrap();
    let mut subject = Subject::new(&Bench::new().unwrap(), &contract).unwrap();
    for (name, function) in &contract.functions {
        for index in 0..ERRORS.len() {
            let error = rpc_error(index);
            subject.failing(name, &[], &[], &error).unwrap_or_else(|failed| panic!("{name}, {error}: {failed:#}"));
        }
        let roomless = ["wrong-case", "no-error", "other-type", "no-result", "plain"].contains(&name.as_str());
        assert_eq!(expected(function, &rpc_error(0)).is_none(), roomless, "{name}");
    }
}
