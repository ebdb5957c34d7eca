//! Options.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::path::PathBuf;
use std::time::Duration;

use super::sized::Growing;
use super::{boundary, handle, sized};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::netgroup::NameGroups;
use crate::options::{Durability, OnCorrupt, Options};
use crate::reach::Reach;

/// A call returns after its transaction is committed: the change survives a crash of the process. The default. If the call
/// fails because the disk failed after everything had been written, and the process ends before the next change, the next
/// start may still find the change.
pub const PEER_MANAGER_DURABILITY_COMMIT: u32 = 0;
/// A call returns after its transaction is committed and fsynced: the change survives a loss of power. If the disk fails,
/// as above.
pub const PEER_MANAGER_DURABILITY_SYNC: u32 = 1;
/// A change is applied to memory, and a background thread commits what has changed at most flush_interval_ms later, in
/// groups. A group is one transaction, and holds the table as it was at one point in time. A call that changes peers never
/// waits for the disk and never fails because of it; peer_manager_flush waits until everything is in the file, and reports
/// failure. A crash of the process loses what was not committed. In memory and on a borrowed connection it has no
/// effect.
pub const PEER_MANAGER_DURABILITY_DEFERRED: u32 = 2;

/// A damaged file is refused and left as it is. The default.
pub const PEER_MANAGER_ON_CORRUPT_FAIL: u32 = 0;
/// A file that would be refused with PEER_MANAGER_ERROR_CORRUPT (so also a sound database whose table peers is another
/// program's) is set aside: .damaged- and the time (UTC) are added to its name and those of its -wal and -shm. The peers
/// that can be read from it are put into a new file, and the peer manager opens; peer_manager_get_quarantine returns what
/// happened. Nothing is deleted, but the new file has no bans, data and histories.
pub const PEER_MANAGER_ON_CORRUPT_QUARANTINE: u32 = 1;

/// Everything is stored and drawn, and private addresses (peer_manager_address_is_private) are never told to others. The
/// default. Since 0.2.0.
pub const PEER_MANAGER_REACH_SPECIFICATION: u32 = 0;
/// For nodes on the Internet. Gossip (peer_manager_ensure_exists and _many) of an address that is new and not routable
/// (peer_manager_address_is_routable) is refused. If such an address gets into the table in another way (it is stored,
/// updated, imported or in the file), it is drawn only as a preferred peer, and never told to others. Since 0.2.0.
pub const PEER_MANAGER_REACH_PUBLIC: u32 = 1;
/// For one machine, a LAN, containers, test networks. Private addresses are told to others like any address, and a private
/// address with its port is a netgroup of its own. Since 0.2.0.
pub const PEER_MANAGER_REACH_PRIVATE: u32 = 2;

/// How a peer manager is opened. It is only read during the call. 0 or NULL in a field is its default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_options {
    /// sizeof(peer_manager_options), set by the initialiser.
    pub struct_size: u32,
    /// One of PEER_MANAGER_DURABILITY_*.
    pub durability: u32,
    /// The path of the database file, never a URI, created if there is none; NULL for a table in memory only. While it is
    /// open there are three more files next to it, with -wal, -shm and -lock added to its name, and while it is being set
    /// aside one with -salvage. So a file with a second name (a hard link) and one that is itself a mount point are refused:
    /// in a container, mount the directory. Do not replace the file while it is open.
    pub db_path: *const c_char,
    /// How long to wait for another connection's lock, or for another peer manager that has the file open to be freed, in
    /// milliseconds; 0 for 5000.
    pub busy_timeout_ms: u32,
    /// With DEFERRED, how long after the first change of a group the group is committed, in milliseconds; 0 for 100.
    pub flush_interval_ms: u32,
    /// One of PEER_MANAGER_ON_CORRUPT_*.
    pub on_corrupt: u32,
    /// Non-zero: every random choice follows rng_seed, for tests and simulations: the same calls at the same times get the
    /// same answers from the same version of the library. Anyone who knows the seed can predict them. After a fork, parent
    /// and child still choose differently.
    pub has_rng_seed: u32,
    /// The seed.
    pub rng_seed: u64,
    /// Returns the time; NULL for the system's clock. It may be called by many threads at once, and must return: no longjmp,
    /// no exception.
    pub clock: Option<unsafe extern "C" fn(clock_context: *mut c_void) -> i64>,
    /// Passed to clock; must stay valid until the peer manager is freed.
    pub clock_context: *mut c_void,
    /// The most peers in the table; 0 for no bound.
    ///
    /// A new peer in a full table, whether from gossip (peer_manager_ensure_exists) or from the application itself, evicts
    /// the inbound peer with the most failures: of its own netgroup if one there has failed, else of the table. (From 16 on,
    /// only 16 to 31, 32 to 63, 64 to 120 and more are told apart.) If no inbound peer has failed, the new one is refused.
    /// Outbound and preferred peers are not evicted, nor is any peer of the same batch, known or new. A change of a peer that
    /// is in the table is never refused.
    ///
    /// With keep_history, an outbound peer that is dead is evicted before a new one is refused: it has failed at least
    /// PEER_MANAGER_MAX_FAILURES times, and was not reached for 30 days (or, if nothing is known of that, since its history
    /// began). Preferred peers never are.
    ///
    /// Of a file with more peers the best are loaded: preferred before outbound before inbound, then those with fewer
    /// failures, then those whose rows come first. The rows of the others stay in the file and count as refused; the row of
    /// one that comes back as a new peer is overwritten.
    pub max_peers: u64,
    /// The most peers of one netgroup; 0 for no bound. As max_peers, but a new peer in a full netgroup evicts only a peer of
    /// that netgroup.
    ///
    /// A netgroup is an IPv4 /16, also for an IPv6 address that wraps or tunnels an IPv4 address (6to4, Teredo's client,
    /// NAT64, IPv4-translated); for other IPv6 addresses a /32, but a /36 of 2001:470::/32; names are grouped by name_groups.
    /// With PEER_MANAGER_REACH_PRIVATE, a private address with its port is one of its own. With asmap_path, all IP addresses
    /// of an autonomous system are one.
    pub max_peers_per_netgroup: u32,
    /// 0: peer_manager_get_peers_to_send draws anew each time. Otherwise it answers everyone from one shared list of drawn
    /// peers, which is used for this many seconds and a random time of up to half as many more, so that no peer learns the
    /// table by asking often, or learns when the next list is begun.
    pub share_cache_seconds: u32,
    /// How much of the table the shared list may hold at a time, 0 to 100: for each type, this percentage of the peers that
    /// have that type when the first of them is drawn, rounded down but at least one; 0 and 100 mean no limit. A type that is
    /// not asked for takes nothing from the others. Peers that are no longer in the table are replaced by others. While a new
    /// node's table is small, so is a percentage of it. Anything but 0 needs share_cache_seconds.
    pub share_max_percent: u32,
    /// Must be 0.
    pub reserved: u32,
    /// One of PEER_MANAGER_REACH_*. Since 0.2.0.
    pub reach: u32,
    /// 0: each name is a netgroup. 1: all DNS names together are one; .onion and .i2p are 16 each, by the first four bits of
    /// the key. Since 0.2.0.
    pub name_groups: u32,
    /// Non-zero: a peer_manager_history of each peer is kept and saved. peer_manager_load_history,
    /// peer_manager_query.heard_since and .reached_since need it, and max_peers and max_peers_per_netgroup find dead outbound
    /// peers by it. Since 0.2.0.
    ///
    /// It costs 20 bytes a peer in memory, and in the file a table of its own, peer_manager_history, which is written in the
    /// transaction of the change that a time belongs to. Gossip about a known peer writes at most once a day. In
    /// stellar-core's file there is no such table: there, histories end with the peer manager. Opened without this option,
    /// the file keeps the histories that it has, as long as their peers; peers that come meanwhile have none.
    pub keep_history: u32,
    /// The unit of the back-off in seconds, at most 3600; 0 for the specification's 10. Since 0.2.0.
    pub backoff_seconds: u32,
    /// How often the back-off doubles, at most 20; 0 for the specification's 10. Since 0.2.0.
    pub max_backoff_exponent: u32,
    /// Must be 0. Since 0.2.0.
    pub reserved2: u32,
    /// The path of a map of the Internet's autonomous systems (AS), in the format of Bitcoin Core's asmap.dat, which makes an
    /// operator who has many prefixes one netgroup; NULL for netgroups by prefix. Since 0.2.0.
    ///
    /// IP addresses whose AS the map knows are of one netgroup with all others of that AS, IPv4 and IPv6; the netgroups of
    /// others, and of names, are as without it. The file is read during the call, and not again. It is refused with
    /// PEER_MANAGER_ERROR_INVALID_ARGUMENT and the reason if it cannot be read, is not a regular file, has more than 16 MiB
    /// (a map of the whole Internet has some 1.5), is cut off, or is not a map by the rules that Bitcoin Core checks.
    ///
    /// Cost: the size of the file in memory, and about half a microsecond each time the netgroup of an IP address is
    /// needed.
    pub asmap_path: *const c_char,
}

impl Growing for peer_manager_options {
    const NAME: &'static str = "peer_manager_options";
    /// The size in 0.1.0, where it ended with `reserved`.
    const FIRST_SIZE: usize = offset_of!(Self, reach);
    const DEFAULT: Self = Self {
        struct_size: 0,
        durability: PEER_MANAGER_DURABILITY_COMMIT,
        db_path: std::ptr::null(),
        busy_timeout_ms: 0,
        flush_interval_ms: 0,
        on_corrupt: PEER_MANAGER_ON_CORRUPT_FAIL,
        has_rng_seed: 0,
        rng_seed: 0,
        clock: None,
        clock_context: std::ptr::null_mut(),
        max_peers: 0,
        max_peers_per_netgroup: 0,
        share_cache_seconds: 0,
        share_max_percent: 0,
        reserved: 0,
        reach: PEER_MANAGER_REACH_SPECIFICATION,
        name_groups: 0,
        keep_history: 0,
        backoff_seconds: 0,
        max_backoff_exponent: 0,
        reserved2: 0,
        asmap_path: std::ptr::null(),
    };
}

/// The caller's clock.
struct CallersClock {
    clock: unsafe extern "C" fn(*mut c_void) -> i64,
    context: *mut c_void,
}

// SAFETY: the header asks for a clock that may be called by any thread that uses the manager.
unsafe impl Send for CallersClock {}
// SAFETY: as above.
unsafe impl Sync for CallersClock {}

impl CallersClock {
    fn now(&self) -> i64 {
        // SAFETY: the header asks for a function that is valid with this context until the manager is freed.
        unsafe { (self.clock)(self.context) }
    }
}

/// Reads a caller's options.
pub(super) unsafe fn read(pointer: *const peer_manager_options) -> Result<Options> {
    // SAFETY: by contract the pointer is NULL or valid.
    let raw = unsafe { sized::read(pointer, "options") }?;
    for (field, name) in [(raw.reserved, "reserved"), (raw.reserved2, "reserved2")] {
        if field != 0 {
            return Err(Error::Unsupported(format!("options->{name} is not 0; initialise the options")));
        }
    }
    let mut options = Options::default();
    if !raw.db_path.is_null() {
        // SAFETY: by contract the text is NUL-terminated.
        options.db_path = Some(PathBuf::from(unsafe { handle::text(raw.db_path, "options->db_path") }?));
    }
    options.durability = durability(raw.durability)?;
    options.on_corrupt = on_corrupt(raw.on_corrupt)?;
    if raw.busy_timeout_ms != 0 {
        options.busy_timeout = Duration::from_millis(raw.busy_timeout_ms.into());
    }
    if raw.flush_interval_ms != 0 {
        options.flush_interval = Duration::from_millis(raw.flush_interval_ms.into());
    }
    options.rng_seed = (raw.has_rng_seed != 0).then_some(raw.rng_seed);
    if let Some(clock) = raw.clock {
        let clock = CallersClock { clock, context: raw.clock_context };
        options.clock = Clock::from_fn(move || clock.now());
    }
    options.max_peers = raw.max_peers;
    options.max_peers_per_netgroup = raw.max_peers_per_netgroup;
    options.share_cache_seconds = raw.share_cache_seconds;
    options.share_max_percent = raw.share_max_percent;
    options.reach = reach(raw.reach)?;
    options.name_groups = name_groups(raw.name_groups)?;
    options.keep_history = raw.keep_history != 0;
    options.backoff_seconds = raw.backoff_seconds;
    options.max_backoff_exponent = raw.max_backoff_exponent;
    if !raw.asmap_path.is_null() {
        // SAFETY: by contract the text is NUL-terminated.
        options.asmap_path =
            Some(PathBuf::from(unsafe { handle::text(raw.asmap_path, "options->asmap_path") }?));
    }
    Ok(options)
}

fn reach(number: u32) -> Result<Reach> {
    match number {
        PEER_MANAGER_REACH_SPECIFICATION => Ok(Reach::Specification),
        PEER_MANAGER_REACH_PUBLIC => Ok(Reach::Public),
        PEER_MANAGER_REACH_PRIVATE => Ok(Reach::Private),
        _ => Err(handle::unknown(
            number,
            "options->reach",
            "PEER_MANAGER_REACH_SPECIFICATION, _PUBLIC or _PRIVATE",
        )),
    }
}

fn name_groups(number: u32) -> Result<NameGroups> {
    match number {
        0 => Ok(NameGroups::Each),
        1 => Ok(NameGroups::ByKey),
        _ => Err(handle::unknown(number, "options->name_groups", "0 or 1")),
    }
}

fn durability(number: u32) -> Result<Durability> {
    match number {
        PEER_MANAGER_DURABILITY_COMMIT => Ok(Durability::Commit),
        PEER_MANAGER_DURABILITY_SYNC => Ok(Durability::Sync),
        PEER_MANAGER_DURABILITY_DEFERRED => Ok(Durability::Deferred),
        _ => Err(handle::unknown(
            number,
            "options->durability",
            "PEER_MANAGER_DURABILITY_COMMIT, _SYNC or _DEFERRED",
        )),
    }
}

/// The number of a durability.
pub(super) fn durability_number(durability: Durability) -> u32 {
    match durability {
        Durability::Commit => PEER_MANAGER_DURABILITY_COMMIT,
        Durability::Sync => PEER_MANAGER_DURABILITY_SYNC,
        Durability::Deferred => PEER_MANAGER_DURABILITY_DEFERRED,
    }
}

fn on_corrupt(number: u32) -> Result<OnCorrupt> {
    match number {
        PEER_MANAGER_ON_CORRUPT_FAIL => Ok(OnCorrupt::Fail),
        PEER_MANAGER_ON_CORRUPT_QUARANTINE => Ok(OnCorrupt::Quarantine),
        _ => {
            Err(handle::unknown(number, "options->on_corrupt", "PEER_MANAGER_ON_CORRUPT_FAIL or _QUARANTINE"))
        }
    }
}

/// Initialises options: a table in memory, COMMIT durability, the system's clock, no bounds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_options_init(options: *mut peer_manager_options, struct_size: usize) {
    boundary::answer("peer_manager_options_init", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { sized::init(options, struct_size) }
    });
}
