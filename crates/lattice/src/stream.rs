//! Streamed calls: a request and an answer whose bodies travel while they are made.
//!
//! A streamed call is a call ([`crate::call`]) on the same subjects, with the same metadata, whose payload is the head of
//! a request; what follows the head is a body. The answer is a head and a body again. Neither body is ever held whole:
//! each travels in numbered *parts*, and whoever reads it sets the pace of whoever writes it, by credit in bytes.
//!
//! | header | of | content |
//! | --- | --- | --- |
//! | `lath-part` | the call, and parts of both bodies | the call's id and the number of the part, from 0; then the fields below |
//! | `lath-flow` | the call, and by itself | the call's id; `sent=`, parts that were sent; `granted=`, bytes that may have been sent |
//! | `lath-stop` | by itself | the call's id: nobody reads the rest of that body |
//! | `lath-cancel` | by itself | the call's id: its caller has gone |
//!
//! | field of a part | content |
//! | --- | --- |
//! | `head` | how many bytes at the beginning of the payload are the head; of parts 0 only |
//! | `bytes`, `crc32` | this part is the last: how many bytes the whole body has, and its CRC-32 (IEEE) |
//! | `trailers` | how many bytes at the end of the payload are trailers; of a last part only |
//! | `broken` | how many bytes at the end of the payload say why the body ends here, before its end |
//!
//! The call itself is part 0 of the request's body, with as much of it as there was at once, and grants the answer's. The
//! callee grants more of the request's body when that is first read, which is when the callee's code runs: until then the
//! call may be refused as not started, and made elsewhere with all of its body. The head of the answer travels as soon as
//! it is there, in part 0 of the answer's body. So a small request with a small answer is one message each.
//!
//! **Order.** A part that is lost, doubled or overtaken, more bytes than were granted, a wrong length or checksum end the
//! call. An end without `bytes` and `crc32` is none: what was cut off never looks whole.
//!
//! **Time.** The head of the answer comes by the deadline of the call. From then on, until both bodies are out, each end
//! says every [`STREAM_BEAT_INTERVAL`] how far it is, by which lost parts are noticed and lost credit is made up for; an
//! end that hears nothing for [`STREAM_SILENCE_MAX`] breaks off, and so it does after [`STREAM_TIME_MAX`] in all. How long
//! a body may pause otherwise is for those who make and read it.
//!
//! **Ends.** A caller that drops the answer's body before its end has gone, and the callee drops what serves the call. A
//! callee that fails after the head answers with an error, which breaks the body off. A reader of a request's body that
//! goes says `lath-stop`; the call goes on.
//!
//! [`Intake`] and [`Outlet`] decide; [`Outgoing`] and [`Incoming`] are the two ends of a body. Calls are made by
//! [`Caller::stream`](crate::calls::Caller::stream), and served by [`Handler::stream`](crate::calls::Handler::stream).
//!
//! [`STREAM_BEAT_INTERVAL`]: crate::limits::STREAM_BEAT_INTERVAL
//! [`STREAM_SILENCE_MAX`]: crate::limits::STREAM_SILENCE_MAX
//! [`STREAM_TIME_MAX`]: crate::limits::STREAM_TIME_MAX

mod incoming;
mod intake;
mod keep;
mod link;
mod outgoing;
mod outlet;
mod part;
mod told;

use bytes::Bytes;
use model::failure::Failure;

pub(crate) use incoming::Held;
pub use incoming::Incoming;
pub use intake::{Intake, PartError};
pub(crate) use keep::keep;
pub(crate) use link::{Link, Opened, Ship};
pub use outgoing::Outgoing;
pub use outlet::{Closing, Outlet};
pub use part::{End, Part};
pub use told::{Flow, Told};

/// What a body is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Some of its bytes.
    Data(Bytes),
    /// What follows its bytes; nothing comes after.
    Trailers(Bytes),
}

/// Why a body ends before its end; the text is for whoever reads the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// The answer to a streamed call, as its callee gives it.
#[derive(Debug)]
pub struct Streamed {
    /// The head.
    pub head: Bytes,
    /// The body.
    pub body: Outgoing,
}

/// The answer to a streamed call, as its caller gets it.
#[derive(Debug)]
pub struct Answered {
    /// The head.
    pub head: Bytes,
    /// The body. Dropped before its end, it ends the call.
    pub body: Incoming,
}

/// A streamed call that got no answer.
#[derive(Debug)]
pub struct Unanswered {
    /// Why.
    pub failure: Failure,
    /// The request's body with all that it had, where the call was not started: another host may take it.
    pub body: Option<Outgoing>,
}
