//! Choosing peers.

use super::address::{self, peer_manager_address};
use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::sized::Growing;
use super::{boundary, handle, sized};
use crate::address::PeerAddress;
use crate::error::Result;
use crate::query::{PeerQuery, PeerTypeFilter};
use crate::table::Addresses;

/// Inbound peers only. Since 0.1.0.
pub const PEER_MANAGER_FILTER_INBOUND_ONLY: u32 = 0;
/// Outbound peers only. Since 0.1.0.
pub const PEER_MANAGER_FILTER_OUTBOUND_ONLY: u32 = 1;
/// Preferred peers only. Since 0.1.0.
pub const PEER_MANAGER_FILTER_PREFERRED_ONLY: u32 = 2;
/// Outbound and preferred peers. Since 0.1.0.
pub const PEER_MANAGER_FILTER_ANY_OUTBOUND: u32 = 3;
/// Every peer. Since 0.1.0.
pub const PEER_MANAGER_FILTER_ANY: u32 = 4;

/// Which peers are eligible. Initialise it with PEER_MANAGER_QUERY_INIT or peer_manager_query_init, then set what
/// differs. Since 0.1.0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_query {
    /// sizeof(peer_manager_query), set by the initialiser.
    pub struct_size: u32,
    /// PEER_MANAGER_FILTER_INBOUND_ONLY, _OUTBOUND_ONLY, _PREFERRED_ONLY, _ANY_OUTBOUND (the default) or _ANY.
    pub type_filter: u32,
    /// Non-zero, the default: only peers with next_attempt <= now.
    pub use_next_attempt: u32,
    /// Non-zero, the default: only peers with num_failures <= max_num_failures.
    pub has_max_num_failures: u32,
    /// The most failures; 10 by default.
    pub max_num_failures: u32,
    /// 0, the default: every eligible peer is equally likely. Otherwise each draw first picks a netgroup, uniformly
    /// among those with an eligible peer left, then a peer in it, uniformly, and takes at most this many from any one
    /// netgroup: an attacker's share is the share of netgroups it holds, not of addresses. Excluded peers do not count.
    pub max_per_netgroup: u32,
    /// Peers to leave out, e.g. those connected now, in any spelling and order, known or not; NULL when
    /// exclude_count is 0. Borrowed for the call.
    pub exclude: *const peer_manager_address,
    /// How many.
    pub exclude_count: usize,
}

impl Growing for peer_manager_query {
    const NAME: &'static str = "peer_manager_query";
    const FIRST_SIZE: usize = size_of::<Self>();
    const DEFAULT: Self = Self {
        struct_size: 0,
        type_filter: PEER_MANAGER_FILTER_ANY_OUTBOUND,
        use_next_attempt: 1,
        has_max_num_failures: 1,
        max_num_failures: crate::peer::MAX_FAILURES,
        max_per_netgroup: 0,
        exclude: std::ptr::null(),
        exclude_count: 0,
    };
}

/// A query, and the addresses that it excludes.
struct OwnedQuery {
    query: PeerQuery<'static>,
    exclude: Vec<PeerAddress>,
}

/// How messages refer to a query and its fields.
struct ArgumentNames {
    query: &'static str,
    type_filter: &'static str,
    exclude: &'static str,
}

const QUERY: ArgumentNames =
    ArgumentNames { query: "query", type_filter: "query->type_filter", exclude: "query->exclude" };
const FILTER: ArgumentNames =
    ArgumentNames { query: "filter", type_filter: "filter->type_filter", exclude: "filter->exclude" };

impl OwnedQuery {
    unsafe fn read(pointer: *const peer_manager_query, names: &ArgumentNames) -> Result<Self> {
        // SAFETY: by contract the pointer is NULL or valid.
        let raw = unsafe { sized::read(pointer, names.query) }?;
        let query = PeerQuery {
            use_next_attempt: raw.use_next_attempt != 0,
            max_num_failures: (raw.has_max_num_failures != 0).then_some(raw.max_num_failures),
            type_filter: type_filter(raw.type_filter, names.type_filter)?,
            max_per_netgroup: raw.max_per_netgroup,
            exclude: &[],
        };
        // SAFETY: by contract the pointer is valid for the count.
        let exclude = unsafe { address::addresses(raw.exclude, raw.exclude_count, names.exclude) }?;
        Ok(Self { query, exclude })
    }

    fn as_query(&self) -> PeerQuery<'_> {
        PeerQuery { exclude: &self.exclude, ..self.query }
    }
}

fn type_filter(number: u32, name: &str) -> Result<PeerTypeFilter> {
    match number {
        PEER_MANAGER_FILTER_INBOUND_ONLY => Ok(PeerTypeFilter::InboundOnly),
        PEER_MANAGER_FILTER_OUTBOUND_ONLY => Ok(PeerTypeFilter::OutboundOnly),
        PEER_MANAGER_FILTER_PREFERRED_ONLY => Ok(PeerTypeFilter::PreferredOnly),
        PEER_MANAGER_FILTER_ANY_OUTBOUND => Ok(PeerTypeFilter::AnyOutbound),
        PEER_MANAGER_FILTER_ANY => Ok(PeerTypeFilter::Any),
        _ => Err(handle::unknown(
            number,
            name,
            "PEER_MANAGER_FILTER_INBOUND_ONLY, _OUTBOUND_ONLY, _PREFERRED_ONLY, _ANY_OUTBOUND or _ANY",
        )),
    }
}

/// Initialises a query for peers to dial: outbound and preferred peers whose next attempt is due and that have failed at
/// most 10 times.
///
/// In a new node it finds no peers, because every peer is inbound until a dial succeeds. A node queries with
/// PEER_MANAGER_FILTER_PREFERRED_ONLY first, then _OUTBOUND_ONLY, then _INBOUND_ONLY for the places that are left.
///
/// @param query        the struct to initialise; NULL does nothing
/// @param struct_size  sizeof(peer_manager_query) as the caller knows it; at most that many bytes are written
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_query_init(query: *mut peer_manager_query, struct_size: usize) {
    boundary::answer("peer_manager_query_init", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { sized::init(query, struct_size) }
    });
}

/// Draws min(size, eligible) peers: uniformly, without replacement, in random order. With max_per_netgroup, each draw
/// picks a netgroup first, and at most that many peers come from each.
///
/// Cost: depends on size and query->exclude_count, not on the table; peers that have become due since the last query
/// are moved first, a few steps each, and at most a millisecond or two of them in one call. A max_num_failures above 15
/// other than 31, 63, 120 and UINT32_MAX costs more where it leaves out most of the peers. The first query with
/// max_per_netgroup of a table without bounds is linear in the table, which it locks for moments only; from then on the
/// netgroups are kept up to date. Never waits for the disk.
///
/// @param pm         the peer manager
/// @param query      which peers are eligible
/// @param size       how many are wanted, the capacity of out; 0 is fine
/// @param out        receives the addresses; may be NULL when size is 0
/// @param out_count  receives how many there are
/// @param error      receives what failed; may be NULL
/// @return PEER_MANAGER_OK, also when there are fewer or none; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL, an unknown
///         enumerator, a bad struct_size and sizes too large for any memory; PEER_MANAGER_ERROR_INVALID_ADDRESS with the
///         index of the first invalid one in query->exclude; PEER_MANAGER_ERROR_UNSUPPORTED for a field that this version
///         does not know; PEER_MANAGER_ERROR_NO_MEMORY; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
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
        boundary::call_on("peer_manager_load_random_peers", pm, error, |manager| {
            let query = OwnedQuery::read(query, &QUERY)?;
            let out = handle::outputs(out, size, "out")?;
            let out_count = handle::output(out_count, "out_count")?;
            let mut peers = Addresses::new();
            manager.draw(&query.as_query(), size, &mut peers)?;
            out.zip(peers.iter()).for_each(|(out, address)| out.fill(|out| out.set(address)));
            out_count.write(peers.len());
            Ok(())
        })
    }
}

/// Draws peers to tell another peer about: never private addresses, never exclude; preferred before outbound before
/// inbound, at random within each.
///
/// With peer_manager_options.share_cache_seconds everyone is answered from the same shared list for a while, in the same
/// order: preferred before outbound before inbound, by the type that they have now. The list grows when an answer would be
/// shorter than asked for, up to share_max_percent of the peers of each type. Peers that were removed, or that the filter no
/// longer admits, are never in an answer.
///
/// Cost: as peer_manager_load_random_peers; with share_cache_seconds, linear in the shared list, which is about as long as
/// the longest answer, and longer if queries differ or peers are removed. Such calls wait for each other.
///
/// @param pm         the peer manager
/// @param filter     which peers are eligible; NULL for every type, whatever its failures and next attempt
/// @param exclude    the peer that asks, because it knows its own address; may be NULL
/// @param size       how many are wanted, the capacity of out; 0 is fine
/// @param out        receives the addresses; may be NULL when size is 0
/// @param out_count  receives how many there are
/// @param error      receives what failed; may be NULL
/// @return as peer_manager_load_random_peers; PEER_MANAGER_ERROR_INVALID_ADDRESS also when exclude is no address
///
/// Thread-safe. Since 0.1.0.
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
        boundary::call_on("peer_manager_get_peers_to_send", pm, error, |manager| {
            let filter = if filter.is_null() {
                OwnedQuery { query: PeerQuery::everything(), exclude: Vec::new() }
            } else {
                OwnedQuery::read(filter, &FILTER)?
            };
            let exclude =
                handle::optional(exclude, "exclude")?.map(peer_manager_address::parse).transpose()?;
            let out = handle::outputs(out, size, "out")?;
            let out_count = handle::output(out_count, "out_count")?;
            let peers = manager.draw_to_send(&filter.as_query(), exclude.as_ref(), size)?;
            out.zip(peers.iter()).for_each(|(out, address)| out.fill(|out| out.set(address)));
            out_count.write(peers.len());
            Ok(())
        })
    }
}
