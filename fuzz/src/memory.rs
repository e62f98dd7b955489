//! Memory that a piece of work holds.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Memory that decoding may take for each byte of its input.
const PER_BYTE: usize = 8;
/// Short inputs are judged as if they were this long: a list takes its first room at once, and so does
/// a batch. Source: `INITIAL_PREALLOCATION` of `parity-scale-codec`, and the size of a call.
const SHORT_INPUT_BYTES: usize = 8 * 1024;

/// Most memory that decoding an input of this length may hold at any moment, in bytes.
#[must_use]
pub fn allowed(length: usize) -> usize {
    PER_BYTE * length.max(SHORT_INPUT_BYTES)
}

/// What `work` gives, and the most bytes that it held at any moment.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let done = work();
    (done, ALLOCATOR.peak_usage().saturating_sub(before))
}
