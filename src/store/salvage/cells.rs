//! The rows on one page of a database file, as far as they are whole.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.6 (b-tree pages) and 2.1 (records). Rows of peers are
//! shorter than a page of any size. The longest of names have their index entries on overflow pages where pages are
//! small; those are passed over.
//!
//! The files may be hostile: the cells of a page are no more than fit on it side by side, so one page costs no more time
//! and memory than its size, however its cells overlap.

use rusqlite::types::ValueRef;

use super::pages::{be16, be32};

const INTERIOR_INDEX: u8 = 0x02;
const INTERIOR_TABLE: u8 = 0x05;
const LEAF_INDEX: u8 = 0x0a;
const LEAF_TABLE: u8 = 0x0d;

/// The most columns that a row of peers has.
const MOST_COLUMNS: usize = 5;

/// A cell whose columns could be read.
pub(super) enum Cell<'a> {
    /// A row of a table: its number and its columns.
    Row(i64, Vec<ValueRef<'a>>),
    /// An entry of an index: the columns of the key, and the number of the row last.
    Entry(Vec<ValueRef<'a>>),
}

/// Gives each cell of a page to `each`; `start` is where the page's own header begins.
pub(super) fn for_each<'a>(page: &'a [u8], start: usize, mut each: impl FnMut(Cell<'a>)) {
    let Some(&kind) = page.get(start) else { return };
    let pointers = start + if kind == INTERIOR_INDEX { 12 } else { 8 };
    let cells = be16(page, start + 3).unwrap_or(0);
    // The most of an index entry that is not moved to an overflow page.
    let most_of_entry = (page.len().saturating_sub(12) * 64 / 255).saturating_sub(23);
    let mut room = page.len();
    for cell in 0..usize::from(cells) {
        let Some(at) = be16(page, pointers + 2 * cell) else { return };
        let Some(bytes) = page.get(usize::from(at)..) else { continue };
        let read = match kind {
            LEAF_TABLE => row(bytes),
            LEAF_INDEX => entry(bytes, most_of_entry),
            INTERIOR_INDEX => bytes.get(4..).and_then(|bytes| entry(bytes, most_of_entry)),
            _ => return,
        };
        let Some((cell, length)) = read else { continue };
        let Some(left) = room.checked_sub(length) else { return };
        room = left;
        each(cell);
    }
}

/// The pages below a page of a tree.
pub(super) fn children(page: &[u8], start: usize) -> Vec<u32> {
    if !matches!(page.get(start), Some(&(INTERIOR_INDEX | INTERIOR_TABLE))) {
        return Vec::new();
    }
    let cells = usize::from(be16(page, start + 3).unwrap_or(0));
    let pointers = (0..cells).map_while(|cell| be16(page, start + 12 + 2 * cell));
    let below = pointers.filter_map(|at| be32(page, usize::from(at)));
    below.chain(be32(page, start + 8)).collect()
}

/// A row, and the bytes of its columns.
fn row(mut bytes: &[u8]) -> Option<(Cell<'_>, usize)> {
    let length = usize::try_from(varint(&mut bytes)?).ok()?;
    let number = varint(&mut bytes)?;
    Some((Cell::Row(number, record(bytes.get(..length)?)?), length))
}

/// An entry of an index, and the bytes of its columns, at most so many.
fn entry(mut bytes: &[u8], most: usize) -> Option<(Cell<'_>, usize)> {
    let length = usize::try_from(varint(&mut bytes)?).ok().filter(|&length| length <= most)?;
    Some((Cell::Entry(record(bytes.get(..length)?)?), length))
}

/// The columns of a record that stands on its page as a whole and may be one of peers.
fn record(payload: &[u8]) -> Option<Vec<ValueRef<'_>>> {
    let mut types = payload;
    let header = usize::try_from(varint(&mut types)?).ok()?;
    let read = payload.len() - types.len();
    let mut types = payload.get(read..header)?;
    let mut body = payload.get(header..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        if columns.len() == MOST_COLUMNS {
            return None;
        }
        columns.push(value(varint(&mut types)?, &mut body)?);
    }
    Some(columns)
}

/// The value of a serial type. Kinds that no peer's row has are told apart only by their length.
fn value<'a>(serial_type: i64, body: &mut &'a [u8]) -> Option<ValueRef<'a>> {
    let length = match serial_type {
        0 | 8 | 9 => 0,
        1..=4 => serial_type,
        5 => 6,
        6 | 7 => 8,
        12.. => (serial_type - 12) / 2,
        _ => return None,
    };
    let (bytes, rest) = body.split_at_checked(usize::try_from(length).ok()?)?;
    *body = rest;
    Some(match serial_type {
        1..=6 => ValueRef::Integer(signed(bytes)),
        8 => ValueRef::Integer(0),
        9 => ValueRef::Integer(1),
        13.. if serial_type % 2 == 1 => ValueRef::Text(bytes),
        12.. => ValueRef::Blob(bytes),
        _ => ValueRef::Null,
    })
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|&byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, &byte| number << 8 | i64::from(byte))
}

/// An integer of one to nine bytes, seven bits each and eight in the ninth, the most significant first.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut number: i64 = 0;
    for read in 1..=9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if read == 9 {
            return Some(number << 8 | i64::from(byte));
        }
        number = number << 7 | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
