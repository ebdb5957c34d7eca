//! Addresses.

use std::ffi::c_char;

use super::error::{peer_manager_error, peer_manager_status};
use super::handle::Plain;
use super::opaque::peer_manager;
use super::{boundary, handle};
use crate::address::{HOST_CAPACITY, PeerAddress, write_host};
use crate::error::{Error, Result};
use crate::memory;
use crate::system::prefetch::prefetch;
use crate::table::Addresses;

/// The size of a host in an address: 253 characters and a NUL.
pub const PEER_MANAGER_HOST_CAPACITY: usize = 254;
const _: () = assert!(PEER_MANAGER_HOST_CAPACITY == HOST_CAPACITY, "C and Rust agree");

/// The size of a buffer that holds any address that peer_manager_address_format writes.
pub const PEER_MANAGER_ADDRESS_TEXT_CAPACITY: usize = 260;

/// Where a peer listens. It may be filled in by hand, with the host in any spelling: every function that takes one
/// canonicalises it. 256 bytes.
///
/// An address that a function has written is canonical: IPv6 in the form of RFC 5952, IPv4-mapped IPv6 as IPv4, names in
/// lower case without a trailing dot. The bytes after the host's NUL are 0 then.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_address {
    /// An IPv4 address, an IPv6 address without brackets, or a DNS-style name, so .onion and .i2p too.
    pub host: [c_char; PEER_MANAGER_HOST_CAPACITY],
    /// 1 to 65535.
    pub port: u16,
}

impl peer_manager_address {
    /// The canonical address, if this is one.
    pub(super) fn parse(&self) -> Result<PeerAddress> {
        // It is in another cache line, and needed as soon as the host is read.
        prefetch(Some(&self.port));
        let host = handle::bytes(&self.host);
        if let Some(address) = PeerAddress::from_ip_text(host, self.port) {
            return Ok(address);
        }
        let end = host.iter().position(|&byte| byte == 0);
        let host = std::str::from_utf8(&host[..end.unwrap_or(host.len())]).map_err(|_| {
            Error::InvalidArgument(
                "the host of an address is not UTF-8; names are written in punycode".to_owned(),
            )
        })?;
        if end.is_none() {
            return Err(Error::invalid_address(host, "its host has no NUL within 254 bytes"));
        }
        PeerAddress::new(host, self.port)
    }

    /// Calls a function with the canonical address, which is not moved: to move what was just written in pieces, the processor
    /// waits until all of them are in the cache.
    pub(super) fn with<T>(&self, call: impl FnOnce(&PeerAddress) -> Result<T>) -> Result<T> {
        match self.parse() {
            Ok(ref address) => call(address),
            Err(error) => Err(error),
        }
    }
}

// SAFETY: it is made of characters and a number.
unsafe impl Plain for peer_manager_address {}

impl peer_manager_address {
    /// Copies an address into this struct, which must be all zeros.
    pub(super) fn set(&mut self, address: &PeerAddress) {
        write_host(address.host(), handle::bytes_mut(&mut self.host));
        self.port = address.port();
    }
}

/// The addresses of an array, or the error with the index of the first invalid one.
pub(super) unsafe fn addresses(
    pointer: *const peer_manager_address,
    count: usize,
    name: &str,
) -> Result<Vec<PeerAddress>> {
    // SAFETY: by contract the pointer is valid for `count` elements.
    let array = unsafe { handle::inputs(pointer, count, name) }?;
    parse_all(array, name, peer_manager_address::parse)
}

/// Writes an answer of at most `size` addresses, and how many there are, where the caller wants them.
pub(super) unsafe fn write_answer(
    out: *mut peer_manager_address,
    size: usize,
    out_count: *mut usize,
    answer: impl FnOnce(&mut Addresses) -> Result<()>,
) -> Result<()> {
    // SAFETY: by contract the pointers are valid for `size` elements and for one.
    let (out, out_count) =
        unsafe { (handle::outputs(out, size, "out")?, handle::output(out_count, "out_count")?) };
    let mut peers = Addresses::new();
    answer(&mut peers)?;
    out.zip(peers.iter()).for_each(|(out, address)| out.fill(|out| out.set(address)));
    out_count.write(peers.len());
    Ok(())
}

/// The parsed elements of an array, or the error with the index of the first invalid one.
pub(super) fn parse_all<T, V>(array: &[T], name: &str, parse: impl Fn(&T) -> Result<V>) -> Result<Vec<V>> {
    let mut values = memory::with_capacity(array.len())
        .map_err(|_| Error::no_memory(&format!("for the {} elements of {name}", array.len())))?;
    for (index, element) in array.iter().enumerate() {
        values.push(parse(element).map_err(|error| handle::at_index(error, name, index))?);
    }
    Ok(values)
}

/// Makes a canonical address from a host and a port.
/// @param host  an IPv4 address, an IPv6 address without brackets, or a name
/// @param port  1 to 65535
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_init(
    host: *const c_char,
    port: u16,
    out: *mut peer_manager_address,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_address_init", error, || {
            let address = PeerAddress::new(handle::text(host, "host")?, port)?;
            handle::output(out, "out")?.fill(|out| out.set(&address));
            Ok(())
        })
    }
}

/// Makes a canonical address from text: `1.2.3.4`, `1.2.3.4:11625`, `[2001:db8::1]:11625`, `2001:db8::1`,
/// `core-live-a.stellar.org:11625`.
/// @param text          no white space, no scope ids, no masks, no schemes; the error's message says what is wrong with it
/// @param default_port  the port of text that has none; 0 if the text must have one
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_parse(
    text: *const c_char,
    default_port: u16,
    out: *mut peer_manager_address,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_address_parse", error, || {
            let address = PeerAddress::parse(handle::text(text, "text")?, Some(default_port))?;
            handle::output(out, "out")?.fill(|out| out.set(&address));
            Ok(())
        })
    }
}

/// Writes an address as text, "host:port" with an IPv6 host in brackets, which peer_manager_address_parse reads.
/// @param buffer    receives the text; if it is too small (PEER_MANAGER_ERROR_INVALID_ARGUMENT), it stays as it was
/// @param capacity  the size of buffer in bytes; PEER_MANAGER_ADDRESS_TEXT_CAPACITY is always enough
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_format(
    address: *const peer_manager_address,
    buffer: *mut c_char,
    capacity: usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_address_format", error, || {
            let text = handle::input(address, "address")?.parse()?.to_string();
            let buffer = handle::outputs(buffer, capacity, "buffer")?;
            if text.len() >= capacity {
                let needed = text.len() + 1;
                return Err(Error::InvalidArgument(format!(
                    "buffer has {capacity} bytes, but {text} needs {needed}; \
                     PEER_MANAGER_ADDRESS_TEXT_CAPACITY is always enough"
                )));
            }
            buffer.write(text.bytes().chain([0]).map(|byte| c_char::from_ne_bytes([byte])));
            Ok(())
        })
    }
}

/// Compares two addresses in canonical form.
/// @param a  an address, in any spelling
/// @param b  an address, in any spelling
/// @return whether both are addresses and the same one
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_equal(
    a: *const peer_manager_address,
    b: *const peer_manager_address,
) -> bool {
    boundary::answer("peer_manager_address_equal", false, || {
        // SAFETY: the caller keeps the contract of the module.
        let (a, b) = unsafe { (handle::any(a), handle::any(b)) };
        let canonical = |address: Option<&peer_manager_address>| address.and_then(|a| a.parse().ok());
        canonical(a).is_some_and(|a| canonical(b).is_some_and(|b| a == b))
    })
}

/// Returns whether an address means something else, or nothing, to a stranger, so that it is not sent to one: RFC 1918
/// networks, 0.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 192.0.0.0/24 (except the anycast addresses 192.0.0.9
/// and .10), 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4, ::/96, 64:ff9b:1::/48, fc00::/7, fe80::/10, fec0::/10, ff00::/8; an
/// address that wraps a private IPv4 address (NAT64 64:ff9b::/96, 6to4 2002::/16, IPv4-translated 0:0:0:0:ffff::/96,
/// Teredo's client in 2001::/32); and the names localhost, *.localhost, *.local, *.internal, *.home.arpa. Networks for
/// documentation, such as 192.0.2.0/24, are not private, but see peer_manager_address_is_routable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_is_private(address: *const peer_manager_address) -> bool {
    boundary::answer("peer_manager_address_is_private", false, || {
        // SAFETY: the caller keeps the contract of the module.
        let address = unsafe { handle::any(address) };
        address.and_then(|a| a.parse().ok()).is_some_and(|a| a.is_private())
    })
}

/// Returns whether a stranger on the Internet may be able to reach an address: it is not private, and IANA's
/// special-purpose registries do not set it aside for examples or for no host at all: 192.0.2.0/24, 198.51.100.0/24,
/// 203.0.113.0/24, 192.88.99.0/24, 100::/64, 2001::/23 without Teredo and the parts that the registry calls globally
/// reachable, 2001:db8::/32, 3fff::/20, 5f00::/16, an address that wraps one of these, and the names *.test, *.example,
/// *.invalid. Since 0.2.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_is_routable(address: *const peer_manager_address) -> bool {
    boundary::answer("peer_manager_address_is_routable", false, || {
        // SAFETY: the caller keeps the contract of the module.
        let address = unsafe { handle::any(address) };
        address.and_then(|a| a.parse().ok()).is_some_and(|a| a.is_routable())
    })
}

/// Returns the netgroup (peer_manager_options.max_peers_per_netgroup) in which a peer manager counts an address, whether
/// the address is in the table or not. Since 0.2.0.
/// @param out  receives an opaque number, which two addresses have in common exactly if this peer manager counts them as
///             one netgroup; to another peer manager, and in another process, it means nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_address_netgroup(
    pm: *const peer_manager,
    address: *const peer_manager_address,
    out: *mut u64,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_address_netgroup", pm, error, |manager| {
            let address = handle::input(address, "address")?.parse()?;
            let out = handle::output(out, "out")?;
            out.write(manager.address_netgroup(&address)?);
            Ok(())
        })
    }
}
