//! The types of `lath:wasmbus` and `lath:rpc` as wasmtime lifts and lowers them.

use model::failure::RpcError;
use wasmtime::component::types::{ComponentInstance, ComponentItem, Type};
use wasmtime::component::{ComponentType, Lift, Lower};

/// `message`, lowered from borrowed parts.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a str,
    pub(crate) arg: &'a [u8],
}

/// `message`, lifted.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) arg: Vec<u8>,
}

/// The parameters of `receive`.
pub(crate) type ReceiveParams<'a> = (Incoming<'a>,);

/// The parameters of `send`.
pub(crate) type SendParams = (Message, String, Option<String>);

/// The result of both.
pub(crate) type Reply = (Result<Vec<u8>, WireError>,);

/// Whether an instance exports `receive` as [`ReceiveParams`] and [`Reply`] have it. wasmtime itself can tell only once
/// there is an instance.
pub(crate) fn is_receiver(instance: &ComponentInstance, engine: &wasmtime::Engine) -> bool {
    let Some(ComponentItem::ComponentFunc(receive)) = instance.get_export(engine, "receive").map(|export| export.ty)
    else {
        return false;
    };
    let (params, results): (Vec<_>, Vec<_>) =
        (receive.params().map(|(_, ty)| ty).collect(), receive.results().collect());
    matches!((&*params, &*results), ([message], [reply]) if is_message(message) && is_reply(reply))
}

fn is_message(ty: &Type) -> bool {
    let Type::Record(message) = ty else { return false };
    let fields: Vec<_> = message.fields().collect();
    matches!(&*fields, [method, arg]
        if (method.name, arg.name) == ("method", "arg") && method.ty == Type::String && is_bytes(&arg.ty))
}

fn is_reply(ty: &Type) -> bool {
    let Type::Result(reply) = ty else { return false };
    reply.ok().is_some_and(|ok| is_bytes(&ok)) && reply.err().is_some_and(|err| is_error(&err))
}

fn is_error(ty: &Type) -> bool {
    let Type::Variant(error) = ty else { return false };
    error.cases().map(|case| (case.name, case.ty)).eq(RpcError::CASES.map(|make| {
        let example = make(String::new());
        let (name, message) = example.parts();
        (name, message.map(|_| Type::String))
    }))
}

fn is_bytes(ty: &Type) -> bool {
    matches!(ty, Type::List(list) if list.ty() == Type::U8)
}

/// `rpc-error`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub(crate) enum WireError {
    #[component(name = "deadline-exceeded")]
    DeadlineExceeded(String),
    #[component(name = "not-initialized")]
    NotInitialized,
    #[component(name = "method-not-handled")]
    MethodNotHandled(String),
    #[component(name = "not-implemented")]
    NotImplemented,
    #[component(name = "host-error")]
    HostError(String),
    #[component(name = "deser")]
    Deser(String),
    #[component(name = "ser")]
    Ser(String),
    #[component(name = "rpc")]
    Rpc(String),
    #[component(name = "transport")]
    Transport(String),
    #[component(name = "invalid-parameter")]
    InvalidParameter(String),
    #[component(name = "actor-handler")]
    ActorHandler(String),
    #[component(name = "provider-init")]
    ProviderInit(String),
    #[component(name = "timeout")]
    Timeout(String),
    #[component(name = "other")]
    Other(String),
}

impl From<WireError> for RpcError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::DeadlineExceeded(text) => Self::DeadlineExceeded(text),
            WireError::NotInitialized => Self::NotInitialized,
            WireError::MethodNotHandled(text) => Self::MethodNotHandled(text),
            WireError::NotImplemented => Self::NotImplemented,
            WireError::HostError(text) => Self::HostError(text),
            WireError::Deser(text) => Self::Deser(text),
            WireError::Ser(text) => Self::Ser(text),
            WireError::Rpc(text) => Self::Rpc(text),
            WireError::Transport(text) => Self::Transport(text),
            WireError::InvalidParameter(text) => Self::InvalidParameter(text),
            WireError::ActorHandler(text) => Self::ActorHandler(text),
            WireError::ProviderInit(text) => Self::ProviderInit(text),
            WireError::Timeout(text) => Self::Timeout(text),
            WireError::Other(text) => Self::Other(text),
        }
    }
}

impl From<RpcError> for WireError {
    fn from(error: RpcError) -> Self {
        match error {
            RpcError::DeadlineExceeded(text) => Self::DeadlineExceeded(text),
            RpcError::NotInitialized => Self::NotInitialized,
            RpcError::MethodNotHandled(text) => Self::MethodNotHandled(text),
            RpcError::NotImplemented => Self::NotImplemented,
            RpcError::HostError(text) => Self::HostError(text),
            RpcError::Deser(text) => Self::Deser(text),
            RpcError::Ser(text) => Self::Ser(text),
            RpcError::Rpc(text) => Self::Rpc(text),
            RpcError::Transport(text) => Self::Transport(text),
            RpcError::InvalidParameter(text) => Self::InvalidParameter(text),
            RpcError::ActorHandler(text) => Self::ActorHandler(text),
            RpcError::ProviderInit(text) => Self::ProviderInit(text),
            RpcError::Timeout(text) => Self::Timeout(text),
            RpcError::Other(text) => Self::Other(text),
        }
    }
}
