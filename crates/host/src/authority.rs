//! Whether a call from another host may run here.
//!
//! NATS proves which host sent a call; nothing else in it is proven. So the callee checks what the call claims against
//! what was agreed: the blueprint, which follows from intent, must have the link, and the placement must put the caller
//! on that host. [`authorise`] is pure; [`Knowledge`] is what a host knows of the applications that concern it.

mod decide;
mod knowledge;
mod refusal;

pub use self::decide::{Granted, Judge, authorise};
pub use self::knowledge::{Knowledge, Known};
pub use self::refusal::{Denial, Refusal};
