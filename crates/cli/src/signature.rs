//! Functions as WIT writes them.

use model::contract::Function;

/// `func(key: string, value: s32) -> result<s32, rpc-error>`.
pub(crate) fn signature(function: &Function) -> String {
    let params: Vec<_> = function.params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
    let result = function.result.as_ref().map(|ty| format!(" -> {ty}")).unwrap_or_default();
    format!("func({}){result}", params.join(", "))
}
