//! The bans: hosts and prefixes that are refused until a time.
//!
//! Whether an address is banned costs the length of the address, whatever the number of bans: hosts, which most bans are of,
//! are looked up in a map, and prefixes in trees, one for each family. The trees come from a crate. A lookup in one goes
//! through all prefixes that contain an address, from the shortest to the longest. A ban that has ended does not hide one of a
//! shorter prefix that has not: an address is banned as long as any ban of it lasts.
//!
//! A ban lasts while the clock is before its end. One that has ended stays here, and in the file, until the bans are next
//! changed.

mod changes;
mod subject;

use std::collections::HashMap;
use std::fmt;
use std::net::Ipv6Addr;

use prefix_trie::{Prefix, PrefixMap};

use crate::address::{Host, PeerAddress};
use crate::error::{Error, Result};
use crate::memory;
use crate::sort::sort;
pub use subject::BanSubject;
use subject::{Subject, V4_BITS, V6_BITS};

pub(crate) use changes::{BanChange, merge};

/// A ban, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The host or prefix that is banned.
    pub subject: BanSubject,
    /// The first second, since the Unix epoch, at which it is no longer banned; `i64::MAX` for good.
    pub until: i64,
}

/// The state of a ban.
#[derive(Clone, Copy, Debug)]
struct Entry {
    until: i64,
    /// Whether the file has a row of it, or will have one once the changes that were taken last are written.
    is_on_file: bool,
}

/// All bans.
pub(crate) struct Bans {
    all: HashMap<BanSubject, Entry>,
    /// When the ban of each prefix with more than one host ends.
    v4: PrefixMap<subject::Prefix<u32>, i64>,
    v6: PrefixMap<subject::Prefix<u128>, i64>,
    /// No ban ends before this time.
    first_end: i64,
    /// For a manager that writes later: what has changed since changes were last taken, and whether the file has a row of it.
    dirty: Option<HashMap<BanSubject, bool>>,
}

impl Default for Bans {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            v4: PrefixMap::new(),
            v6: PrefixMap::new(),
            first_end: i64::MAX,
            dirty: None,
        }
    }
}

/// Reading.
impl Bans {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many bans there are, those that have ended included.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many bans last at `now`. Cost: constant; linear if one may have ended since the bans were last changed.
    pub(crate) fn lasting(&self, now: i64) -> usize {
        self.all.len() - self.ended(now).count()
    }

    /// The bans that have ended.
    fn ended(&self, now: i64) -> impl Iterator<Item = &BanSubject> {
        let may_have_ended = self.first_end <= now;
        let ended = self.all.iter().filter(move |(_, entry)| !lasts(entry.until, now));
        may_have_ended.then_some(ended).into_iter().flatten().map(|(subject, _)| subject)
    }

    /// Whether there is a ban of exactly this, which lasts at `now`.
    pub(crate) fn has(&self, subject: &BanSubject, now: i64) -> bool {
        self.all.get(subject).is_some_and(|entry| lasts(entry.until, now))
    }

    /// The ban that an address is under at `now`: of several, the one with the longest prefix.
    ///
    /// Cost: linear in the length of the address.
    pub(crate) fn find(&self, address: &PeerAddress, now: i64) -> Option<Ban> {
        if self.is_empty() {
            return None;
        }
        let subject = BanSubject::from(address.host());
        if let Some(&Entry { until, .. }) = self.all.get(&subject).filter(|entry| lasts(entry.until, now)) {
            return Some(Ban { subject, until });
        }
        let in_v4 = |host: &subject::Prefix<u32>| {
            longest(&self.v4, host, now).map(|(prefix, until)| (Subject::V4(prefix), until))
        };
        let in_v6 = |ip: &Ipv6Addr| {
            longest(&self.v6, &(ip.to_bits(), V6_BITS), now)
                .map(|(prefix, until)| (Subject::V6(prefix), until))
        };
        let in_own_bits = if let Host::V6(ip) = address.host() { in_v6(ip) } else { None };
        // An address that wraps an IPv4 host counts as that host, too.
        let found =
            in_own_bits.or_else(|| if let Subject::V4(host) = &subject.0 { in_v4(host) } else { None });
        found.map(|(subject, until)| Ban { subject: BanSubject(subject), until })
    }

    /// All bans that last at `now`, in no particular order. Cost: linear.
    pub(crate) fn list(&self, now: i64) -> memory::Result<Vec<Ban>> {
        let lasting = self.all.iter().filter(|(_, entry)| lasts(entry.until, now));
        memory::collect(lasting.map(|(subject, entry)| Ban { subject: subject.clone(), until: entry.until }))
    }
}

/// The same in order: IPv4, then IPv6, each in the order of its bits, then names in the order of their letters. Cost: that of
/// sorting.
pub(crate) fn in_order(bans: &[Ban]) -> memory::Result<Vec<Ban>> {
    let mut order = memory::collect((0..).take(bans.len()))?;
    sort(&mut order, &mut |a, b| bans[a as usize].subject.cmp(&bans[b as usize].subject));
    memory::collect(order.iter().map(|&at| bans[at as usize].clone()))
}

/// Whether a ban with this end lasts at `now`. A ban for good lasts even in the last second that there is.
pub(crate) fn lasts(until: i64, now: i64) -> bool {
    now < until || until == i64::MAX
}

/// The longest of the prefixes that contain a host and whose bans last at `now`, and when its ban ends.
fn longest<P: Prefix>(tree: &PrefixMap<P, i64>, host: &P, now: i64) -> Option<(P, i64)> {
    let (prefix, &until) = tree.get_lpm(host)?;
    if lasts(until, now) {
        return Some((prefix, until));
    }
    // It has ended, but a shorter one may last.
    tree.cover(host).filter(|&(_, &until)| lasts(until, now)).last().map(|(prefix, &until)| (prefix, until))
}

/// Changing.
impl Bans {
    /// Adds a ban that was read from a file; of two of one subject, the later one counts.
    pub(crate) fn load(&mut self, ban: &Ban) -> Result<()> {
        const STRIDE: usize = 256;
        let reserved = if self.len() % STRIDE == 0 { self.reserve(STRIDE) } else { Ok(()) };
        reserved.map_err(|_| Error::no_memory("for the bans of the database"))?;
        self.set(&ban.subject, Some(ban.until));
        if let Some(entry) = self.all.get_mut(&ban.subject) {
            entry.is_on_file = true;
        }
        Ok(())
    }

    /// The changes to make if, at `now`, the ban of a subject is made to end at this time, or is removed: that one, and the
    /// removal of every ban that has ended.
    pub(crate) fn plan(
        &self,
        subject: &BanSubject,
        until: Option<i64>,
        now: i64,
    ) -> memory::Result<Vec<BanChange>> {
        let change =
            |subject: &BanSubject, until| BanChange { subject: subject.clone(), until, is_new: false };
        let ended = self.ended(now).filter(|other| *other != subject).map(|ended| change(ended, None));
        memory::collect([change(subject, until)].into_iter().chain(ended))
    }

    /// Asks for memory for this many changes.
    ///
    /// The trees cannot be asked to reserve room. Instead, as much memory as they take to grow is allocated and given back, so
    /// that a lack of it is most likely found here, and not when a change is made.
    pub(crate) fn reserve(&mut self, changes: usize) -> memory::Result {
        self.all.try_reserve(changes)?;
        if let Some(dirty) = &mut self.dirty {
            dirty.try_reserve(changes)?;
        }
        memory::with_capacity::<u8>(2 * (self.v4.mem_size() + self.v6.mem_size())).map(drop)
    }

    /// Makes changes, for which memory was reserved.
    pub(crate) fn apply(&mut self, changes: &[BanChange]) {
        let mut ends_first = false;
        for BanChange { subject, until, .. } in changes {
            let before = self.all.get(subject);
            let was_on_file = before.is_some_and(|entry| entry.is_on_file);
            ends_first |= before.is_some_and(|entry| entry.until == self.first_end);
            self.set(subject, *until);
            let Some(dirty) = &mut self.dirty else { continue };
            let is_on_file = was_on_file || dirty.get(subject).is_some_and(|&is_on_file| is_on_file);
            if let Some(entry) = self.all.get_mut(subject) {
                entry.is_on_file = is_on_file;
            }
            if until.is_some() || is_on_file {
                dirty.insert(subject.clone(), is_on_file);
            } else {
                // The file never had it.
                dirty.remove(subject);
            }
        }
        if ends_first {
            self.first_end = self.all.values().map(|entry| entry.until).min().unwrap_or(i64::MAX);
        }
    }

    fn set(&mut self, subject: &BanSubject, until: Option<i64>) {
        match until {
            Some(until) => {
                self.all.insert(subject.clone(), Entry { until, is_on_file: false });
                self.first_end = self.first_end.min(until);
            }
            None => drop(self.all.remove(subject)),
        }
        match subject.0 {
            Subject::V4(prefix) if prefix.1 < V4_BITS => set_in(&mut self.v4, prefix, until),
            Subject::V6(prefix) if prefix.1 < V6_BITS => set_in(&mut self.v6, prefix, until),
            _ => {}
        }
    }
}

fn set_in<P: Prefix>(tree: &mut PrefixMap<P, i64>, prefix: P, until: Option<i64>) {
    match until {
        Some(until) => tree.insert(prefix, until),
        None => tree.remove(&prefix),
    };
}

/// For a manager that writes later.
impl Bans {
    /// From now on, tracks what changes: the file has all that is here.
    pub(crate) fn track(&mut self) {
        self.dirty = Some(HashMap::new());
    }

    /// How many changes the file does not have.
    pub(crate) fn dirty_len(&self) -> usize {
        self.dirty.as_ref().map_or(0, HashMap::len)
    }

    /// Takes all changes, to be written, into an array that has room for them.
    pub(crate) fn take(&mut self, taken: &mut Vec<BanChange>) {
        let Some(dirty) = &mut self.dirty else { return };
        for (subject, is_on_file) in dirty.drain() {
            let entry = self.all.get_mut(&subject);
            let until = entry.map(|entry| {
                entry.is_on_file = true;
                entry.until
            });
            taken.push(BanChange { subject, until, is_new: !is_on_file });
        }
    }

    /// Checks everything that must hold between two calls, for tests; returns what does not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let mut prefixes = 0;
        for (subject, entry) in &self.all {
            let in_tree = match subject.0 {
                Subject::V4(prefix) if prefix.1 < V4_BITS => Some(self.v4.get(&prefix)),
                Subject::V6(prefix) if prefix.1 < V6_BITS => Some(self.v6.get(&prefix)),
                _ => None,
            };
            prefixes += usize::from(in_tree.is_some());
            let is_right = in_tree.is_none_or(|until| until == Some(&entry.until));
            ensure(is_right, "each banned prefix is in its tree with its end")?;
            ensure(entry.until >= self.first_end, "no ban ends before the first is expected to")?;
            let is_dirty = self.dirty.as_ref().is_none_or(|dirty| dirty.contains_key(subject));
            ensure(entry.is_on_file || is_dirty, "each ban that the file does not have is dirty")?;
        }
        ensure(self.v4.len() + self.v6.len() == prefixes, "the trees have the banned prefixes and no other")
    }
}

impl fmt::Debug for Bans {
    /// Not the bans: there may be many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bans").field("len", &self.len()).finish_non_exhaustive()
    }
}
