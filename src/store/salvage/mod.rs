//! Reading the peers of a damaged file: every page by itself, whatever has become of the others.
//!
//! SQLite gives a damaged file up at the first page that is wrong. Here each page that looks like one of rows is read,
//! so one bad page costs the rows on it and no more, and a file whose header, schema or tree is gone still gives its
//! rows. A row counts when it is a valid peer; that is strict enough to recognise one anywhere.
//!
//! The files are only read, and SQLite never sees them: it would repeat or remove the write-ahead log.

mod cells;
mod pages;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use rusqlite::types::ValueRef;

use super::layout::Layout;
use super::load::{key_from_row, peer_from_row};
use crate::address::PeerAddress;
use crate::peer::PeerRecord;
use cells::Cell;
use pages::Pages;

/// What could be read of a damaged file.
#[derive(Debug)]
pub(super) struct Salvage {
    /// How the table was laid out, as far as can be told.
    pub(super) layout: Layout,
    pub(super) peers: Vec<PeerRecord>,
    /// Rows that were seen, or that the index tells of, and that are not among the peers.
    pub(super) lost_rows: u64,
}

/// Reads the peers of the database file at `path` with its write-ahead log at `log_path`, where there are such files.
///
/// Cost: linear in the files, for each size of page that there might be; memory for the peers.
pub(super) fn read(path: &Path, log_path: &Path) -> io::Result<Salvage> {
    let mut best = Salvage { layout: Layout::Specification, peers: Vec::new(), lost_rows: 0 };
    let mut most = (0, 0);
    for page_size in Pages::sizes(path, log_path)? {
        let mut pages = Pages::open(path, log_path, page_size)?;
        for &layout in pages.layouts() {
            let (salvage, cells) = read_pages(&mut pages, layout);
            // With another size than the right one pages are missed, or cut off before their cells; in another layout
            // than the right one rows are no peers.
            let found = (cells, salvage.peers.len());
            if found > most {
                (best, most) = (salvage, found);
            }
        }
    }
    Ok(best)
}

/// What is on these pages, and how many cells of any sort are whole.
fn read_pages(pages: &mut Pages, layout: Layout) -> (Salvage, u64) {
    let mut peers: HashMap<PeerAddress, (i64, PeerRecord)> = HashMap::new();
    let mut rows_lost: HashSet<(Vec<u8>, i64)> = HashSet::new();
    let mut cells = 0;
    pages.for_each(|page, start, may_have_peers| {
        cells::for_each(page, start, |cell| {
            cells += 1;
            let Cell::Row(number, columns) = cell else { return };
            let Ok(columns) = <[ValueRef<'_>; 5]>::try_from(columns) else { return };
            match (peer_from_row(layout, columns), columns) {
                _ if !may_have_peers => {}
                (Some(peer), _) => {
                    // A row of a peer that was removed and came back may still stand on a page that is out of use: the
                    // later one has the greater number.
                    let known = peers.get(&peer.address).is_some_and(|&(other, _)| other > number);
                    if !known {
                        peers.insert(peer.address.clone(), (number, peer));
                    }
                }
                (None, [ValueRef::Text(ip), ValueRef::Integer(port), ..]) => {
                    rows_lost.insert((ip.to_vec(), port));
                }
                _ => {}
            }
        });
    });
    // The index has each address once more.
    pages.for_each(|page, start, may_have_peers| {
        cells::for_each(page, start, |cell| {
            let Cell::Entry(columns) = cell else { return };
            if let [ValueRef::Text(ip), ValueRef::Integer(port), ValueRef::Integer(_)] = columns[..]
                && may_have_peers
                && key_from_row(ip, port).is_none_or(|address| !peers.contains_key(&address))
            {
                rows_lost.insert((ip.to_vec(), port));
            }
        });
    });
    let peers = peers.into_values().map(|(_, peer)| peer).collect();
    (Salvage { layout, peers, lost_rows: rows_lost.len() as u64 }, cells)
}
