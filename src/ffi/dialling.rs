//! Whom to dial.

use super::address::{self, peer_manager_address};
use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::{boundary, handle};
use crate::error::{Error, Result};
use crate::manager::Purpose;

/// The most failures with which a peer is still dialled: with more, stellar-core gives up on a peer, and removes it.
/// Since 0.2.0.
pub const PEER_MANAGER_REALLY_DEAD: u32 = 120;
const _: () = assert!(PEER_MANAGER_REALLY_DEAD == crate::peer::REALLY_DEAD, "C and Rust agree");

/// A connection that is to stay. Since 0.2.0.
pub const PEER_MANAGER_DIAL_CONNECT: u32 = 0;
/// A connection that finds out whether a peer that was only heard of can be reached, and is hung up. Since 0.2.0.
pub const PEER_MANAGER_DIAL_FEELER: u32 = 1;

fn purpose(number: u32) -> Result<Purpose> {
    match number {
        PEER_MANAGER_DIAL_CONNECT => Ok(Purpose::Connect),
        PEER_MANAGER_DIAL_FEELER => Ok(Purpose::Feeler),
        _ => Err(handle::unknown(number, "purpose", "PEER_MANAGER_DIAL_CONNECT or _FEELER")),
    }
}

/// Draws up to size peers to dial now: the whole policy in one call. A node that dials what this returns, and reports the
/// outcomes with peer_manager_update, needs no query of its own. Only peers that are due and have failed at most
/// PEER_MANAGER_REALLY_DEAD times are drawn. Since 0.2.0.
///
/// PEER_MANAGER_DIAL_CONNECT, for size free places: preferred peers first, then outbound ones, then inbound ones. Of
/// outbound and inbound peers one of each netgroup, and none of a netgroup that is busy or chosen already; for each place a
/// netgroup is drawn first, and the most senior (peer_manager_query.seniority) of twelve draws wins, of inbound peers of
/// sixteen. While the table has fewer netgroups than twice the places, busy and free, netgroups are not looked at, so that
/// a small network of few operators can form.
///
/// PEER_MANAGER_DIAL_FEELER: inbound peers to try and then hang up on, a netgroup drawn first, the most senior of 64 draws:
/// a peer that a feeler reaches is an outbound peer from then on.
///
/// The loop of a node, which wants eight outbound connections:
/// - after opening, and before each outcome is reported, say whether the node is online (peer_manager_set_online): while
///   fewer than two of these connections stand, it is not;
/// - while places are free, that is, neither connected nor being dialled, dial what this returns for them. Report a peer
///   that has shown that it speaks the protocol with peer_manager_update, PEER_MANAGER_TYPE_OUTBOUND and
///   PEER_MANAGER_BACKOFF_RESET; one that does not answer, or has no place, with PEER_MANAGER_BACKOFF_INCREASE. The later
///   end of a connection is nothing to report, nor is a failure of the node's own system;
/// - every two minutes, dial one feeler, report it in the same way, and hang up;
/// - every two hours, hang up one connection, drawn at random, so that a patient attacker does not keep its places. In the
///   next round of dials that peer counts as busy: it is known and due, and might get its place back;
/// - ask each peer for addresses when it connects, and now and then later while places are free;
/// - sleep until the first of these: a connection ends; the next feeler, rotation or round; while a place is free, the time
///   that peer_manager_next_due returns, but half a minute at least after a round in which dials failed, because offline
///   all peers become due within a minute; a minute, in case the clock is set;
/// - go on when an outcome is refused: PEER_MANAGER_ERROR_LIMIT if the peer was evicted meanwhile,
///   PEER_MANAGER_ERROR_REFUSED if it has turned out to be the node itself.
///
/// Cost: that of a few dozen draws with max_per_netgroup, and of busy_count look-ups; the first call on a table without
/// bounds looks at the netgroup of each peer, and where hardly any peer is due, as after a clock was set back, a call looks
/// at many or all.
/// @param purpose  PEER_MANAGER_DIAL_CONNECT or PEER_MANAGER_DIAL_FEELER
/// @param busy     the peers that this node has dialled: connections, feelers, and dials under way; in any order. Not those
///                 that have connected to it: an attacker could connect from many netgroups, and keep the node from
///                 dialling into them
/// @param size     how many are wanted: the free places
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_next_to_dial(
    pm: *mut peer_manager,
    purpose: u32,
    busy: *const peer_manager_address,
    busy_count: usize,
    size: usize,
    out: *mut peer_manager_address,
    out_count: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_next_to_dial", pm, error, |manager| {
            let purpose = self::purpose(purpose)?;
            let busy = address::addresses(busy, busy_count, "busy")?;
            address::write_answer(out, size, out_count, |peers| {
                manager.draw_to_dial(purpose, &busy, size, peers)
            })
        })
    }
}

/// Returns when the next waiting peer becomes due, so that a node need not poll, or PEER_MANAGER_ERROR_NOT_FOUND if no peer
/// waits. Peers that are due already do not count. Since 0.2.0.
///
/// Cost: a look at each second until then, at most nine hours, and at the peers that have a time in the same second of
/// another nine hours; where none becomes due within that time, linear in the table.
/// @param out  receives the time
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_next_due(
    pm: *mut peer_manager,
    out: *mut i64,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_next_due", pm, error, |manager| {
            let out = handle::output(out, "out")?;
            out.write(manager.next_due()?.ok_or(Error::NoneWaits)?);
            Ok(())
        })
    }
}

/// Sets whether the node itself is online; a peer manager starts online. While it is offline, PEER_MANAGER_BACKOFF_INCREASE
/// leaves num_failures as it is and has the peer wait for a minute at most, because the peer is not to blame: otherwise an
/// outage of the node's own line makes all of its peers look dead. peer_manager_stats.forgiven_failures counts them.
/// Since 0.2.0.
///
/// A good rule: offline while fewer than two outbound connections stand, set after opening and before each outcome is
/// reported. (In a network of two nodes that is always so, and failures never count.)
/// @param online  0: offline; any other number: online
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_set_online(
    pm: *mut peer_manager,
    online: u8,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_set_online", pm, error, |manager| manager.set_online(online != 0))
    }
}

/// Replaces the list of the node's own addresses, because gossip brings them back and the node would dial itself. Those
/// that are in the table are removed, in one transaction; from then on they are refused, so they are never drawn and never
/// told to others. Since 0.2.0.
///
/// The list lives in memory only: a node sets it after each opening, and whenever it learns an address of its own, such as
/// that of its socket when it has reached itself. The word of a stranger is no reason: the peer would be removed. When the
/// database refuses the removal, the list is as it was. Cost: one transaction if peers are removed; linear in the list.
/// @param count  how many; 0 empties the list
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_set_own_addresses(
    pm: *mut peer_manager,
    addresses: *const peer_manager_address,
    count: usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_set_own_addresses", pm, error, |manager| {
            manager.set_own_addresses(address::addresses(addresses, count, "addresses")?)
        })
    }
}
