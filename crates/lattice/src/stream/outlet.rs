//! What has gone out of a body, and how much more may go.

use bytes::Bytes;
use crc32fast::Hasher;

use super::intake::weight;
use super::{End, Part};
use crate::limits::{ERROR_BYTES_MAX, STREAM_PART_BYTES_MAX, STREAM_PART_BYTES_MIN, STREAM_WINDOW_BYTES};

/// A body that goes out: what of it was sent.
#[derive(Clone, Debug)]
pub struct Outlet {
    next: u64,
    spent: u64,
    granted: u64,
    bytes: u64,
    crc32: Hasher,
    is_over: bool,
}

/// How the maker of a body ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It is whole; what follows it.
    Whole(Option<Bytes>),
    /// It ends before its end; why.
    Broken(String),
}

impl Outlet {
    /// Nothing has been sent, and so much may.
    pub fn new(granted: u64) -> Self {
        Self { next: 0, spent: 0, granted, bytes: 0, crc32: Hasher::new(), is_over: false }
    }

    /// So much may be sent in all. Never less than before, since credit may come twice, and late; nor more than a window
    /// ahead: who grants more cannot have read what was sent.
    pub fn grant(&mut self, granted: u64) {
        self.granted = self.granted.max(granted.min(self.spent.saturating_add(STREAM_WINDOW_BYTES)));
    }

    /// How many bytes the next part may bring.
    pub fn room(&self) -> usize {
        let left = self.granted.saturating_sub(self.spent);
        if left < STREAM_PART_BYTES_MIN {
            0
        } else {
            usize::try_from(left).unwrap_or(usize::MAX).min(STREAM_PART_BYTES_MAX)
        }
    }

    /// The next part, of which [`Self::room`] allows the bytes.
    pub fn part(&mut self, head: Bytes, data: Bytes, closing: Option<Closing>) -> Part {
        self.spent += weight(data.len());
        self.bytes += data.len() as u64;
        self.crc32.update(&data);
        self.is_over = closing.is_some();
        let end = closing.map(|closing| match closing {
            Closing::Whole(trailers) => {
                End::Whole { trailers, bytes: self.bytes, crc32: self.crc32.clone().finalize() }
            }
            Closing::Broken(mut reason) => {
                reason.truncate(reason.floor_char_boundary(ERROR_BYTES_MAX));
                End::Broken(reason)
            }
        });
        let number = self.next;
        self.next += 1;
        Part { number, head, data, end }
    }

    /// The parts that were sent.
    pub fn sent(&self) -> u64 {
        self.next
    }

    /// True where the last part was sent.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}
