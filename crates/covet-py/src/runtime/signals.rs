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

/// The signal that this process gets when its parent ends; 0 for none. Nothing outside Linux.
pub(crate) fn set_parent_death_signal(signum: i32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    // SAFETY: takes a number and changes only this process.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signum) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = signum;
    Ok(())
}

/// A duplicate of a descriptor that stays the caller's.
pub(crate) fn duplicate(fd: i32) -> std::io::Result<std::os::fd::OwnedFd> {
    // SAFETY: `fd` is only borrowed for this call; a closed one is the kernel's error.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}
