//! Buckets in JetStream.
//!
//! They have the layout of NATS' own key-value buckets, so that every tool for those reads them. What differs from the
//! usual client: a write that got no answer is tried again with the same message id and so takes place once; reads go to
//! the bucket's leader; keys are looked at in batches that this side asks for, so that nothing is dropped however slow
//! it is.

mod bucket;
mod ears;
mod jetstream;
mod reader;
mod watch;

pub(crate) use bucket::{Layout, NatsBucket, nanoseconds};
pub(crate) use ears::Ears;
pub(crate) use jetstream::{Fault, JetStream, StreamConfig, Tries};
pub(crate) use reader::{Deliver, Reader, Wanted};

/// A text as an error shows it: its beginning.
pub(crate) fn excerpt(text: &str) -> String {
    crate::call::shown(text)
}
