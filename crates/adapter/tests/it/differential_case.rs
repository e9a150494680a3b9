//! One contract's adapters and the codec, side by side.

use adapter::codec::Codec;
use adapter::value::Value;
use anyhow::{Result, ensure};
use model::contract::Contract;
use model::failure::RpcError;
use proptest::test_runner::TestRunner;
use testkit::adapters::{Bench, Called, Outcome, Receiver, Reply, Sender, Sent};
use testkit::{values, wit};

use crate::differential_long::long;
use crate::differential_room::expected;

/// Errors that a bus may answer with: every case, with texts of several kinds.
pub(crate) const ERRORS: [(&str, &str); 14] = [
    ("deadline-exceeded", "800 ms"),
    ("not-initialized", ""),
    ("method-not-handled", "f0"),
    ("not-implemented", ""),
    ("host-error", ""),
    ("deser", "f0: invalid UTF-8 at byte 12"),
    ("ser", "\u{1f980} \u{0}"),
    ("rpc", "a"),
    ("transport", "no ready target for `cart`"),
    ("invalid-parameter", "denied"),
    ("actor-handler", "wasm trap: unreachable"),
    ("provider-init", "fjörd"),
    ("timeout", "5 s"),
    ("other", "anything"),
];

/// One call in this many has long values.
const LONG_EACH: usize = 5;

pub(crate) fn rpc_error(index: usize) -> RpcError {
    let (case, text) = ERRORS[index % ERRORS.len()];
    RpcError::from_parts(case, text).unwrap()
}

/// A contract with instances of its sender and its receiver.
pub(crate) struct Subject<'a> {
    contract: &'a Contract,
    codec: Codec,
    sender: Sender,
    receiver: Receiver,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(bench: &Bench, contract: &'a Contract) -> Result<Self> {
        Ok(Self {
            contract,
            codec: Codec(bench.wire()),
            sender: bench.sender(contract)?,
            receiver: bench.receiver(contract)?,
        })
    }

    /// One call with generated values through both adapters, and one that the bus fails with error `index`.
    pub(crate) fn call(&mut self, name: &str, index: usize, runner: &mut TestRunner) -> Result<()> {
        let function = &self.contract.functions[name];
        let mut params = wit::drawn(&values::params(function), runner);
        let mut result = wit::drawn(&values::result(function), runner);
        if index.is_multiple_of(LONG_EACH) {
            params = function.params.iter().zip(params).map(|(param, value)| long(&param.ty, value)).collect();
            result = function.result.as_ref().zip(result).map(|(ty, value)| long(ty, value));
        }
        let codec = self.codec;
        let payload = codec.encode_params(function, &params)?;
        let reply = codec.encode_result(function, result.as_ref())?;
        ensure!(codec.decode_params(function, &payload)? == params, "the codec does not give back {params:?}");
        ensure!(codec.decode_result(function, &reply)? == result, "the codec does not give back {result:?}");
        self.through_sender(name, &params, &payload, (Ok(reply.clone()), Outcome::Returned(result.clone())))?;
        self.through_receiver(name, &payload, (&params, result.as_ref()), &reply)?;
        self.failing(name, &params, &payload, &rpc_error(index))
    }

    /// The sender sends the codec's bytes, and gives back what the reply means.
    fn through_sender(
        &mut self,
        name: &str,
        params: &[Value],
        payload: &[u8],
        (reply, expected): (Reply, Outcome<Option<Value>>),
    ) -> Result<()> {
        let (sent, outcome) = self.sender.call(name, params, &reply)?;
        let message = Sent {
            method: name.to_owned(),
            payload: payload.to_vec(),
            contract: self.contract.name.to_string(),
            link: None,
        };
        ensure!(sent == [message.clone()], "sent {sent:?}\nnot {message:?}\nfor {params:?}");
        ensure!(outcome == expected, "the sender gave {outcome:?}\nnot {expected:?}\nfor the reply {reply:?}");
        Ok(())
    }

    /// The receiver calls the contract with what the codec's bytes mean, and replies with the codec's bytes.
    fn through_receiver(
        &mut self,
        name: &str,
        payload: &[u8],
        (params, result): (&[Value], Option<&Value>),
        reply: &[u8],
    ) -> Result<()> {
        let (called, outcome) = self.receiver.receive(name, payload, result)?;
        let call = Called { function: name.to_owned(), params: params.to_vec() };
        ensure!(called == [call.clone()], "called {called:?}\nnot {call:?}\nfor {payload:?}");
        let expected = Outcome::Returned(Ok(reply.to_vec()));
        ensure!(outcome == expected, "the receiver replied {outcome:?}\nnot {expected:?}\nfor {result:?}");
        Ok(())
    }

    /// A failure on the bus arrives in the function's own result, or as a trap.
    pub(crate) fn failing(&mut self, name: &str, params: &[Value], payload: &[u8], error: &RpcError) -> Result<()> {
        let expected = match expected(&self.contract.functions[name], error) {
            Some(value) => Outcome::Returned(Some(value)),
            None => Outcome::Trapped,
        };
        self.through_sender(name, params, payload, (Err(error.clone()), expected))
    }

    /// A method that the contract does not have reaches nobody.
    pub(crate) fn unknown_method(&mut self) -> Result<()> {
        let known = |method: &str| self.contract.functions.contains_key(method);
        let longer = self.contract.functions.keys().map(|name| format!("{name}x"));
        let shorter = self.contract.functions.keys().filter_map(|name| name.get(1..).map(str::to_owned));
        let unknown: Vec<_> = longer.chain(shorter).filter(|method| !known(method)).collect();
        for method in unknown {
            let (called, outcome) = self.receiver.receive(&method, &[], None)?;
            let expected = Outcome::Returned(Err(RpcError::MethodNotHandled(method.clone())));
            ensure!(called.is_empty(), "called {called:?} for the unknown method `{method}`");
            ensure!(outcome == expected, "replied {outcome:?} for the unknown method `{method}`");
        }
        Ok(())
    }
}
