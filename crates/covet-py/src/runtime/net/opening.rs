//! The system calls that open stream sockets: connecting and accepting, neither of which blocks.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Begins to connect to `address`; the attempt ends in the background.
///
/// # Errors
///
/// The system's: no descriptor is free, the network is unreachable.
pub(super) fn connect(address: SocketAddrV4) -> io::Result<TcpStream> {
    let kind = libc::SOCK_STREAM | AT_ONCE;
    // SAFETY: no memory is passed.
    let fd = check(unsafe { libc::socket(libc::AF_INET, kind, libc::IPPROTO_TCP) })?;
    // SAFETY: it was just opened and is nobody else's.
    let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: noughts are an address.
    let mut to: libc::sockaddr_in = unsafe { MaybeUninit::zeroed().assume_init() };
    to.sin_family = libc::AF_INET as libc::sa_family_t;
    to.sin_port = address.port().to_be();
    to.sin_addr.s_addr = u32::from(*address.ip()).to_be();
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: `to` is an address of that size.
    match check(unsafe { libc::connect(stream.as_raw_fd(), (&raw const to).cast(), size) }) {
        // An interrupted attempt goes on in the background as well.
        Err(error) if !is_going_on(&error) => Err(error),
        _ => Ok(stream),
    }
}

fn is_going_on(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINPROGRESS | libc::EAGAIN | libc::EINTR)
    )
}

/// The next connection that waits at the socket `fd`, and who it is from.
///
/// # Errors
///
/// The system's; `WouldBlock` if none waits.
pub(super) fn accept(fd: RawFd) -> io::Result<(OwnedFd, SocketAddr)> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut size = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: `storage` has room for `size` bytes; a bad descriptor is an error.
    let taken = unsafe { accept_at_once(fd, storage.as_mut_ptr().cast(), &raw mut size) };
    // SAFETY: it was just opened and is nobody else's.
    let taken = unsafe { OwnedFd::from_raw_fd(check(taken)?) };
    // SAFETY: all of it was nought before the system wrote there.
    let storage = unsafe { storage.assume_init() };
    Ok((taken, address(&storage)?))
}

fn address(storage: &libc::sockaddr_storage) -> io::Result<SocketAddr> {
    let start = &raw const *storage;
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says what it is, and there is room for every kind of address.
            let it = unsafe { &*start.cast::<libc::sockaddr_in>() };
            let host = Ipv4Addr::from(u32::from_be(it.sin_addr.s_addr));
            Ok(SocketAddrV4::new(host, u16::from_be(it.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let it = unsafe { &*start.cast::<libc::sockaddr_in6>() };
            let (host, port) = (Ipv6Addr::from(it.sin6_addr.s6_addr), it.sin6_port);
            let flow = u32::from_be(it.sin6_flowinfo);
            Ok(SocketAddrV6::new(host, u16::from_be(port), flow, it.sin6_scope_id).into())
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(target_os = "linux")]
const AT_ONCE: libc::c_int = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
/// Nothing is opened here on other systems.
#[cfg(not(target_os = "linux"))]
const AT_ONCE: libc::c_int = 0;

/// # Safety
///
/// There is room for `*size` bytes at `to`.
#[cfg(target_os = "linux")]
unsafe fn accept_at_once(
    fd: RawFd,
    to: *mut libc::sockaddr,
    size: *mut libc::socklen_t,
) -> libc::c_int {
    // SAFETY: the caller's word.
    unsafe { libc::accept4(fd, to, size, AT_ONCE) }
}

/// # Safety
///
/// There is room for `*size` bytes at `to`.
#[cfg(not(target_os = "linux"))]
unsafe fn accept_at_once(
    fd: RawFd,
    to: *mut libc::sockaddr,
    size: *mut libc::socklen_t,
) -> libc::c_int {
    // SAFETY: the caller's word.
    unsafe { libc::accept(fd, to, size) }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
