//! Whether this process is the child of a fork: counted by the child itself, because asking the kernel for the
//! process's number costs a system call each time.

#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// How often this process and its parents were forked since the first call.
pub(super) fn count() -> u32 {
    static COUNTS: Once = Once::new();
    COUNTS.call_once(|| {
        // SAFETY: the function lives as long as the process, and only adds to an atomic number.
        let refused = unsafe { libc::pthread_atfork(None, None, Some(count_one)) };
        assert_eq!(refused, 0, "there is memory for one more handler");
    });
    FORKS.load(Ordering::Relaxed)
}

extern "C" fn count_one() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
