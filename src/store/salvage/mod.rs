//! Reading the peers of a damaged file: every page by itself, whatever happened to the others.
//!
//! SQLite gives up on a damaged file at the first page that is wrong. Here each page that looks as if it held rows is read,
//! so one bad page costs the rows on it and no more, and rows survive even if the file's header, schema or tree is gone.
//! A row counts when it is a valid peer; that is strict enough to recognise one anywhere.
//!
//! Every form of the table that can be opened can be read here: texts in UTF-16, tables WITHOUT ROWID, columns in another
//! order, further columns. The schema says which form it is; without a schema, the one in which most rows are peers is
//! taken.
//!
//! The files are only read, and SQLite never opens them: it would replay or remove the write-ahead log.

mod bytes;
mod cells;
mod form;
mod log;
mod pages;
mod record;
mod text;

use std::cmp::Ordering;
use std::collections::{HashMap, TryReserveError};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::Path;

use super::layout::Layout;
use super::numbers::Numbers;
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::peer::PeerRecord;
use crate::sort::sort;
use form::{Form, Identity, Meaning};
use pages::{Owner, Pages};
use record::Shape;

/// What could be read from a damaged file.
#[derive(Debug)]
pub(super) struct Salvage {
    /// How the table was laid out, as far as can be told.
    pub(super) layout: Layout,
    /// In the order of their rows.
    pub(super) peers: Vec<PeerRecord>,
    /// Rows that were seen, or that the index lists, and that are not among the peers.
    pub(super) lost_rows: u64,
}

/// Reads the peers of the database file at `path` with its write-ahead log at `log_path`, if these exist; messages refer to
/// the database by `name`.
///
/// Cost: linear in what the files hold, for each possible page size; memory for the peers.
pub(super) fn read(path: &Path, log_path: &Path, name: &str) -> Result<Salvage> {
    read_files(path, log_path).map_err(|error| match error.kind() {
        io::ErrorKind::OutOfMemory => Error::no_memory(&format!("to save the peers of {name}")),
        _ => Error::io(format!("cannot set {name} aside"), &error),
    })
}

fn read_files(path: &Path, log_path: &Path) -> io::Result<Salvage> {
    let sizes = Pages::sizes(path, log_path)?;
    if let [size] = sizes[..] {
        let pages = Pages::open(path, log_path, size)?;
        if let [form] = pages.forms() {
            return Ok(read_pages(&pages, form)?);
        }
    }
    let mut best = None;
    let mut most = (0, 0);
    for page_size in sizes {
        let pages = Pages::open(path, log_path, page_size)?;
        let (cells, peers) = count(&pages)?;
        for (form, peers) in pages.forms().iter().zip(peers) {
            // With the wrong page size, pages are missed or cut off before their cells; in the wrong form, rows are not
            // peers.
            if (cells, peers) > most {
                (best, most) = (Some((page_size, form.clone())), (cells, peers));
            }
        }
    }
    match best {
        Some((page_size, form)) => Ok(read_pages(&Pages::open(path, log_path, page_size)?, &form)?),
        None => Ok(Salvage { layout: Layout::Specification, peers: Vec::new(), lost_rows: 0 }),
    }
}

/// How many cells of any kind are complete, and how many of them are peers in each form that the table may have.
fn count(pages: &Pages) -> Result<(u64, Vec<u64>), TryReserveError> {
    let forms = pages.forms();
    let shapes = forms.iter().map(Form::shape);
    let shape = shapes
        .reduce(|a, b| Shape { wanted: a.wanted.max(b.wanted), most: a.most.max(b.most) })
        .unwrap_or(Shape { wanted: 1, most: 1 });
    let (mut cells, mut peers) = (0, vec![0; forms.len()]);
    pages.for_each_cell(shape, &mut |cell, owner| {
        cells += 1;
        for (form, peers) in forms.iter().zip(&mut peers) {
            if owner != Owner::Other && matches!(form.meaning(&cell), Meaning::Peer(..)) {
                *peers += 1;
            }
        }
        Ok(())
    })?;
    Ok((cells, peers))
}

/// The peers on these pages, if they are in this form.
fn read_pages(pages: &Pages, form: &Form) -> Result<Salvage, TryReserveError> {
    let mut peers: HashMap<PeerAddress, ((i64, Owner), PeerRecord)> = HashMap::new();
    let mut lost = Lost::default();
    pages.for_each_cell(form.shape(), &mut |cell, owner| {
        if owner == Owner::Other {
            return Ok(());
        }
        match form.meaning(&cell) {
            Meaning::Peer(number, peer) => {
                // An old row of a peer that was removed and came back may still be on an unused page: the later row has the
                // greater number. Without row numbers, the one on a page of the table is taken.
                let rank = (number, owner);
                if peers.get(&peer.address).is_none_or(|&(other, _)| other <= rank) {
                    peers.try_reserve(1)?;
                    peers.insert(peer.address.clone(), (rank, peer));
                }
                Ok(())
            }
            Meaning::Row(identity) => lost.insert(&identity),
            Meaning::Nothing => Ok(()),
        }
    })?;
    // The index has each address once more.
    if form.has_rowid() {
        pages.for_each_cell(form.shape(), &mut |cell, owner| match form.entry(&cell) {
            Some((address, number))
                if owner != Owner::Other
                    && address.as_ref().is_none_or(|address| !peers.contains_key(address)) =>
            {
                lost.insert(&Identity::Number(number))
            }
            _ => Ok(()),
        })?;
    }
    let mut rows = Vec::new();
    rows.try_reserve_exact(peers.len())?;
    rows.extend(peers.into_values().map(|((number, _), peer)| (number, peer)));
    let mut order = Vec::new();
    order.try_reserve_exact(rows.len())?;
    order.extend((0..).take(rows.len()));
    let key = |row: u32| rows.get(row as usize).map(|(number, peer)| (*number, &peer.address));
    sort(&mut order, &mut |a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) => form.order(a, b),
        _ => Ordering::Equal,
    });
    let mut peers = Vec::new();
    peers.try_reserve_exact(rows.len())?;
    for &(number, ref peer) in order.iter().filter_map(|&row| rows.get(row as usize)) {
        // A row that is no peer, or an entry without one, may be an older state of a row that is there.
        if form.has_rowid() {
            lost.remove(&Identity::Number(number));
        }
        peers.push(peer.clone());
    }
    Ok(Salvage { layout: form.layout, peers, lost_rows: lost.rows.len() as u64 })
}

/// Rows that are lost, each counted once. Kept by their hashes, because what identifies them may be of any length.
#[derive(Default)]
struct Lost {
    hasher: RandomState,
    rows: Numbers,
}

impl Lost {
    fn insert(&mut self, row: &Identity) -> Result<(), TryReserveError> {
        self.rows.add(self.hasher.hash_one(row)).map(drop)
    }

    fn remove(&mut self, row: &Identity) {
        self.rows.remove(self.hasher.hash_one(row));
    }
}
