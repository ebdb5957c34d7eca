//! Bans.

use std::ffi::c_char;

use super::address::peer_manager_address;
use super::boundary;
use super::error::{peer_manager_error, peer_manager_status};
use super::handle::{self, Plain};
use super::opaque::peer_manager;
use crate::bans::{Ban, BanSubject};
use crate::error::Result;

// The subject is what stands before `until`.
const _: () = assert!(
    std::mem::offset_of!(peer_manager_ban_entry, until) > crate::address::HOST_CAPACITY + "/128".len(),
    "every subject fits"
);

/// A ban. 272 bytes. Since 0.2.0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_ban_entry {
    /// In canonical form: a host, or a prefix such as 203.0.113.0/24. The bytes after the NUL are 0.
    pub subject: [c_char; 264],
    /// The first second at which it is over; INT64_MAX for good.
    pub until: i64,
}

// SAFETY: it is made of characters and a number.
unsafe impl Plain for peer_manager_ban_entry {}

impl peer_manager_ban_entry {
    /// Copies a ban into this struct, which must be all zeros.
    fn set(&mut self, ban: &Ban) {
        let text = ban.subject.to_string();
        handle::bytes_mut(&mut self.subject)[..text.len()].copy_from_slice(text.as_bytes());
        self.until = ban.until;
    }
}

/// The subject that a caller names.
unsafe fn subject(pointer: *const c_char) -> Result<BanSubject> {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { handle::text(pointer, "subject") }?.parse()
}

/// Bans a host, on all its ports, or a prefix, until a time. Its peers, preferred ones too, are removed, in the transaction
/// that writes the ban. From then on, and while the clock is before that time, they are refused, so they are never drawn
/// and never told to others. Since 0.2.0.
///
/// Banning the same again moves the end, also to an earlier time. Where several bans cover an address, it is refused as
/// long as one of them lasts. Bans that have ended are removed when the bans are next changed. The end of a ban brings
/// nothing back: type, failures, history and data of the removed peers are gone.
///
/// An IPv6 address that wraps an IPv4 address (6to4, Teredo's client, NAT64, IPv4-translated) counts as that IPv4 host:
/// banned in one spelling, a host is banned in all, and a prefix of IPv4 has the addresses that wrap one of its hosts. A
/// prefix of full length (/32, /128) is the host, and an IPv4-mapped one (in 0:0:0:0:0:ffff:0:0/96) is the IPv4 prefix; any
/// other prefix of IPv6 is taken by its own bits: 2002::/16 is all of 6to4, and no IPv4 host is in it. A name is itself,
/// without its subdomains, and is never resolved.
///
/// Bans are kept in the database, in the table peer_manager_bans, which is made with the first of them, and survive a
/// restart. In a file that stellar-core has made, which gets no further table, they last until peer_manager_free; and a
/// quarantine (peer_manager_get_quarantine) loses them. Cost: one transaction; linear in the table. Bans cost other calls a
/// look-up for each new address, linear in the length of the address, whatever the number of bans.
/// @param subject  a host, in any spelling, such as 203.0.113.7, 2001:db8::1 or example.org; or a prefix, such as
///                 203.0.113.0/24 or 2001:db8::/32, whose bits behind the length do not count
/// @param until    the first second at which it is over; INT64_MAX for good; a time that is not later than now is
///                 PEER_MANAGER_ERROR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_ban(
    pm: *mut peer_manager,
    subject: *const c_char,
    until: i64,
    out_removed: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_ban", pm, error, |manager| {
            let subject = self::subject(subject)?;
            let out_removed = handle::optional_output(out_removed, "out_removed")?;
            let removed = manager.ban(&subject, until)?;
            if let Some(out_removed) = out_removed {
                out_removed.write(removed);
            }
            Ok(())
        })
    }
}

/// Ends the ban of exactly this subject, or returns PEER_MANAGER_ERROR_NOT_FOUND when there is no such ban, or it has
/// ended. An address that another ban covers stays refused. Cost: one transaction. Since 0.2.0.
/// @param subject  a host or a prefix, in any spelling, as for peer_manager_ban
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_unban(
    pm: *mut peer_manager,
    subject: *const c_char,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_unban", pm, error, |manager| manager.unban(&self::subject(subject)?))
    }
}

/// Returns whether an address is banned now, so that a node can hang up on a connection from it. Its port is ignored, but
/// must be from 1 to 65535: with port 0 the answer is false. Cost: linear in the length of the address, whatever the number
/// of bans. Since 0.2.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_is_banned(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
) -> bool {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::answer_on("peer_manager_is_banned", pm, false, |manager| {
            let address = handle::any(address).and_then(|address| address.parse().ok());
            address.is_some_and(|address| manager.is_banned(&address).unwrap_or(false))
        })
    }
}

/// Lists the bans that have not ended: IPv4 first, then IPv6, each in the order of addresses, then names in alphabetical
/// order. Cost: that of sorting them, whatever the capacity. Since 0.2.0.
/// @param capacity   how many entries out has room for
/// @param out        receives the first bans, at most capacity of them
/// @param out_count  receives how many there are, which may be more than capacity
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_bans(
    pm: *mut peer_manager,
    capacity: usize,
    out: *mut peer_manager_ban_entry,
    out_count: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_get_bans", pm, error, |manager| {
            let out = handle::outputs(out, capacity, "out")?;
            let out_count = handle::output(out_count, "out_count")?;
            let bans = manager.get_bans()?;
            out.zip(bans.iter()).for_each(|(out, ban)| out.fill(|out| out.set(ban)));
            out_count.write(bans.len());
            Ok(())
        })
    }
}
