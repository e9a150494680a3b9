//! Bounds of this crate. Each has a row in `docs/LIMITS.md` and a test that trips it.

/// The most memory one decoded message may take inside an adapter, beyond its own bytes: 64 MiB.
pub const DECODED_MAX: u32 = 64 << 20;

/// The largest memory an adapter may grow to, whatever the engine would allow: 32,767 pages of 64 KiB.
pub const MEMORY_PAGES_MAX: u32 = 32_767;

/// What an adapter keeps free above its arena, so that eight bytes can always be read at once: 32 bytes.
pub const MEMORY_TAIL: u32 = 32;

/// The most steps an adapter takes between the flat calling convention and memory, over all functions: 65,536 steps.
pub const FLAT_MOVES_MAX: u32 = 65_536;

/// The deepest nesting of types that the codec follows, as in the component model's validation: 100 levels.
pub const TYPE_DEPTH_MAX: usize = 100;

/// The longest JSON text read, and the longest text written in either notation: 64 MiB.
pub const TEXT_MAX: usize = 64 << 20;

/// The longest WAVE text read (its parser takes about fifty bytes for each value): 4 MiB.
pub const WAVE_MAX: usize = 4 << 20;

/// The most that a message quotes of a text it was given: 40 characters.
pub const EXCERPT_CHARS_MAX: usize = 40;

/// The longest chain of types that a source may hold, each named by the next, aliases included: 200 levels.
pub const NESTING_MAX: usize = 200;
