//! The clock of asyncio: the same one, to the nanosecond, as Python's `time.monotonic`.
//!
//! Knows nothing of timers or tasks.

#![allow(unsafe_code)]

/// The clock that `CPython` reads for `time.monotonic`.
#[cfg(target_os = "macos")]
const CLOCK: libc::clockid_t = libc::CLOCK_UPTIME_RAW;
/// The clock that `CPython` reads for `time.monotonic`.
#[cfg(not(target_os = "macos"))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// Resolution of the clock in seconds: a timer nearer than this is due.
pub(super) const RESOLUTION: f64 = 1e-9;

/// Seconds on the monotonic clock, as `time.monotonic` would return them now.
#[allow(
    clippy::cast_precision_loss,
    reason = "CPython's own conversion is the same"
)]
pub(super) fn monotonic() -> f64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid, writable timespec; the call has no other effect.
    unsafe { libc::clock_gettime(CLOCK, &raw mut now) };
    let nanoseconds = now.tv_sec * 1_000_000_000 + now.tv_nsec;
    nanoseconds as f64 / 1e9
}
