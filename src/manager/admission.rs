//! Admission: adds new peers as far as the bounds and the policies admit them, without locking a large table for long.

use std::borrow::Cow;

use super::history::Notes;
use super::{PeerManager, Writer};
use crate::address::PeerAddress;
use crate::bans::Ban;
use crate::error::{Error, Result};
use crate::history::{Noted, Times};
use crate::memory;
use crate::peer::PeerRecord;
use crate::store::Store;
use crate::sync::{Ordering, RwLockReadGuard, let_others_in};
use crate::table::{Bounds, Full, GROUP, Inserts, KeyTable, PeerTable};

impl PeerManager {
    /// Moves the entries of a large table to a larger array, if this many more peers need one. It does so in parts, and other
    /// threads get the lock in between. If the entries change all the time, the change itself moves them.
    fn grow(&self, peers: usize) -> Result<()> {
        let wanted = self.read_table()?.wanted_keys(peers);
        if let Some(slots) = wanted {
            let table = KeyTable::with_capacity(slots)?;
            self.write_table()?.begin_keys(table);
        }
        let Some(mut larger) = self.read_table()?.larger(peers)? else { return Ok(()) };
        loop {
            while self.read_table()?.copy_part(&mut larger) {}
            if self.write_table()?.exchange(&mut larger) || larger.is_given_up() {
                return Ok(());
            }
        }
    }

    /// Adds the addresses that are new. The hash of the first one may be known already.
    pub(super) fn add_unknown(&self, addresses: &[PeerAddress], hash: Option<u64>) -> Result<Admitted> {
        let now = self.clock.now();
        let of_new = |record: &PeerRecord| Some(Noted::history(&record.address, Times::of_new_peer(now)));
        let notes = self.keeps_histories.then_some(Notes::of_gossip(Some(now), &of_new));
        self.admit_unknown(
            (addresses, hash.as_slice()),
            |address| address,
            Some(now),
            notes,
            |address| (!self.reach.refuses_gossip_of(address)).then(|| PeerRecord::new(address.clone(), now)),
        )
    }

    /// Adds the peers whose addresses are new and that have a record, advancing the table to `now` first if that is given;
    /// peers without a record count as refused. Never evicts a peer named in the same batch. `notes` say what is recorded with
    /// the records.
    pub(super) fn admit_unknown<T>(
        &self,
        (peers, known_hashes): (&[T], &[u64]),
        address: impl Fn(&T) -> &PeerAddress,
        now: Option<i64>,
        mut notes: Option<Notes<'_>>,
        record: impl Fn(&T) -> Option<PeerRecord>,
    ) -> Result<Admitted> {
        let banned_at = if now.is_some() { now } else { self.time_for_bans()? };
        let mut writer = self.lock_writer()?;
        let (mut new, mut new_hashes, mut known, mut refused) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let table = self.read_table()?;
        for group in peers.chunks(GROUP) {
            let hashes = table.hashes(group.iter().map(&address), known_hashes);
            for (peer, &hash) in group.iter().zip(&hashes) {
                match table.find_hashed(address(peer), hash) {
                    Some(slot) => {
                        if let Some(notes) = &mut notes {
                            notes.hear(&table, slot, address(peer))?;
                        }
                        memory::push(&mut known, slot)?;
                    }
                    None => match record(peer) {
                        Some(record) => {
                            memory::push(&mut new, record)?;
                            // A list of one is not worth its memory.
                            if peers.len() > 1 {
                                memory::push(&mut new_hashes, hash)?;
                            }
                        }
                        None => refused += 1,
                    },
                }
            }
        }
        // With bounds, the file may have rows of peers that are not in the table, and they are replaced. Without bounds, only
        // another program can have written such a row meanwhile, and it stays.
        let write: Write =
            if table.is_bounded() { Store::replace } else { |store, new, _, noted| store.insert(new, noted) };
        let hashes = if peers.len() > 1 { &new_hashes[..] } else { known_hashes };
        let incoming = Incoming { records: &new, hashes, spared: Some(&known) };
        let admitted = self.admit(&mut writer, table, incoming, (now, banned_at), notes, write)?;
        self.refused_peers.fetch_add(refused, Ordering::Relaxed);
        Ok(admitted)
    }

    pub(super) fn store_all(&self, records: &[PeerRecord]) -> Result<Admitted> {
        let banned_at = self.time_for_bans()?;
        let now = self.now_for_history();
        let of_new = |record: &PeerRecord| Some(Noted::history(&record.address, Times::of_new_peer(now?)));
        let notes = now.is_some().then_some(Notes::of_new_peers(now, &of_new));
        let mut writer = self.lock_writer()?;
        let table = self.read_table()?;
        let incoming = Incoming { records, hashes: &[], spared: None };
        self.admit(&mut writer, table, incoming, (None, banned_at), notes, Store::replace)
    }

    /// Puts records into the table as far as its bounds and the policies admit them, evicting others where it must, and advancing
    /// it to `now` first if that is given. Whether a peer is banned is asked as of `banned_at`; without that time every ban
    /// counts, because there was none when the call began.
    pub(super) fn admit<'a>(
        &'a self,
        writer: &mut Writer,
        mut table: RwLockReadGuard<'a, PeerTable>,
        Incoming { records, hashes, spared }: Incoming<'_>,
        (now, banned_at): (Option<i64>, Option<i64>),
        beside: Option<Notes<'_>>,
        write: Write,
    ) -> Result<Admitted> {
        let banned_at = banned_at.unwrap_or(i64::MIN);
        let (admissible, refusal) = without(records, |address| {
            if writer.own_addresses.contains(address) {
                return Some(Refusal::Own);
            }
            table.bans().find(address, banned_at).map(Refusal::Banned)
        })?;
        let by_policy = records.len() - admissible.len();
        let records = &admissible[..];
        if records.is_empty() && beside.as_ref().is_none_or(Notes::is_empty) {
            self.refused_peers.fetch_add(by_policy as u64, Ordering::Relaxed);
            return Ok(Admitted { added: 0, refused: refusal });
        }
        let (mut plan, evicted, renewed, noted, is_bounded, must_grow) = {
            while table.is_bounded() && !table.is_grouped() {
                // The netgroups were dropped when there was no memory for them.
                drop(table);
                self.write_table()?.group_in_part()?;
                let_others_in();
                table = self.read_table()?;
            }
            let plan = table.plan_insert(records, spared, beside.as_ref().and_then(Notes::now))?;
            // Slots stay as they are until the writer is unlocked; the database knows addresses.
            let (evicted, taken) = match writer.store {
                Some(_) => (&plan.evicted[..], &plan.taken[..]),
                None => (&[][..], &[][..]),
            };
            let evicted = memory::collect(table.addresses(evicted))?;
            let renewed = table.renewed(taken)?;
            // The file may have rows of them, and more: a new peer begins with nothing.
            let overwrites = writer.store.is_some() && table.leaves_rows();
            let noted = match beside {
                None if !overwrites => Vec::new(),
                beside => beside.unwrap_or(Notes::NONE).with_new(&table, &plan.taken, overwrites)?,
            };
            let must_grow = spared.is_some() && table.must_grow(plan.taken.len());
            (plan, evicted, renewed, noted, table.is_bounded(), must_grow)
        };
        drop(table);
        if !is_bounded && plan.refused > 0 {
            return Err(Error::Limit(format!(
                "cannot add {} peers: a table holds at most {}; remove some first",
                plan.refused,
                Bounds::NONE.peers
            )));
        }
        let mut added = 0;
        if !plan.taken.is_empty() || !noted.is_empty() {
            let (taken, slots) = (&plan.taken, &mut plan.evicted);
            let evictions = slots.len();
            if must_grow {
                self.grow(taken.len())?;
            }
            // Those of all records, so they are of no use if some were refused.
            let hashes = if hashes.len() == taken.len() { hashes } else { &[] };
            // Counted before the table is locked for the change. Slots and names stay as they are until then.
            let batch;
            let inserts = if let [record] = &taken[..] {
                Inserts::One(record)
            } else {
                batch = self.read_table()?.batch(taken, spared.is_some());
                Inserts::Many(&batch)
            };
            self.change(
                self.write_table()?,
                writer,
                &|table| table.reserve_insert(inserts, evictions, &noted),
                &|store| match &evicted[..] {
                    [] => write(store, taken, &renewed, &noted),
                    evicted => store.evict(evicted, taken, &renewed, &noted),
                },
                &mut |table| {
                    if let Some(now) = now {
                        table.advance_forward(now);
                    }
                    added = table.insert(taken, hashes, slots);
                    table.note_all(&noted);
                },
            )?;
        }
        self.refused_peers.fetch_add((plan.refused + by_policy) as u64, Ordering::Relaxed);
        Ok(Admitted { added, refused: plan.first_refused.map(Refusal::Full).or(refusal) })
    }
}

/// Records that are to be put into the table.
pub(super) struct Incoming<'a> {
    pub(super) records: &'a [PeerRecord],
    /// Their [hashes](PeerTable::hashes), or nothing.
    pub(super) hashes: &'a [u64],
    /// The slots of peers that must not be evicted, if all records are known to be of new peers: see
    /// [`PeerTable::plan_insert`].
    pub(super) spared: Option<&'a [u32]>,
}

/// Writes records, with new rows for those at the positions, and what is recorded with them.
pub(super) type Write = fn(&mut Store, &[PeerRecord], &[usize], &[Noted]) -> Result<()>;

/// The outcome of putting records into the table.
pub(super) struct Admitted {
    /// How many of them are new in the table.
    pub(super) added: usize,
    /// Why one of the refused peers was refused; for a single peer, the reason.
    pub(super) refused: Option<Refusal>,
}

/// Why a peer was refused.
#[derive(Debug)]
pub(super) enum Refusal {
    Full(Full),
    /// It is an address of the node itself.
    Own,
    Banned(Ban),
}

impl Refusal {
    pub(super) fn error(self, address: &PeerAddress) -> Error {
        match self {
            Self::Full(full) => limit(address, full),
            Self::Own => Error::own_address(address),
            Self::Banned(ban) => Error::banned(address, &ban),
        }
    }
}

/// The records whose addresses no policy refuses, and why the first of the others is refused.
fn without(
    records: &[PeerRecord],
    refusal: impl Fn(&PeerAddress) -> Option<Refusal>,
) -> memory::Result<(Cow<'_, [PeerRecord]>, Option<Refusal>)> {
    let Some(first) = records.iter().find_map(|record| refusal(&record.address)) else {
        return Ok((Cow::Borrowed(records), None));
    };
    let admissible = records.iter().filter(|record| refusal(&record.address).is_none()).cloned();
    Ok((Cow::Owned(memory::collect(admissible)?), Some(first)))
}

/// The error for a new peer for which no room could be made.
fn limit(address: &PeerAddress, full: Full) -> Error {
    let what = match full {
        Full::Table => "the table has as many peers as max_peers allows",
        Full::Netgroup => "its netgroup has as many peers as max_peers_per_netgroup allows",
    };
    Error::Limit(format!(
        "cannot add {address}: {what}, and no inbound one that has failed; remove peers, or raise the bound"
    ))
}
