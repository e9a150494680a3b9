//! Chunks put together.

use bytes::{Bytes, BytesMut};

use super::Announcement;
use crate::limits::{CHUNK_BYTES_MIN, CHUNK_WINDOW};
use model::planted::Bug;

/// A payload that is being put together.
#[derive(Debug)]
pub struct Assembly {
    announced: Announcement,
    bytes: BytesMut,
    next: u64,
    granted: u64,
}

/// What follows from a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// More chunks are on their way.
    More,
    /// The sender is to be told that so many chunks may have been sent.
    Grant(u64),
    /// The payload is whole.
    Whole(Bytes),
}

/// Why a payload in chunks is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A chunk was lost, doubled or overtaken.
    #[error("chunk {found} came where chunk {expected} was due; it was lost, doubled or overtaken on the way")]
    Order {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// More was sent than was granted.
    #[error("chunk {found} came, but {granted} are granted; the sender does not keep to its credit")]
    Flood {
        /// The number that came.
        found: u64,
        /// How many were granted.
        granted: u64,
    },
    /// A chunk is too small, or there are more bytes than were announced.
    #[error(
        "chunk {number} has {found} bytes after {before} of {announced}; the sender does not keep to what it announced"
    )]
    Size {
        /// The chunk.
        number: u64,
        /// Its bytes.
        found: usize,
        /// The bytes that were there before.
        before: usize,
        /// The bytes that were announced.
        announced: usize,
    },
    /// The checksum is wrong.
    #[error("the payload is damaged: its CRC-32 is {found:08x}, {announced:08x} was announced")]
    Damaged {
        /// The checksum of what came.
        found: u32,
        /// The checksum that was announced.
        announced: u32,
    },
}

impl Assembly {
    /// Begins with [`CHUNK_WINDOW`] chunks granted.
    pub fn new(announced: Announcement) -> Self {
        Self { announced, bytes: BytesMut::with_capacity(announced.bytes), next: 0, granted: CHUNK_WINDOW }
    }

    /// How many chunks may have been sent.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// Takes the chunk `number`.
    pub fn take(&mut self, number: u64, chunk: &[u8]) -> Result<Step, ChunkError> {
        if number != self.next {
            return Err(ChunkError::Order { expected: self.next, found: number });
        }
        if number >= self.granted {
            return Err(ChunkError::Flood { found: number, granted: self.granted });
        }
        let (before, announced) = (self.bytes.len(), self.announced.bytes);
        let missing = announced - before;
        if chunk.len() > missing || chunk.len() < CHUNK_BYTES_MIN.min(missing) {
            return Err(ChunkError::Size { number, found: chunk.len(), before, announced });
        }
        self.bytes.extend_from_slice(chunk);
        self.next += 1;
        if chunk.len() == missing { self.whole().map(Step::Whole) } else { Ok(self.more()) }
    }

    /// Half of the window is granted at once, so that the sender need not stop while the credit is on its way.
    fn more(&mut self) -> Step {
        if self.granted - self.next > CHUNK_WINDOW / 2 {
            return Step::More;
        }
        self.granted = self.next + CHUNK_WINDOW;
        Step::Grant(self.granted)
    }

    fn whole(&mut self) -> Result<Bytes, ChunkError> {
        let bytes = std::mem::take(&mut self.bytes).freeze();
        match crc32fast::hash(&bytes) {
            found if found == self.announced.crc32 || Bug::SkipsChecksum.is_planted() => Ok(bytes),
            found => Err(ChunkError::Damaged { found, announced: self.announced.crc32 }),
        }
    }
}
