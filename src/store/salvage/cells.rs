//! The rows on one page of a database file, as far as they are whole.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.6 (b-tree pages) and 2.1 (records). Rows of peers are
//! far shorter than a page, so content on overflow pages is none of theirs.

use rusqlite::types::ValueRef;

use super::pages::be16;

const INTERIOR_INDEX: u8 = 0x02;
const LEAF_INDEX: u8 = 0x0a;
const LEAF_TABLE: u8 = 0x0d;

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
    // Cells do not overlap, so together they are no longer than the page. On one that is made up to keep us busy, they
    // might all be the same.
    let mut left = page.len();
    for cell in 0..usize::from(cells) {
        let Some(at) = be16(page, pointers + 2 * cell) else { return };
        let Some(bytes) = page.get(usize::from(at)..) else { continue };
        let cell = match kind {
            LEAF_TABLE => row(bytes, &mut left),
            LEAF_INDEX => entry(bytes, &mut left),
            INTERIOR_INDEX => bytes.get(4..).and_then(|bytes| entry(bytes, &mut left)),
            _ => return,
        };
        cell.into_iter().for_each(&mut each);
    }
}

fn row<'a>(mut bytes: &'a [u8], left: &mut usize) -> Option<Cell<'a>> {
    let length = varint(&mut bytes)?;
    let number = varint(&mut bytes)?;
    Some(Cell::Row(number, record(payload(bytes, length, left)?)?))
}

fn entry<'a>(mut bytes: &'a [u8], left: &mut usize) -> Option<Cell<'a>> {
    let length = varint(&mut bytes)?;
    Some(Cell::Entry(record(payload(bytes, length, left)?)?))
}

fn payload<'a>(bytes: &'a [u8], length: i64, left: &mut usize) -> Option<&'a [u8]> {
    let length = usize::try_from(length).ok()?;
    *left = left.checked_sub(length)?;
    bytes.get(..length)
}

/// The columns of a record that stands on its page as a whole.
fn record(payload: &[u8]) -> Option<Vec<ValueRef<'_>>> {
    let mut types = payload;
    let header = usize::try_from(varint(&mut types)?).ok()?;
    let read = payload.len() - types.len();
    let mut types = payload.get(read..header)?;
    let mut body = payload.get(header..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
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
