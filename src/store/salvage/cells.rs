//! The rows on one page of a database file, as far as they are complete.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.6 (b-tree pages) and 1.7 (overflow pages).
//!
//! The files may be hostile: a page has at most as many cells as fit on it without overlapping, and cells that cannot be
//! read cost at most as many steps as the page has bytes. So a page costs time and memory in proportion to its size, however
//! its cells overlap, apart from the overflow pages, which the caller must bound.

use std::collections::TryReserveError;

use rusqlite::types::ValueRef;

use super::bytes::{be16, be32, varint};
use super::record::{self, Columns, Shape};

const INTERIOR_INDEX: u8 = 0x02;
const INTERIOR_TABLE: u8 = 0x05;
const LEAF_INDEX: u8 = 0x0a;
const LEAF_TABLE: u8 = 0x0d;

/// A cell that is a complete record.
pub(super) struct Cell<'a> {
    /// The number of a row; an entry of an index has none.
    pub(super) number: Option<i64>,
    /// How many columns it has.
    pub(super) columns: usize,
    /// The first of them: as many as were wanted, or fewer where it continues on a page that cannot be read.
    pub(super) values: &'a [ValueRef<'a>],
}

/// A page of a file.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) bytes: &'a [u8],
    /// Where its own header begins: on the first, the file's is in front.
    pub(super) start: usize,
    /// How many of its bytes are SQLite's.
    pub(super) usable: usize,
}

/// Where the rest of a record is: adds what follows on overflow pages from this one on, until the buffer has that many
/// bytes or there is no more.
pub(super) type Rest<'a> = dyn FnMut(u32, usize, &mut Vec<u8>) -> Result<(), TryReserveError> + 'a;

/// The payload of a cell: what is on its page, and where it continues.
struct Payload<'a> {
    local: &'a [u8],
    length: usize,
    overflow: Option<u32>,
}

/// Gives each cell of a page to `each`.
pub(super) fn for_each(
    page: Page<'_>,
    shape: Shape,
    rest: &mut Rest<'_>,
    each: &mut dyn FnMut(Cell<'_>) -> Result<(), TryReserveError>,
) -> Result<(), TryReserveError> {
    let Page { bytes, start, .. } = page;
    let Some(&kind) = bytes.get(start) else { return Ok(()) };
    let pointers = start + if kind == INTERIOR_INDEX { 12 } else { 8 };
    let cells = be16(bytes, start + 3).unwrap_or(0);
    let (mut room, mut effort) = (bytes.len(), bytes.len());
    let mut buffer = Vec::new();
    for cell in 0..usize::from(cells) {
        let Some(at) = be16(bytes, pointers + 2 * cell) else { return Ok(()) };
        let Some(content) = bytes.get(usize::from(at)..) else { continue };
        let read = match kind {
            LEAF_TABLE => row(content, page.usable),
            LEAF_INDEX => entry(content, page.usable),
            INTERIOR_INDEX => content.get(4..).and_then(|content| entry(content, page.usable)),
            _ => return Ok(()),
        };
        let Some((number, payload)) = read else { continue };
        let mut columns = Columns::default();
        if !read_columns(&payload, shape, &mut columns, &mut buffer, rest)? {
            let Some(left) = effort.checked_sub(columns.seen()) else { return Ok(()) };
            effort = left;
            continue;
        }
        let Some(left) = room.checked_sub(payload.local.len()) else { return Ok(()) };
        room = left;
        let available = if buffer.is_empty() { payload.local } else { &buffer };
        each(Cell { number, columns: columns.count(), values: &columns.values(available) })?;
    }
    Ok(())
}

/// The pages below a page of a tree.
pub(super) fn children(page: &[u8], start: usize) -> impl Iterator<Item = u32> + '_ {
    let is_interior = matches!(page.get(start), Some(&(INTERIOR_INDEX | INTERIOR_TABLE)));
    let cells = if is_interior { usize::from(be16(page, start + 3).unwrap_or(0)) } else { 0 };
    let pointers = (0..cells).map_while(move |cell| be16(page, start + 12 + 2 * cell));
    let below = pointers.filter_map(|at| be32(page, usize::from(at)));
    below.chain(be32(page, start + 8).filter(|_| is_interior))
}

/// Finds the columns of a record, and makes the wanted ones available: on its own page if the buffer stays empty, else in
/// the buffer. Returns false if it is not a record.
fn read_columns(
    payload: &Payload<'_>,
    shape: Shape,
    columns: &mut Columns,
    buffer: &mut Vec<u8>,
    rest: &mut Rest<'_>,
) -> Result<bool, TryReserveError> {
    buffer.clear();
    let mut reach = |bytes: usize, buffer: &mut Vec<u8>| match payload.overflow {
        Some(first) if bytes > payload.local.len().max(buffer.len()) => {
            buffer.clear();
            buffer.try_reserve(payload.local.len())?;
            buffer.extend_from_slice(payload.local);
            rest(first, bytes.min(payload.length), buffer)
        }
        _ => Ok(()),
    };
    let Some(header) = record::header_length(payload.local).filter(|&header| header <= payload.length) else {
        return Ok(false);
    };
    reach(header, buffer)?;
    let available = if buffer.is_empty() { payload.local } else { &*buffer };
    let Some(header) = available.get(..header) else { return Ok(false) };
    if !columns.find(header, payload.length, shape) {
        return Ok(false);
    }
    reach(columns.end(), buffer)?;
    Ok(true)
}

/// The number of a row, and its record.
fn row(mut bytes: &[u8], usable: usize) -> Option<(Option<i64>, Payload<'_>)> {
    let length = usize::try_from(varint(&mut bytes)?).ok()?;
    let number = varint(&mut bytes)?;
    Some((Some(number), payload(bytes, length, usable.saturating_sub(35), usable)?))
}

/// An entry of an index.
fn entry(mut bytes: &[u8], usable: usize) -> Option<(Option<i64>, Payload<'_>)> {
    let length = usize::try_from(varint(&mut bytes)?).ok()?;
    let most = (usable.saturating_sub(12) * 64 / 255).saturating_sub(23);
    Some((None, payload(bytes, length, most, usable)?))
}

/// A payload of this length, of which at most `most` bytes are on its page.
fn payload(bytes: &[u8], length: usize, most: usize, usable: usize) -> Option<Payload<'_>> {
    if length <= most {
        return Some(Payload { local: bytes.get(..length)?, length, overflow: None });
    }
    let least = (usable.saturating_sub(12) * 32 / 255).saturating_sub(23);
    let fitting = least + (length - least) % (usable - 4);
    let here = if fitting <= most { fitting } else { least };
    Some(Payload { local: bytes.get(..here)?, length, overflow: Some(be32(bytes, here)?) })
}
