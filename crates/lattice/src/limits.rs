//! Bounds. Each has a row in `docs/LIMITS.md` and a test that trips it.

/// The longest subject: 255 bytes.
pub const SUBJECT_BYTES_MAX: usize = 255;

/// Messages that may wait at one subscription: 1024. A publisher is told of a full one.
pub const PENDING_MAX: usize = 1024;

/// The largest payload of one message: 16777216 bytes.
pub const PAYLOAD_BYTES_MAX: usize = 16_777_216;

/// Headers of one message: 32.
pub const HEADERS_MAX: usize = 32;
