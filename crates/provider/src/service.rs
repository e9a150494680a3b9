//! A contract served by Rust functions: parameters decoded and results encoded here, once, for every provider.
//!
//! ```
//! use std::sync::Arc;
//! use model::failure::{Failure, RpcError};
//! use provider::service::{Backend, Service};
//!
//! struct Zero;
//! impl Backend for Zero {}
//!
//! let service = Service::build(provider::contracts::counter()?, Arc::new(Zero))
//!     .function("increment", async |_: Arc<Zero>, (_key, value): (String, i32), _deadline| {
//!         Ok::<Result<i32, RpcError>, Failure>(Ok(value))
//!     })
//!     .finish()?;
//! # drop(service);
//! # Ok::<(), provider::ProviderError>(())
//! ```

#[doc(hidden)]
pub mod types;
mod wire;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use adapter::codec::Codec;
use adapter::value::Value;
use engine::native::Functions;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::contract::{Contract, ContractName, Function};
use model::failure::{Failure, RpcError};

pub use wire::{Params, Wire};

use crate::error::ProviderError;
use crate::{Call, Provider};

/// What a service's functions share.
pub trait Backend: Send + Sync + 'static {
    /// Takes no more calls, finishes those it has, and lets go of files and connections.
    fn drain(&self) -> BoxFuture<'_, ()> {
        futures_util::future::ready(()).boxed()
    }
}

/// A function with its types taken away: none where the values are not those of its parameters.
type Run<B> = Box<dyn Fn(Arc<B>, Vec<Value>, Instant) -> Option<Answer> + Send + Sync>;
type Answer = BoxFuture<'static, Result<Value, Failure>>;

/// A contract served by Rust functions.
pub struct Service<B> {
    contract: Arc<Contract>,
    backend: Arc<B>,
    functions: BTreeMap<String, Served<B>>,
}

struct Served<B> {
    signature: Function,
    run: Run<B>,
}

impl<B: Backend> Service<B> {
    /// Begins a service of `contract` whose functions share `backend`.
    pub fn build(contract: Arc<Contract>, backend: Arc<B>) -> Builder<B> {
        Builder { service: Self { contract, backend, functions: BTreeMap::new() }, difference: None }
    }

    /// What its functions share.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// The contract that it serves.
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// True where it answers callers that see `contract`.
    pub(crate) fn serves(&self, contract: &ContractName) -> bool {
        let offered = &self.contract.name;
        contract == offered || offered.serves(contract)
    }

    /// Answers a call whose parameters are admitted; others get the result that refuses them.
    pub(crate) async fn call_if(
        &self,
        call: Call<'_>,
        admit: impl FnOnce(&[Value]) -> Result<(), Value>,
    ) -> Result<Vec<u8>, Failure> {
        let served = self.find(call.contract, call.method)?;
        let codec = Codec(call.wire);
        let values = codec
            .decode_params(&served.signature, call.payload)
            .map_err(|error| Failure::not_started(RpcError::Deser(error.to_string())))?;
        let value = match admit(&values) {
            Ok(()) => {
                let answer = (served.run)(self.backend.clone(), values, call.deadline);
                answer.ok_or_else(|| mistyped(call.method))?.await?
            }
            Err(refused) => refused,
        };
        codec
            .encode_result(&served.signature, Some(&value))
            .map_err(|error| Failure::unknown(RpcError::Ser(error.to_string())))
    }

    fn find(&self, contract: &ContractName, method: &str) -> Result<&Served<B>, Failure> {
        let offered = &self.contract.name;
        if !self.serves(contract) {
            let text = format!("contract `{contract}` is not offered here, `{offered}` is: link to a provider of it");
            return Err(Failure::not_started(RpcError::InvalidParameter(text)));
        }
        self.functions.get(method).ok_or_else(|| {
            let text = format!("contract `{offered}` has no function `{method}`");
            Failure::not_started(RpcError::MethodNotHandled(text))
        })
    }
}

impl<B: Backend> Provider for Service<B> {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        self.call_if(call, |_| Ok(())).boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.backend.drain()
    }
}

/// The same functions behind the contract's receiver, in a process of their own ([`crate::process`]).
impl<B: Backend> Functions for Service<B> {
    fn call<'a>(
        &'a self,
        function: &'a str,
        params: Vec<Value>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<Value>, Failure>> {
        let started = self.find(&self.contract.name, function).and_then(|served| {
            let answer = (served.run)(self.backend.clone(), params, deadline);
            answer.ok_or_else(|| mistyped(function))
        });
        async move { started?.await.map(Some) }.boxed()
    }
}

fn mistyped(method: &str) -> Failure {
    Failure::not_started(RpcError::Deser(format!("the parameters of `{method}` have other types")))
}

/// A service whose functions are being stated.
pub struct Builder<B> {
    service: Service<B>,
    difference: Option<String>,
}

impl<B: Backend> Builder<B> {
    /// States the Rust function behind a function of the contract. It gets the backend, the parameters as a tuple
    /// and the caller's deadline; its result is the contract's.
    #[must_use]
    pub fn function<P, R, F, A>(mut self, name: &str, function: F) -> Self
    where
        P: Params,
        R: Wire,
        F: Fn(Arc<B>, P, Instant) -> A + Send + Sync + 'static,
        A: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let Some(signature) = self.service.contract.functions.get(name).cloned() else {
            self.difference.get_or_insert_with(|| format!("it has no function `{name}`"));
            return self;
        };
        if !P::fits(&signature.params) || !signature.result.as_ref().is_some_and(R::fits) {
            self.difference.get_or_insert_with(|| format!("function `{name}` has other types"));
        }
        let run: Run<B> = Box::new(move |backend, values, deadline| {
            let answer = function(backend, P::lift(values)?, deadline);
            Some(answer.map(|result| result.map(Wire::lower)).boxed())
        });
        self.service.functions.insert(name.to_owned(), Served { signature, run });
        self
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// Where the functions stated are not those of the contract, in name or type.
    pub fn finish(self) -> Result<Service<B>, ProviderError> {
        let stated = &self.service.functions;
        let missing = self.service.contract.functions.keys().find(|name| !stated.contains_key(*name));
        let missing = missing.map(|name| format!("function `{name}` is not implemented"));
        match self.difference.or(missing) {
            Some(difference) => {
                let contract = self.service.contract.name.to_string();
                Err(ProviderError::Implementation { contract, difference })
            }
            None => Ok(self.service),
        }
    }
}
