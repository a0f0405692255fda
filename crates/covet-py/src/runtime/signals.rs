//! Signal masks of threads that Rust starts.
//!
//! Python's handlers run on the main thread and its wake-up descriptor ends the park; a signal that lands on a
//! thread that Python does not know would only interrupt somebody's system call.

#![allow(unsafe_code)]

/// Blocks every signal on the calling thread.
pub(crate) fn block_all() {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set it is given, `pthread_sigmask` only reads it.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}
