//! Addresses as the sockets API of Unix or Winsock has them.
#![expect(
    clippy::cast_possible_truncation,
    reason = "address families and sizes fit their members everywhere"
)]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::{mem, ptr};

#[cfg(unix)]
use libc::{AF_INET, AF_INET6, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage};

#[cfg(windows)]
use crate::system::windows::winsock::{
    AF_INET, AF_INET6, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage,
};

use super::address::peer_manager_address;
use super::error::{peer_manager_error, peer_manager_status};
use super::{boundary, handle};
use crate::address::PeerAddress;
use crate::error::{Error, Result};

/// Makes an address from a socket address, as accept and getpeername return it.
/// @param sa      an AF_INET or AF_INET6 socket address, not necessarily aligned; another family, port 0 and a scope id are
///                PEER_MANAGER_ERROR_INVALID_ADDRESS
/// @param sa_len  its size in bytes, which must be enough for the family
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_from_sockaddr(
    sa: *const sockaddr,
    sa_len: usize,
    out: *mut peer_manager_address,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_address_from_sockaddr", error, || {
            let address = from_sockaddr(sa, sa_len)?;
            handle::output(out, "out")?.fill(|out| out.set(&address));
            Ok(())
        })
    }
}

/// Makes a socket address from an IP address, as connect takes it. A name is
/// PEER_MANAGER_ERROR_UNSUPPORTED, because the library never resolves DNS.
/// @param out      receives an AF_INET or AF_INET6 socket address
/// @param out_len  receives its size in bytes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_to_sockaddr(
    address: *const peer_manager_address,
    out: *mut sockaddr_storage,
    out_len: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_address_to_sockaddr", error, || {
            let address = handle::input(address, "address")?.parse()?;
            let out = handle::output(out, "out")?;
            let out_len = handle::output(out_len, "out_len")?;
            let (storage, len) = to_sockaddr(&address)?;
            out.write(storage);
            out_len.write(len);
            Ok(())
        })
    }
}

unsafe fn from_sockaddr(sa: *const sockaddr, sa_len: usize) -> Result<PeerAddress> {
    if sa.is_null() {
        return Err(handle::is_null("sa"));
    }
    let too_small = |needed: usize| {
        Error::InvalidArgument(format!(
            "sa_len is {sa_len}, but this socket address has {needed} bytes; pass the size that came with it"
        ))
    };
    // The family is the first member, or the second after a length byte.
    let family_end = mem::offset_of!(sockaddr, sa_family) + size_of::<sa_family_t>();
    if sa_len < family_end {
        return Err(too_small(family_end));
    }
    // SAFETY: by contract `sa` is valid for `sa_len` bytes, which hold the family.
    let family = unsafe { (&raw const (*sa).sa_family).read_unaligned() };
    match i32::from(family) {
        AF_INET if sa_len < size_of::<sockaddr_in>() => Err(too_small(size_of::<sockaddr_in>())),
        AF_INET6 if sa_len < size_of::<sockaddr_in6>() => Err(too_small(size_of::<sockaddr_in6>())),
        AF_INET => {
            // SAFETY: by contract `sa` is valid for `sa_len` bytes, which hold a `sockaddr_in`.
            let v4 = unsafe { sa.cast::<sockaddr_in>().read_unaligned() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            PeerAddress::from_ip(ip.into(), u16::from_be(v4.sin_port))
        }
        AF_INET6 => {
            // SAFETY: by contract `sa` is valid for `sa_len` bytes, which hold a `sockaddr_in6`.
            let v6 = unsafe { sa.cast::<sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            SocketAddr::from(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id))
                .try_into()
        }
        other => Err(Error::invalid_address(
            &format!("socket address of family {other}"),
            "only AF_INET and AF_INET6 are",
        )),
    }
}

fn to_sockaddr(address: &PeerAddress) -> Result<(sockaddr_storage, usize)> {
    match SocketAddr::try_from(address)? {
        SocketAddr::V4(socket) => {
            // SAFETY: all zeros is a valid `sockaddr_in`.
            let mut v4: sockaddr_in = unsafe { mem::zeroed() };
            #[cfg(any(
                target_vendor = "apple",
                target_os = "freebsd",
                target_os = "netbsd",
                target_os = "openbsd"
            ))]
            {
                v4.sin_len = size_of::<sockaddr_in>() as u8;
            }
            v4.sin_family = AF_INET as sa_family_t;
            v4.sin_port = socket.port().to_be();
            v4.sin_addr.s_addr = u32::from(*socket.ip()).to_be();
            Ok((storage_of(&v4), size_of::<sockaddr_in>()))
        }
        SocketAddr::V6(socket) => {
            // SAFETY: all zeros is a valid `sockaddr_in6`.
            let mut v6: sockaddr_in6 = unsafe { mem::zeroed() };
            #[cfg(any(
                target_vendor = "apple",
                target_os = "freebsd",
                target_os = "netbsd",
                target_os = "openbsd"
            ))]
            {
                v6.sin6_len = size_of::<sockaddr_in6>() as u8;
            }
            v6.sin6_family = AF_INET6 as sa_family_t;
            v6.sin6_port = socket.port().to_be();
            v6.sin6_addr.s6_addr = socket.ip().octets();
            Ok((storage_of(&v6), size_of::<sockaddr_in6>()))
        }
    }
}

/// A socket address of one family in the storage that holds any.
fn storage_of<T: Copy>(address: &T) -> sockaddr_storage {
    const { assert!(size_of::<T>() <= size_of::<sockaddr_storage>(), "the storage holds any address") };
    // SAFETY: all zeros is a valid `sockaddr_storage`.
    let mut storage: sockaddr_storage = unsafe { mem::zeroed() };
    // SAFETY: both are plain data, and the storage is at least as large.
    unsafe { ptr::copy_nonoverlapping(address, (&raw mut storage).cast(), 1) };
    storage
}
