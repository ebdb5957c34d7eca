//! The columns of a record.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>, section 2.1.

use rusqlite::types::ValueRef;
use smallvec::SmallVec;

use super::bytes::varint;

/// What is looked for in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How many columns are to be read.
    pub(super) wanted: usize,
    /// A record with more columns than this is not one of the table's.
    pub(super) most: usize,
}

/// Where the columns of a record are.
#[derive(Default)]
pub(super) struct Columns {
    /// For each wanted column its serial type, and where in the record its value begins and ends.
    wanted: SmallVec<[(i64, usize, usize); 8]>,
    count: usize,
}

/// The length of a record's header, which its first bytes give.
pub(super) fn header_length(mut payload: &[u8]) -> Option<usize> {
    usize::try_from(varint(&mut payload)?).ok()
}

impl Columns {
    /// Finds the columns of a record of this length by its header; false if it is not a record.
    ///
    /// Cost: linear in the columns that were [seen](Self::seen).
    pub(super) fn find(&mut self, header: &[u8], length: usize, shape: Shape) -> bool {
        let mut types = header;
        if varint(&mut types).is_none() {
            return false;
        }
        let mut at = header.len();
        while !types.is_empty() {
            if self.count == shape.most {
                return false;
            }
            self.count += 1;
            let Some((serial_type, size)) = varint(&mut types).and_then(|kind| Some((kind, size_of(kind)?)))
            else {
                return false;
            };
            let Some(end) = at.checked_add(size).filter(|&end| end <= length) else { return false };
            if self.wanted.len() < shape.wanted {
                self.wanted.push((serial_type, at, end));
            }
            at = end;
        }
        true
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many steps it took to find out whether this is a record; at least one.
    pub(super) fn seen(&self) -> usize {
        self.count.max(1)
    }

    /// Where the last wanted column ends.
    pub(super) fn end(&self) -> usize {
        self.wanted.last().map_or(0, |&(_, _, end)| end)
    }

    /// The wanted columns, as far as these bytes of the record reach.
    pub(super) fn values<'a>(&self, bytes: &'a [u8]) -> SmallVec<[ValueRef<'a>; 8]> {
        let value = |&(kind, start, end): &(i64, usize, usize)| Some(value(kind, bytes.get(start..end)?));
        self.wanted.iter().map_while(value).collect()
    }
}

/// The size in bytes of a value of this serial type.
fn size_of(serial_type: i64) -> Option<usize> {
    let size = match serial_type {
        0 | 8 | 9 => 0,
        1..=4 => serial_type,
        5 => 6,
        6 | 7 => 8,
        12.. => (serial_type - 12) / 2,
        _ => return None,
    };
    usize::try_from(size).ok()
}

/// The value of a serial type. Types that no peer's row has are not distinguished.
fn value(serial_type: i64, bytes: &[u8]) -> ValueRef<'_> {
    match serial_type {
        1..=6 => ValueRef::Integer(signed(bytes)),
        8 => ValueRef::Integer(0),
        9 => ValueRef::Integer(1),
        13.. if serial_type % 2 == 1 => ValueRef::Text(bytes),
        12.. => ValueRef::Blob(bytes),
        _ => ValueRef::Null,
    }
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|&byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, &byte| number << 8 | i64::from(byte))
}
