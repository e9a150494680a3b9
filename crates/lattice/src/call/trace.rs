//! W3C Trace Context in the headers of a message.

use std::sync::Arc;

use model::trace::Trace;

use super::shown;
use crate::bus::Message;

/// The headers of trace context, as W3C names them.
const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// The message with its trace.
pub(crate) fn write(message: Message, trace: Option<&Trace>) -> Message {
    let Some(trace) = trace else { return message };
    let message = message.with(PARENT, trace.parent.to_string());
    match &trace.state {
        Some(state) => message.with(STATE, state.to_string()),
        None => message,
    }
}

/// The trace of a message, if it has one; an error says what is wrong with its `traceparent`. A `tracestate` that is not
/// as it should be is left out, as the specification has it.
pub fn read(message: &Message) -> Result<Option<Arc<Trace>>, String> {
    let Some(parent) = message.headers.get(PARENT) else { return Ok(None) };
    let trace = Trace::read(parent, message.headers.get(STATE));
    let wrong = || format!("header `{PARENT}` is `{}`, not W3C Trace Context", shown(parent));
    trace.map(|trace| Some(Arc::new(trace))).ok_or_else(wrong)
}
