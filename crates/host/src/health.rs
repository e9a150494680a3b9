//! Which hosts answer: what is known of each from its beats and from the calls made to it, and the choice among them.
//!
//! [`Table`] is pure: every moment is given in, and the randomness of a choice too. [`Health`] shares one among the
//! tasks of a host, and tells the log what happens to hosts.
//!
//! A host is *ejected*, which is to say no longer chosen, in three ways:
//!
//! - its beats stay away for [`SILENCE_MAX`]: the truth about frozen and cut-off hosts, sufficient alone;
//! - the bus tells that its connection is gone: a hint, believed until the next beat;
//! - calls to it get no answer, [`MISSED_CALLS_MAX`] in a row, though it beats: it is tried again with one call after a
//!   pause, which doubles as long as that fails. Such a host is still better than none: it is chosen where no other is
//!   left, because one slow function must not cut off whoever has no second host.
//!
//! [`SILENCE_MAX`]: crate::limits::SILENCE_MAX
//! [`MISSED_CALLS_MAX`]: crate::limits::MISSED_CALLS_MAX

mod choice;
mod record;
mod shared;
mod table;

pub use lattice::document::{Beat, Phase};

pub use self::choice::Wanted;
pub use self::record::{Ejection, HostHealth};
pub use self::shared::{Chosen, Health};
pub use self::table::{Counts, Outcome, Table};
