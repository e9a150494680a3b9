//! What a value may take of memory while it is made from bytes or text of unknown origin.

use crate::limits::DECODED_MAX;

/// The memory that is left of [`DECODED_MAX`].
pub(crate) struct Memory {
    left: usize,
}

impl Memory {
    pub(crate) fn new() -> Memory {
        Memory { left: usize::try_from(DECODED_MAX).unwrap_or(usize::MAX) }
    }

    /// Accounts for memory before it is taken; none where there is not as much left.
    pub(crate) fn take(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    /// Accounts for `count` items of type `T`.
    pub(crate) fn take_items<T>(&mut self, count: usize) -> Option<()> {
        self.take(count.saturating_mul(size_of::<T>()))
    }
}
