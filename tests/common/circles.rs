//! Database files of a few pages that lead to each other again and again: to more rows than anybody can read.

use std::fs;

use crate::common::damage::{Image, Place};
use peer_manager::SCHEMA;

const PAGE: usize = 4096;

/// So many levels of pages, each of which leads this many times to the one below.
const LEVELS: usize = 8;
const TIMES: usize = 300;

const INTERIOR_INDEX: u8 = 0x02;
const INTERIOR_TABLE: u8 = 0x05;
const LEAF_TABLE: u8 = 0x0d;

/// What has no end in such a file.
pub(crate) const ENDLESS: [&str; 3] = ["the table", "the index", "the schema"];

/// A file in which one of [`ENDLESS`] has no end.
pub(crate) fn place(endless: &str) -> Place {
    let place = Place::new(&Image::default());
    let sql = format!(
        "PRAGMA page_size = {PAGE}; {SCHEMA}; INSERT INTO peers VALUES ('1.2.3.4', 5, 6, 0, 0); PRAGMA journal_mode = WAL;"
    );
    place.connection().execute_batch(&sql).unwrap();
    let mut bytes = fs::read(place.path()).unwrap();
    let sound = bytes.clone();
    match endless {
        "the table" => add_levels(&mut bytes, 2, &sound[PAGE..2 * PAGE], table_cell),
        "the index" => add_levels(&mut bytes, 3, &sound[2 * PAGE..3 * PAGE], index_cell),
        _ => {
            // The table once, and then its index again and again; SQLite minds any other sort of row twice.
            let first = append(&mut bytes, &schema_leaf(&sound, &[0, 1]));
            add_levels(&mut bytes, 1, &schema_leaf(&sound, &[1]), table_cell);
            let at = usize::from(u16::from_be_bytes([bytes[112], bytes[113]]));
            bytes[at..at + 4].copy_from_slice(&first.to_be_bytes());
        }
    }
    let pages = u32::try_from(bytes.len() / PAGE).unwrap();
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    fs::write(place.path(), bytes).unwrap();
    place
}

fn append(bytes: &mut Vec<u8>, page: &[u8]) -> u32 {
    bytes.extend_from_slice(page);
    u32::try_from(bytes.len() / PAGE).unwrap()
}

/// Puts the highest level in the place of page `root`, whose content is now the lowest.
fn add_levels(bytes: &mut Vec<u8>, root: usize, leaf: &[u8], cell: fn(u32) -> Vec<u8>) {
    let mut child = append(bytes, leaf);
    for _ in 1..LEVELS {
        child = append(bytes, &interior(child, 0, cell));
    }
    let start = if root == 1 { 100 } else { 0 };
    let page = interior(child, start, cell);
    bytes[(root - 1) * PAGE + start..root * PAGE].copy_from_slice(&page[start..]);
}

/// A page that leads to another, again and again; `start` is where its own header begins.
fn interior(child: u32, start: usize, cell: fn(u32) -> Vec<u8>) -> Vec<u8> {
    let (cell, mut page) = (cell(child), vec![0; PAGE]);
    page[start] = if cell.len() == 5 { INTERIOR_TABLE } else { INTERIOR_INDEX };
    page[start + 3..start + 5].copy_from_slice(&u16::try_from(TIMES).unwrap().to_be_bytes());
    page[start + 8..start + 12].copy_from_slice(&child.to_be_bytes());
    for n in 0..TIMES {
        let at = PAGE - (n + 1) * cell.len();
        page[at..at + cell.len()].copy_from_slice(&cell);
        let offset = u16::try_from(at).unwrap().to_be_bytes();
        page[start + 5..start + 7].copy_from_slice(&offset);
        page[start + 12 + 2 * n..][..2].copy_from_slice(&offset);
    }
    page
}

/// The page, and the greatest row number on it.
fn table_cell(child: u32) -> Vec<u8> {
    [&child.to_be_bytes()[..], &[1]].concat()
}

/// The page, and an entry of an index: no text, port 1, row 1.
fn index_cell(child: u32) -> Vec<u8> {
    [&child.to_be_bytes()[..], &[4, 4, 13, 9, 9]].concat()
}

/// A page of the schema with these of its rows.
fn schema_leaf(sound: &[u8], rows: &[usize]) -> Vec<u8> {
    let mut page = sound[..PAGE].to_vec();
    page[..112].fill(0);
    page[0] = LEAF_TABLE;
    page[3..5].copy_from_slice(&u16::try_from(rows.len()).unwrap().to_be_bytes());
    page[5..7].copy_from_slice(&sound[105..107]);
    for (n, row) in rows.iter().enumerate() {
        page[8 + 2 * n..10 + 2 * n].copy_from_slice(&sound[108 + 2 * row..110 + 2 * row]);
    }
    page
}
