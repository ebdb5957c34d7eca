//! Whom to dial: the whole policy.
//!
//! Known peers come first: preferred ones, then those that were reached before, then those only heard of. Within a kind, a
//! network is drawn first, none of them twice and none that is connected, because an attacker has many addresses and few
//! networks; and each place goes to the most senior of several draws, because a flood cannot be old
//! ([`seniority`](crate::PeerQuery::seniority)). Now and then a peer that was only heard of is dialled and hung up on (a
//! feeler), so that the node knows many reachable peers when it needs them.
//!
//! Each rule is a query, so a node that wants another policy can make its own.

use super::PeerManager;
use crate::address::PeerAddress;
use crate::error::Result;
use crate::peer::REALLY_DEAD;
use crate::query::{PeerQuery, PeerTypeFilter};
use crate::sync::Ordering;
use crate::table::{Addresses, PeerTable};

/// The purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Purpose {
    /// To stay.
    Connect,
    /// To find out whether a peer that was only heard of can be reached, and to hang up.
    Feeler,
}

/// The order in which peers are drawn.
const KNOWN_FIRST: [PeerTypeFilter; 3] =
    [PeerTypeFilter::PreferredOnly, PeerTypeFilter::OutboundOnly, PeerTypeFilter::InboundOnly];

/// How many draws compete for the place of a peer that was reached before. These three numbers were found with the simulator in
/// `examples/eclipse`, whose README has the figures: they make the worst of its attacks least bad. With four, or two, an
/// attacker who has been there for days gets a third of the connections; with sixteen hardly fewer than with twelve.
const SENIORITY_OF_KNOWN: u32 = 12;

/// The same for a peer that was only heard of.
const SENIORITY_OF_NEW: u32 = 16;

/// The same for feelers: the peers that they reach become outbound, and in this order. With sixteen, twice as many of the
/// connections are hostile after a flood from the node's birth; with one, four times as much.
const SENIORITY_OF_FEELERS: u32 = 64;

/// With fewer netgroups than this for each place, netgroups are ignored: a small network of few operators must be able to form,
/// and no attacker can make a node lose the many netgroups that it knows.
const NETGROUPS_A_PLACE: usize = 2;

/// While offline, the longest wait after a failed attempt, in seconds.
const OFFLINE_WAIT: i64 = 60;

/// Peers to dial. A node that dials what [`next_to_dial`](Self::next_to_dial) returns, and reports how it went with
/// [`update`](Self::update), needs no query of its own.
impl PeerManager {
    /// Draws up to `size` peers to dial now; `busy` lists those that this node has dialled and is connected to, and those being
    /// dialled. Only peers are drawn that are due and have failed at most [`REALLY_DEAD`] times.
    ///
    /// - [`Purpose::Connect`], for `size` free places: preferred peers first, then outbound ones, then inbound ones. Of
    ///   outbound and inbound peers, one from each netgroup, and none from a netgroup that is busy or chosen already; for each
    ///   place a netgroup is drawn first, and the most [senior](PeerQuery::seniority) of twelve draws wins, of inbound peers of
    ///   sixteen. While the table has fewer netgroups than twice the places, busy and free, netgroups are ignored.
    /// - [`Purpose::Feeler`]: inbound peers to try and then hang up on, a netgroup drawn first, the most senior of 64 draws.
    ///
    /// A good loop: dial what this returns until eight are connected; try a feeler every two minutes; hang up one random
    /// connection every two hours, so that no attacker holds all places for ever, and call it busy for one round of dials;
    /// say when the node is [offline](Self::set_online); sleep until a place is free or the [next peer is
    /// due](Self::next_due).
    ///
    /// Cost: that of a few dozen draws by netgroup, whatever the size of the table; the first call looks at the netgroup of
    /// each peer in a table without bounds, and where hardly any peer is due, a call looks at many or all.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); [`Error::Internal`](crate::Error::Internal) after a panic.
    ///
    /// ```
    /// use peer_manager::{PeerManager, Purpose};
    ///
    /// let manager = PeerManager::new_in_memory()?;
    /// manager.ensure_exists(&"example.org:11625".parse()?)?;
    /// let connected = [];
    /// let to_dial = manager.next_to_dial(Purpose::Connect, &connected, 8 - connected.len())?;
    /// assert_eq!(to_dial, ["example.org:11625".parse()?]);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn next_to_dial(
        &self,
        purpose: Purpose,
        busy: &[PeerAddress],
        size: usize,
    ) -> Result<Vec<PeerAddress>> {
        let mut answer = Addresses::new();
        self.draw_to_dial(purpose, busy, size, &mut answer)?;
        Ok(answer.into_vec())
    }

    /// As [`next_to_dial`](Self::next_to_dial), into an empty answer.
    pub(crate) fn draw_to_dial(
        &self,
        purpose: Purpose,
        busy: &[PeerAddress],
        size: usize,
        answer: &mut Addresses,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut generator = self.random.generator();
        self.ask_arranged(Some(now), true, |table| {
            let connect;
            let feel;
            let queries: &[PeerQuery<'_>] = match purpose {
                Purpose::Connect => {
                    let is_small = is_small_network(table, busy.len().saturating_add(size));
                    connect = KNOWN_FIRST.map(|kind| choice(kind, busy, is_small));
                    &connect
                }
                Purpose::Feeler => {
                    let query = dialled(PeerTypeFilter::InboundOnly, busy);
                    feel =
                        [PeerQuery { max_per_netgroup: u32::MAX, seniority: SENIORITY_OF_FEELERS, ..query }];
                    &feel
                }
            };
            Ok(table.draw_in_turn(queries, Some(now), size, answer, generator.rng())?)
        })
    }

    /// When the next waiting peer becomes due, in seconds since the Unix epoch, so that a node need not poll; `None` if none
    /// waits. Peers that are due already do not count.
    ///
    /// Cost: a look at each second until then, at most nine hours, and at the peers that wait for the same second of another
    /// nine hours; if none becomes due within that time, linear in the table.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) after a panic.
    pub fn next_due(&self) -> Result<Option<i64>> {
        let now = self.clock.now();
        self.ask_arranged(Some(now), false, |table| Ok(table.next_due(now)))
    }

    /// Says whether the node itself is online; a manager starts online. While it is offline, a failed attempt
    /// ([`BackOffUpdate::Increase`](crate::BackOffUpdate::Increase)) leaves the number of failures as it is and has the peer
    /// wait for a minute at most, because the peer is not to blame: otherwise an outage of the node's own line makes all of its
    /// peers look dead. Such attempts are counted in the [stats](crate::Stats::forgiven_failures).
    ///
    /// A good rule: offline while fewer than two connections are up. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) after a panic.
    pub fn set_online(&self, is_online: bool) -> Result<()> {
        self.check_health()?;
        self.is_online.store(is_online, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether there are too few netgroups to consider them for this many places.
fn is_small_network(table: &PeerTable, places: usize) -> bool {
    table.netgroups() < places.saturating_mul(NETGROUPS_A_PLACE)
}

/// The query for peers of a kind to connect to, other than those that are busy.
fn choice(kind: PeerTypeFilter, busy: &[PeerAddress], is_small: bool) -> PeerQuery<'_> {
    let query = dialled(kind, busy);
    let seniority = match kind {
        PeerTypeFilter::PreferredOnly => return query,
        PeerTypeFilter::OutboundOnly => SENIORITY_OF_KNOWN,
        _ => SENIORITY_OF_NEW,
    };
    let query = PeerQuery { seniority, ..query };
    if is_small { query } else { PeerQuery { max_per_netgroup: 1, apart: true, ..query } }
}

/// All peers of a kind that may be dialled now.
fn dialled(kind: PeerTypeFilter, busy: &[PeerAddress]) -> PeerQuery<'_> {
    PeerQuery {
        use_next_attempt: true,
        max_num_failures: Some(REALLY_DEAD),
        type_filter: kind,
        exclude: busy,
        ..PeerQuery::everything()
    }
}

/// The record of a peer after an attempt failed while the node itself was offline: as it was before, except that it waits for a
/// minute at most.
pub(super) fn forgive(failed: &mut crate::PeerRecord, num_failures: u32, now: i64) {
    failed.num_failures = num_failures;
    failed.next_attempt = failed.next_attempt.min(now.saturating_add(OFFLINE_WAIT));
}
