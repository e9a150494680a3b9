//! What has come of a body, and how much more may come.

use std::collections::VecDeque;

use crc32fast::Hasher;

use super::{Broken, End, Frame, Part};
use crate::limits::{STREAM_PART_BYTES_MIN, STREAM_WINDOW_BYTES};

/// A body that comes in: its parts in order, as many as were granted, until they are read.
#[derive(Clone, Debug)]
pub struct Intake {
    waiting: VecDeque<Frame>,
    next: u64,
    /// What has come, and what of it is not read yet, as it counts.
    came: u64,
    held: u64,
    granted: u64,
    bytes: u64,
    crc32: Hasher,
    end: Option<Result<(), Broken>>,
}

/// Why a part is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// A part was lost, doubled or overtaken.
    #[error("part {found} came where part {expected} was due; it was lost, doubled or overtaken on the way")]
    Order {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The other end has sent parts that did not come.
    #[error("{sent} parts were sent, and {came} came; the others were lost on the way")]
    Lost {
        /// How many were sent.
        sent: u64,
        /// How many came.
        came: u64,
    },
    /// More was sent than was granted.
    #[error("{sent} bytes were sent, but {granted} are granted; the sender does not keep to its credit")]
    Flood {
        /// What was sent.
        sent: u64,
        /// What was granted.
        granted: u64,
    },
    /// A part brings nothing, or comes after the last.
    #[error("part {number} brings nothing, or comes after the last; correct the sender")]
    Idle {
        /// The part.
        number: u64,
    },
    /// The whole is not what was sent.
    #[error("the body is damaged: {bytes} bytes with CRC-32 {crc32:08x} came, not what its end says")]
    Damaged {
        /// The bytes that came.
        bytes: u64,
        /// Their checksum.
        crc32: u32,
    },
}

/// What bytes of one part count for.
pub(super) fn weight(bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    if bytes == 0 { 0 } else { bytes.max(STREAM_PART_BYTES_MIN) }
}

impl Intake {
    /// Nothing has come, and so much may.
    pub fn new(granted: u64) -> Self {
        Self { waiting: VecDeque::new(), next: 0, came: 0, held: 0, granted, bytes: 0, crc32: Hasher::new(), end: None }
    }

    /// Takes the next part; its head is not looked at.
    pub fn take(&mut self, part: Part) -> Result<(), PartError> {
        let Part { number, head, data, end } = part;
        if number != self.next {
            return Err(PartError::Order { expected: self.next, found: number });
        }
        let brings = !data.is_empty() || end.is_some() || !head.is_empty() || number == 0;
        if self.end.is_some() || !brings {
            return Err(PartError::Idle { number });
        }
        let weight = weight(data.len());
        if self.came.saturating_add(weight) > self.granted {
            return Err(PartError::Flood { sent: self.came.saturating_add(weight), granted: self.granted });
        }
        self.next += 1;
        self.came += weight;
        if !data.is_empty() {
            self.held += weight;
            self.bytes += data.len() as u64;
            self.crc32.update(&data);
            self.waiting.push_back(Frame::Data(data));
        }
        end.map_or(Ok(()), |end| self.finish(end))
    }

    fn finish(&mut self, end: End) -> Result<(), PartError> {
        self.end = Some(match end {
            End::Broken(reason) => Err(Broken(reason)),
            End::Whole { trailers, bytes: whole, crc32: sum } => {
                let (bytes, crc32) = (self.bytes, self.crc32.clone().finalize());
                if (whole, sum) != (bytes, crc32) {
                    return Err(PartError::Damaged { bytes, crc32 });
                }
                self.waiting.extend(trailers.map(Frame::Trailers));
                Ok(())
            }
        });
        Ok(())
    }

    /// The other end says that it has sent so many parts.
    pub fn check(&self, sent: u64) -> Result<(), PartError> {
        if sent > self.next { Err(PartError::Lost { sent, came: self.next }) } else { Ok(()) }
    }

    /// The next frame to read; none where none has come yet, or the end is there.
    pub fn read(&mut self) -> Option<Frame> {
        let frame = self.waiting.pop_front()?;
        if let Frame::Data(data) = &frame {
            self.held = self.held.saturating_sub(weight(data.len()));
        }
        Some(frame)
    }

    /// What is granted from now on, where the sender is to be told: once half of the window is free, so that it need not
    /// stop while the credit is on its way.
    pub fn grant(&mut self) -> Option<u64> {
        let granted = self.came - self.held + STREAM_WINDOW_BYTES;
        let worth = self.end.is_none() && granted.saturating_sub(self.granted) >= STREAM_WINDOW_BYTES / 2;
        worth.then(|| {
            self.granted = granted;
            granted
        })
    }

    /// What is granted.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// True where part 0 has come.
    pub fn has_begun(&self) -> bool {
        self.next > 0
    }

    /// How the body ended, once its last part has come; what came before may still wait to be read.
    pub fn end(&self) -> Option<&Result<(), Broken>> {
        self.end.as_ref()
    }

    /// True where nothing waits to be read.
    pub fn is_read(&self) -> bool {
        self.waiting.is_empty()
    }
}
