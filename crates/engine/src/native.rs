//! A contract implemented natively, behind the contract's own receiver: the machinery of actors turned round.
//!
//! The receiver turns a message into a typed call of the contract, which it imports; the host meets that import with
//! [`Functions`]. So whoever implements a contract in Rust writes functions over values, and no code for calls.

pub mod value;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use model::contract::{Contract, Function};
use model::failure::Failure;
use model::value::Value;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Val};

use crate::store::State;

/// The functions of a contract, as its implementer writes them.
pub trait Functions: Send + Sync + 'static {
    /// Calls `function` with values of its parameters' types. Gives a value of its result's type, none where it has
    /// none; or a failure, which the caller sees as that of a call.
    fn call<'a>(
        &'a self,
        function: &'a str,
        params: Vec<Value>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<Value>, Failure>>;
}

/// What meets a receiver's import of its contract.
#[derive(Clone)]
pub(crate) struct Native {
    pub(crate) contract: Arc<Contract>,
    pub(crate) functions: Arc<dyn Functions>,
}

/// The function ended in a failure, which the store holds.
#[derive(Debug, thiserror::Error)]
#[error("the function of the contract failed")]
struct Failed;

impl Native {
    /// Meets the import.
    pub(crate) fn define(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        let mut interface = linker.instance(&self.contract.name.to_string())?;
        for (name, signature) in &self.contract.functions {
            let function = Arc::new((name.clone(), signature.clone()));
            let functions = Arc::clone(&self.functions);
            interface.func_new_async(name, move |guest: StoreContextMut<'_, State>, _, params, results| {
                let (function, functions) = (Arc::clone(&function), Arc::clone(&functions));
                Box::new(async move { call(guest, &function.0, &function.1, &*functions, params, results).await })
            })?;
        }
        Ok(())
    }
}

async fn call(
    mut guest: StoreContextMut<'_, State>,
    name: &str,
    signature: &Function,
    functions: &dyn Functions,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let lifted = signature.params.iter().zip(params).map(|(param, val)| value::lift(&param.ty, val));
    let values = lifted.collect::<wasmtime::Result<Vec<_>>>()?;
    let deadline = guest.data().call.deadline();
    let answered = match functions.call(name, values, deadline).await {
        Ok(answered) => answered,
        Err(failure) => {
            guest.data_mut().failure = Some(failure);
            return Err(Failed.into());
        }
    };
    match (results, &signature.result, answered) {
        ([result], Some(ty), Some(answer)) => *result = value::lower(ty, &answer)?,
        ([], None, None) => {}
        _ => return Err(wasmtime::format_err!("`{name}` gave a result where it has none, or none where it has one")),
    }
    Ok(())
}
