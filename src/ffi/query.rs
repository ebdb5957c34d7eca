//! Choosing peers.

use super::address::{self, peer_manager_address};
use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::sized::Growing;
use super::{boundary, handle, sized};
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::network::Networks;
use crate::query::{PeerQuery, PeerTypeFilter};

/// Inbound peers only.
pub const PEER_MANAGER_FILTER_INBOUND_ONLY: u32 = 0;
/// Outbound peers only.
pub const PEER_MANAGER_FILTER_OUTBOUND_ONLY: u32 = 1;
/// Preferred peers only.
pub const PEER_MANAGER_FILTER_PREFERRED_ONLY: u32 = 2;
/// Outbound and preferred peers.
pub const PEER_MANAGER_FILTER_ANY_OUTBOUND: u32 = 3;
/// Every peer.
pub const PEER_MANAGER_FILTER_ANY: u32 = 4;
/// Inbound and outbound peers: to tell strangers nothing of the operator's own peers. Since 0.2.0.
pub const PEER_MANAGER_FILTER_NOT_PREFERRED: u32 = 5;

/// Which peers are eligible.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_query {
    /// sizeof(peer_manager_query), set by the initialiser.
    pub struct_size: u32,
    /// One of PEER_MANAGER_FILTER_*; PEER_MANAGER_FILTER_ANY_OUTBOUND by default.
    pub type_filter: u32,
    /// Non-zero, the default: only peers with next_attempt <= now.
    pub use_next_attempt: u32,
    /// Non-zero, the default: only peers with num_failures <= max_num_failures.
    pub has_max_num_failures: u32,
    /// The most failures; PEER_MANAGER_REALLY_DEAD by default.
    pub max_num_failures: u32,
    /// 0, the default: every eligible peer is equally likely. Otherwise each draw first picks a netgroup
    /// (peer_manager_options.max_peers_per_netgroup), uniformly among those with an eligible peer left, then a peer in it,
    /// uniformly, and takes at most this many from any one netgroup: an attacker's share is the share of netgroups it holds,
    /// not of addresses. Excluded peers do not count.
    pub max_per_netgroup: u32,
    /// Peers to leave out, such as those connected now, in any spelling and order, known or not; an invalid address is
    /// PEER_MANAGER_ERROR_INVALID_ADDRESS with its index. Borrowed for the call.
    pub exclude: *const peer_manager_address,
    /// How many.
    pub exclude_count: usize,
    /// 0 or 1, the default: off. Otherwise, at most 64: each place in the answer goes to the most senior of this many draws,
    /// each made as if it were for that place alone. Since 0.2.0.
    ///
    /// Of inbound peers, the one that was heard of first is the most senior; of outbound and preferred ones, the one that
    /// first became outbound or preferred; a peer that is stored or imported is new at that time. Seniority lasts through
    /// restarts, failures and changes between outbound and preferred, and ends with removal. A flood cannot be old, so it
    /// wins few places. (The principle is Kademlia's preference for old contacts: P. Maymounkov and D. Mazieres, 2002.)
    ///
    /// It costs the file nothing: the order of its rows is the order of seniority. A file whose table peers is WITHOUT ROWID
    /// keeps none: there, peers are in the order of their keys after a restart.
    pub seniority: u32,
    /// Non-zero: leaves out every peer of a netgroup that an address in exclude is in. Since 0.2.0.
    pub apart: u32,
    /// 0, the default: all networks. Otherwise a sum of PEER_MANAGER_NETWORK_*: only peers with such addresses. Peers of
    /// other networks cost a draw each, and where they are most, the query is linear in the admitted peers. Since 0.2.0.
    pub networks: u32,
    /// For peer_manager_get_peers_to_send with peer_manager_options.share_cache_seconds: which of the shared lists answers,
    /// from 0 to 15. With one for each network and each local address, a peer that asks over two of them cannot tell by the
    /// answers that it is one node. Since 0.2.0.
    pub share_key: u32,
    /// 0, the default: any. Otherwise only peers that were heard of, or else reached, at or after this time. Needs
    /// peer_manager_options.keep_history, else it is PEER_MANAGER_ERROR_INVALID_ARGUMENT. A peer is heard of to the day: see
    /// peer_manager_history.last_heard. Peers that are left out cost as those of other networks. Since 0.2.0.
    pub heard_since: i64,
    /// 0, the default: any. Otherwise only peers reached at or after this time. As heard_since. Since 0.2.0.
    pub reached_since: i64,
}

/// IPv4 addresses. Since 0.2.0.
pub const PEER_MANAGER_NETWORK_IPV4: u32 = 1;
/// IPv6 addresses, also those that wrap an IPv4 address. Since 0.2.0.
pub const PEER_MANAGER_NETWORK_IPV6: u32 = 2;
/// Tor's onion services: names that end in .onion. Since 0.2.0.
pub const PEER_MANAGER_NETWORK_ONION: u32 = 4;
/// I2P's destinations: names that end in .i2p. Since 0.2.0.
pub const PEER_MANAGER_NETWORK_I2P: u32 = 8;
/// All other names. Since 0.2.0.
pub const PEER_MANAGER_NETWORK_NAME: u32 = 16;

impl Growing for peer_manager_query {
    const NAME: &'static str = "peer_manager_query";
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, seniority);
    const DEFAULT: Self = Self {
        struct_size: 0,
        type_filter: PEER_MANAGER_FILTER_ANY_OUTBOUND,
        use_next_attempt: 1,
        has_max_num_failures: 1,
        max_num_failures: crate::peer::REALLY_DEAD,
        max_per_netgroup: 0,
        exclude: std::ptr::null(),
        exclude_count: 0,
        seniority: 0,
        apart: 0,
        networks: 0,
        share_key: 0,
        heard_since: 0,
        reached_since: 0,
    };
}

/// Every peer, whatever its type, its failures and its next attempt.
const EVERYTHING: peer_manager_query = peer_manager_query {
    type_filter: PEER_MANAGER_FILTER_ANY,
    use_next_attempt: 0,
    has_max_num_failures: 0,
    ..<peer_manager_query as Growing>::DEFAULT
};

/// How messages refer to a query and its fields.
struct ArgumentNames {
    query: &'static str,
    type_filter: &'static str,
    exclude: &'static str,
    networks: &'static str,
}

const QUERY: ArgumentNames = ArgumentNames {
    query: "query",
    type_filter: "query->type_filter",
    exclude: "query->exclude",
    networks: "query->networks",
};
const FILTER: ArgumentNames = ArgumentNames {
    query: "filter",
    type_filter: "filter->type_filter",
    exclude: "filter->exclude",
    networks: "filter->networks",
};

impl peer_manager_query {
    /// The addresses to leave out.
    unsafe fn excluded(&self, names: &ArgumentNames) -> Result<Vec<PeerAddress>> {
        // SAFETY: by contract the pointer is valid for the count.
        unsafe { address::addresses(self.exclude, self.exclude_count, names.exclude) }
    }

    /// The query, with what [`excluded`](Self::excluded) returned.
    fn query<'a>(&self, exclude: &'a [PeerAddress], names: &ArgumentNames) -> Result<PeerQuery<'a>> {
        Ok(PeerQuery {
            use_next_attempt: self.use_next_attempt != 0,
            max_num_failures: (self.has_max_num_failures != 0).then_some(self.max_num_failures),
            type_filter: type_filter(self.type_filter, names.type_filter)?,
            max_per_netgroup: self.max_per_netgroup,
            exclude,
            seniority: self.seniority,
            apart: self.apart != 0,
            networks: networks(self.networks, names.networks)?,
            share_key: self.share_key,
            heard_since: self.heard_since,
            reached_since: self.reached_since,
        })
    }
}

fn type_filter(number: u32, name: &str) -> Result<PeerTypeFilter> {
    match number {
        PEER_MANAGER_FILTER_INBOUND_ONLY => Ok(PeerTypeFilter::InboundOnly),
        PEER_MANAGER_FILTER_OUTBOUND_ONLY => Ok(PeerTypeFilter::OutboundOnly),
        PEER_MANAGER_FILTER_PREFERRED_ONLY => Ok(PeerTypeFilter::PreferredOnly),
        PEER_MANAGER_FILTER_ANY_OUTBOUND => Ok(PeerTypeFilter::AnyOutbound),
        PEER_MANAGER_FILTER_ANY => Ok(PeerTypeFilter::Any),
        PEER_MANAGER_FILTER_NOT_PREFERRED => Ok(PeerTypeFilter::NotPreferred),
        _ => Err(handle::unknown(
            number,
            name,
            "PEER_MANAGER_FILTER_INBOUND_ONLY, _OUTBOUND_ONLY, _PREFERRED_ONLY, _ANY_OUTBOUND, _ANY or _NOT_PREFERRED",
        )),
    }
}

fn networks(bits: u32, name: &str) -> Result<Networks> {
    Networks::from_bits(bits).ok_or_else(|| {
        Error::InvalidArgument(format!(
            "{name} is {bits}, which is not a sum of PEER_MANAGER_NETWORK_IPV4, _IPV6, _ONION, _I2P and _NAME"
        ))
    })
}

/// Initialises a query for peers to dial: outbound and preferred peers whose next attempt is due and that have failed at
/// most PEER_MANAGER_REALLY_DEAD times (10 in 0.1, which after an outage of the node's own line left it with no eligible
/// peer).
///
/// In a new node it finds no peers, because every peer is inbound until a dial succeeds. peer_manager_next_to_dial draws
/// peers to dial without a query.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_query_init(query: *mut peer_manager_query, struct_size: usize) {
    boundary::answer("peer_manager_query_init", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { sized::init(query, struct_size) }
    });
}

/// Draws min(size, eligible) peers: uniformly, without replacement, in random order. With max_per_netgroup, each draw picks
/// a netgroup first, and at most that many peers come from each.
///
/// Cost: depends on size and query->exclude_count, not on the table; peers that have become due since the last query are
/// moved first, a few steps each, and at most a millisecond or two of them in one call. A max_num_failures above 15 other
/// than 31, 63, 120 and UINT32_MAX costs more where it leaves out most of the peers. The first query with max_per_netgroup
/// of a table without bounds is linear in the table, which it locks for moments only; from then on the netgroups are kept
/// up to date.
/// @param query  which peers are eligible; a field beyond its range is PEER_MANAGER_ERROR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_load_random_peers(
    pm: *mut peer_manager,
    query: *const peer_manager_query,
    size: usize,
    out: *mut peer_manager_address,
    out_count: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_load_random_peers", pm, error, |manager| {
            let query = sized::read(query, QUERY.query)?;
            let excluded = query.excluded(&QUERY)?;
            let query = query.query(&excluded, &QUERY)?;
            address::write_answer(out, size, out_count, |peers| manager.draw(&query, size, peers))
        })
    }
}

/// Draws peers to tell another peer about: preferred before outbound before inbound, at random within each. Private
/// addresses are left out (but see peer_manager_options.reach), and so is exclude.
///
/// With peer_manager_options.share_cache_seconds everyone is answered from the same shared list for a while, in the same
/// order: preferred before outbound before inbound, by the type that they had when they were drawn, so that no peer moves
/// to the front when this node reaches it. The list grows when an answer would be shorter than asked for, up to
/// share_max_percent of the peers of each type. Peers that were removed, or that the filter no longer admits, are never in
/// an answer.
///
/// Cost: as peer_manager_load_random_peers; with share_cache_seconds, linear in the shared list, which is about as long as
/// the longest answer, and longer if queries differ or peers are removed. Such calls wait for each other.
/// @param filter   which peers are eligible; NULL for every type, whatever its failures and next attempt
/// @param exclude  the peer that asks, because it knows its own address; may be NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_peers_to_send(
    pm: *mut peer_manager,
    filter: *const peer_manager_query,
    exclude: *const peer_manager_address,
    size: usize,
    out: *mut peer_manager_address,
    out_count: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_get_peers_to_send", pm, error, |manager| {
            let filter = if filter.is_null() { EVERYTHING } else { sized::read(filter, FILTER.query)? };
            let excluded = filter.excluded(&FILTER)?;
            let filter = filter.query(&excluded, &FILTER)?;
            let exclude =
                handle::optional(exclude, "exclude")?.map(peer_manager_address::parse).transpose()?;
            address::write_answer(out, size, out_count, |peers| {
                *peers = manager.draw_to_send(&filter, exclude.as_ref(), size)?;
                Ok(())
            })
        })
    }
}
