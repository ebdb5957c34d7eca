//! The pages of a database file and its write-ahead log, read without SQLite, which refuses a damaged file as a whole.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.3 (header), 1.5 (freelist) and 1.7 (overflow pages).
//!
//! Neither a number in a file nor its length decides how much time or memory it costs: pages are counted as they are read,
//! and holes are skipped.

use std::collections::TryReserveError;
use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::types::ValueRef;

use super::bytes::{PAGE_SIZES, be16, be32, open_if_there, page_size, read_at};
use super::cells::{self, Cell, Page};
use super::form::Form;
use super::log::Log;
use super::record::Shape;
use super::text::Encoding;
use crate::sort::sort;
use crate::store::numbers::Numbers;
use crate::system;

/// How often an overflow page is read in one pass. A sound one belongs to a single record, which is read at most twice;
/// deleted records may still lead to it.
const MOST_READS: u64 = 8;

/// A file that is read page by page.
#[derive(Debug)]
pub(super) struct Pages {
    database: Option<File>,
    log: Option<File>,
    in_log: Log,
    page_size: usize,
    /// How many bytes of a page are SQLite's.
    usable: usize,
    /// How many pages that belong to the database its file has.
    in_database: u32,
    /// Pages that hold no current peers, whatever they look like.
    apart: Numbers,
    /// Pages that the table or its index leads to.
    ours: Numbers,
    /// The forms that the table may have.
    forms: Vec<Form>,
}

/// Whose page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// Another table's, or free.
    Other,
    /// Unknown: nothing leads to it.
    Unknown,
    /// The table's.
    Table,
}

/// A row of the schema that has to do with the table.
struct SchemaRow {
    root: u32,
    /// The name of an index; the table has none.
    index: Option<String>,
}

/// What is done with each page.
type EachPage<'a> = &'a mut dyn FnMut(u32, &[u8]) -> Result<(), TryReserveError>;

/// This many bytes of a file, or as many as there are; `None` if it cannot be read.
fn first_bytes(file: &File, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    read_at(file, offset, length, &mut bytes).ok().map(|()| bytes)
}

impl Pages {
    /// The page sizes to try, the most likely one first: all of them, unless the size that the files give is certain.
    pub(super) fn sizes(path: &Path, log_path: &Path) -> io::Result<Vec<usize>> {
        if let Some(log) = open_if_there(log_path)? {
            let named = first_bytes(&log, 8, 4).and_then(|header| page_size(be32(&header, 0)? as usize));
            if let Some(size) = named {
                if Log::read(&log, size)?.page_count.is_some() {
                    return Ok(vec![size]);
                }
            }
        }
        let mut sizes = Vec::from(PAGE_SIZES);
        let Some(database) = open_if_there(path)? else { return Ok(sizes) };
        let Some(header) = first_bytes(&database, 0, 100) else { return Ok(sizes) };
        let Some(named) = be16(&header, 16).and_then(|size| page_size(usize::from(size))) else {
            return Ok(sizes);
        };
        let pages = be32(&header, 28).unwrap_or(0);
        if u64::from(pages) * named as u64 == database.metadata()?.len() {
            return Ok(vec![named]);
        }
        if let Some(place) = sizes.iter().position(|&size| size == named) {
            sizes[..=place].rotate_right(1);
        }
        Ok(sizes)
    }

    /// Opens those of the files that exist.
    pub(super) fn open(path: &Path, log_path: &Path, page_size: usize) -> io::Result<Self> {
        let (database, log) = (open_if_there(path)?, open_if_there(log_path)?);
        let in_log = log.as_ref().map_or_else(|| Ok(Log::default()), |log| Log::read(log, page_size))?;
        let bytes = database.as_ref().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        // What is left of a truncated page is read, too.
        let in_database = u32::try_from(bytes.div_ceil(page_size as u64)).unwrap_or(u32::MAX - 1);
        let in_database = in_log.page_count.map_or(in_database, |count| in_database.min(count));
        let mut pages = Self {
            database,
            log,
            in_log,
            page_size,
            usable: page_size,
            in_database,
            apart: Numbers::default(),
            ours: Numbers::default(),
            forms: Vec::new(),
        };
        pages.read_schema()?;
        Ok(pages)
    }

    /// The forms that the table may have, by what is left of the schema.
    pub(super) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Calls `each` with each cell of each page. Pages that cannot be read are skipped.
    ///
    /// Cost: linear in what the files hold.
    pub(super) fn for_each_cell(
        &self,
        shape: Shape,
        each: &mut dyn FnMut(Cell<'_>, Owner) -> Result<(), TryReserveError>,
    ) -> Result<(), TryReserveError> {
        let mut chains = Chains::default();
        self.for_each(&mut |number, page| {
            let owner = match () {
                () if self.ours.contains(u64::from(number)) => Owner::Table,
                () if self.apart.contains(u64::from(number)) => Owner::Other,
                () => Owner::Unknown,
            };
            self.cells_of(number, page, shape, &mut chains, &mut |cell| each(cell, owner))
        })
    }

    fn cells_of(
        &self,
        number: u32,
        page: &[u8],
        shape: Shape,
        chains: &mut Chains,
        each: &mut dyn FnMut(Cell<'_>) -> Result<(), TryReserveError>,
    ) -> Result<(), TryReserveError> {
        let page = Page { bytes: page, start: start_of(number), usable: self.usable };
        let mut rest = |first, length, buffer: &mut Vec<u8>| chains.follow(self, first, length, buffer);
        cells::for_each(page, shape, &mut rest, each)
    }

    fn for_each(&self, each: EachPage<'_>) -> Result<(), TryReserveError> {
        let mut page = Vec::new();
        let mut number = 1;
        while number <= self.in_database {
            let is_logged = self.in_log.pages.contains(u64::from(number));
            if !is_logged && self.read(number, &mut page) {
                if page.iter().all(|&byte| byte == 0) {
                    number = self.after_hole(number);
                    continue;
                }
                each(number, &page)?;
            }
            number += 1;
        }
        // A log may name any page number, without pages up to it.
        let mut logged = Vec::new();
        logged.try_reserve_exact(self.in_log.pages.len())?;
        logged.extend(self.in_log.pages.keys().filter_map(|number| u32::try_from(number).ok()));
        sort(&mut logged, &mut |a, b| a.cmp(&b));
        for number in logged {
            if self.read(number, &mut page) {
                each(number, &page)?;
            }
        }
        Ok(())
    }

    /// After a page of zeros, the next page that may hold something else.
    fn after_hole(&self, number: u32) -> u32 {
        let size = self.page_size as u64;
        let next =
            self.database.as_ref().map(|file| system::files::next_data(file, u64::from(number) * size));
        match next {
            Some(Ok(Some(data))) => {
                u32::try_from(data / size + 1).map_or(u32::MAX, |next| next.max(number + 1))
            }
            Some(Ok(None)) | None => u32::MAX,
            Some(Err(_)) => number + 1,
        }
    }

    /// Reads the newest version of a page, if there is one.
    fn read(&self, number: u32, page: &mut Vec<u8>) -> bool {
        if let (Some(offset), Some(log)) = (self.in_log.pages.get(u64::from(number)), &self.log) {
            return read_at(log, offset, self.page_size, page).is_ok();
        }
        let (Some(before), Some(database)) = (number.checked_sub(1), &self.database) else { return false };
        let offset = u64::from(before) * self.page_size as u64;
        number <= self.in_database && read_at(database, offset, self.page_size, page).is_ok()
    }

    /// Finds out which pages are free or belong to other tables, which may have the same columns, and which form the table
    /// has.
    fn read_schema(&mut self) -> Result<(), TryReserveError> {
        let mut apart = self.read_header()?;
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        let (mut encoding, mut table) = (None, None);
        let shape = Shape { wanted: 5, most: 5 };
        let (mut page, mut chains) = (Vec::new(), Chains::default());
        for number in self.tree(vec![1])?.keys().filter_map(|number| u32::try_from(number).ok()) {
            if !self.read(number, &mut page) {
                continue;
            }
            self.cells_of(number, &page, shape, &mut chains, &mut |cell| {
                let (
                    Some(_),
                    [ValueRef::Text(kind), name, ValueRef::Text(of), ValueRef::Integer(root), sql @ ..],
                ) = (cell.number, cell.values)
                else {
                    return Ok(());
                };
                let (Some(found), Ok(root)) = (Encoding::of_kind(kind), u32::try_from(*root)) else {
                    return Ok(());
                };
                encoding = Some(found);
                let text = |value: &ValueRef<'_>| match value {
                    ValueRef::Text(bytes) => found.decode(bytes),
                    _ => None,
                };
                if !found.decode(of).is_some_and(|of| of.eq_ignore_ascii_case("peers")) {
                    others.try_reserve(1)?;
                    others.push(root);
                    return Ok(());
                }
                let is_table = found.decode(kind).is_some_and(|kind| kind == "table");
                if is_table {
                    table = sql.first().and_then(text).or(table.take());
                }
                ours.try_reserve(1)?;
                ours.push(SchemaRow { root, index: text(name).filter(|_| !is_table) });
                Ok(())
            })?;
        }
        let of_table = table.and_then(|sql| Form::of_table(&sql, encoding?));
        let (forms, key_index) = match of_table {
            Some((form, key_index)) => (vec![form], key_index),
            None => (Form::all(encoding), None),
        };
        // Other indexes of the table hold something other than addresses.
        let is_known = |row: &SchemaRow| row.index.is_none() || key_index.is_none() || row.index == key_index;
        let (ours, further): (Vec<_>, Vec<_>) = ours.into_iter().partition(is_known);
        others.extend(further.into_iter().map(|row| row.root));
        for number in self.tree(others)?.keys() {
            apart.add(number)?;
        }
        // The pages that the table leads to are its own, whatever damaged pages say.
        self.ours = self.tree(ours.into_iter().map(|row| row.root).collect())?;
        (self.apart, self.forms) = (apart, forms);
        Ok(())
    }

    /// The pages of the trees with these roots, as far as they can be followed.
    fn tree(&self, roots: Vec<u32>) -> Result<Numbers, TryReserveError> {
        let mut seen = Numbers::default();
        let (mut next, mut page) = (roots, Vec::new());
        while let Some(number) = next.pop() {
            if seen.contains(u64::from(number)) || !self.read(number, &mut page) {
                continue;
            }
            seen.add(u64::from(number))?;
            for child in cells::children(&page, start_of(number)) {
                next.try_reserve(1)?;
                next.push(child);
            }
        }
        Ok(seen)
    }

    /// Reads the file's header: how much of each page SQLite uses, and the pages on the free list, which hold what was
    /// deleted.
    fn read_header(&mut self) -> Result<Numbers, TryReserveError> {
        let (mut free, mut page) = (Numbers::default(), Vec::new());
        if !self.read(1, &mut page) || !page.starts_with(b"SQLite format 3\0") {
            return Ok(free);
        }
        // SQLite uses no fewer than 480 bytes of a page.
        let reserved = page.get(20).copied().map_or(0, usize::from);
        self.usable =
            Some(self.page_size - reserved).filter(|&usable| usable >= 480).unwrap_or(self.page_size);
        let mut trunk = be32(&page, 32).unwrap_or(0);
        // A list that is damaged may lead in a circle.
        while trunk != 0 && free.add(u64::from(trunk))? && self.read(trunk, &mut page) {
            let leaves = be32(&page, 4).unwrap_or(0) as usize;
            for number in (0..leaves).map_while(|leaf| be32(&page, 8 + 4 * leaf)) {
                free.add(u64::from(number))?;
            }
            trunk = be32(&page, 0).unwrap_or(0);
        }
        Ok(free)
    }
}

/// The overflow pages that were read in one pass. Without a bound, every cell of a hostile file could lead through all
/// of its pages.
#[derive(Default)]
struct Chains {
    reads: Numbers,
}

impl Chains {
    /// Adds what is on the overflow pages from `first` on, until the buffer has `length` bytes or there is no more.
    fn follow(
        &mut self,
        pages: &Pages,
        first: u32,
        length: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), TryReserveError> {
        let (mut number, mut page) = (first, Vec::new());
        while buffer.len() < length && number != 0 && pages.read(number, &mut page) {
            let reads = self.reads.get(u64::from(number)).unwrap_or(0);
            let Some(content) = page.get(4..pages.usable.min(page.len())).filter(|_| reads < MOST_READS)
            else {
                break;
            };
            self.reads.insert(u64::from(number), reads + 1)?;
            let content = &content[..content.len().min(length - buffer.len())];
            buffer.try_reserve(content.len())?;
            buffer.extend_from_slice(content);
            number = be32(&page, 0).unwrap_or(0);
        }
        Ok(())
    }
}

/// Where the content of a page begins.
fn start_of(number: u32) -> usize {
    if number == 1 { 100 } else { 0 }
}
