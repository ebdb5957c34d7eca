//! The pages of a database file and its write-ahead log, read without SQLite, which refuses a damaged file as a whole.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.3 (header), 1.5 (freelist) and 4 (log).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rusqlite::types::ValueRef;

use super::Layout;
use super::cells::{self, Cell};

/// The sizes that a page can have, the usual one first.
const PAGE_SIZES: [usize; 8] = [4096, 1024, 512, 2048, 8192, 16_384, 32_768, 65_536];

const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A file that is read page by page.
#[derive(Debug)]
pub(super) struct Pages {
    database: Option<File>,
    log: Option<File>,
    in_log: Log,
    page_size: usize,
    /// How many pages the file of the database has, of those that belong to it.
    in_database: u32,
    /// Pages that hold no peers of the present, whatever they look like.
    apart: HashSet<u32>,
    /// The layouts that the table may have.
    layouts: &'static [Layout],
}

/// What a log says.
#[derive(Debug, Default)]
struct Log {
    /// Where in it the newest committed version of a page is.
    pages: HashMap<u32, u64>,
    /// How many pages the database has after its last transaction.
    page_count: Option<u32>,
}

impl Pages {
    /// The page sizes to try, the most likely one first: each, unless the one that the files name is certain.
    pub(super) fn sizes(path: &Path, log_path: &Path) -> io::Result<Vec<usize>> {
        let database = open_if_there(path)?;
        let mut log = open_if_there(log_path)?;
        let logged = log
            .as_mut()
            .and_then(|file| read_at(file, 8, 4).ok())
            .and_then(|bytes| page_size(be32(&bytes, 0)? as usize));
        if let (Some(size), Some(log)) = (logged, &mut log)
            && committed_frames(log, size).page_count.is_some()
        {
            return Ok(vec![size]);
        }
        let mut sizes = Vec::from(PAGE_SIZES);
        if let Some(mut file) = database
            && let Ok(header) = read_at(&mut file, 0, 100)
            && let Some(named) = be16(&header, 16).and_then(|number| page_size(usize::from(number)))
        {
            let pages = be32(&header, 28).unwrap_or(0);
            if u64::from(pages) * named as u64 == file.metadata()?.len() {
                return Ok(vec![named]);
            }
            sizes.sort_by_key(|&size| size != named);
        }
        Ok(sizes)
    }

    /// Opens the files, those of them that are there.
    pub(super) fn open(path: &Path, log_path: &Path, page_size: usize) -> io::Result<Self> {
        let database = open_if_there(path)?;
        let mut log = open_if_there(log_path)?;
        let in_log = log.as_mut().map_or_else(Log::default, |log| committed_frames(log, page_size));
        let bytes = database.as_ref().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        // What is left of a page that was cut off is read, too.
        let in_database = u32::try_from(bytes.div_ceil(page_size as u64)).unwrap_or(u32::MAX - 1);
        let in_database = in_log.page_count.map_or(in_database, |count| in_database.min(count));
        let (apart, layouts) = (HashSet::new(), Layout::possible(None));
        let mut pages = Self { database, log, in_log, page_size, in_database, apart, layouts };
        pages.read_schema();
        Ok(pages)
    }

    /// The layouts that the table may have, by what is left of the schema.
    pub(super) fn layouts(&self) -> &'static [Layout] {
        self.layouts
    }

    /// Gives each page to `each`, with the offset of its content (the first has the file's header in front) and whether
    /// it can have peers. Pages that cannot be read are passed over.
    pub(super) fn for_each(&mut self, mut each: impl FnMut(&[u8], usize, bool)) {
        // A log may name any number, and there may be no pages up to it.
        let mut beyond: Vec<u32> =
            self.in_log.pages.keys().copied().filter(|&number| number > self.in_database).collect();
        beyond.sort_unstable();
        for number in (1..=self.in_database).chain(beyond) {
            if let Some(page) = self.read(number) {
                each(&page, start_of(number), !self.apart.contains(&number));
            }
        }
    }

    fn read(&mut self, number: u32) -> Option<Vec<u8>> {
        if let (Some(&offset), Some(log)) = (self.in_log.pages.get(&number), self.log.as_mut()) {
            return read_at(log, offset, self.page_size).ok();
        }
        let offset = u64::from(number.checked_sub(1).filter(|_| number <= self.in_database)?);
        read_at(self.database.as_mut()?, offset * self.page_size as u64, self.page_size).ok()
    }

    /// Notes which pages were deleted or belong to other tables, which may have the same columns, and how the table is
    /// laid out.
    fn read_schema(&mut self) {
        let mut apart = self.free_pages();
        let (mut ours, mut others, mut layouts) = (Vec::new(), Vec::new(), self.layouts);
        for number in self.tree(&[1]) {
            let Some(page) = self.read(number) else { continue };
            cells::for_each(&page, start_of(number), |cell| {
                let Cell::Row(_, columns) = cell else { return };
                let [kind, _, ValueRef::Text(table), ValueRef::Integer(root), ref sql @ ..] = columns[..]
                else {
                    return;
                };
                let Ok(root) = u32::try_from(root) else { return };
                if !table.eq_ignore_ascii_case(b"peers") {
                    others.push(root);
                    return;
                }
                ours.push(root);
                if let (ValueRef::Text(b"table"), [ValueRef::Text(sql)]) = (kind, sql) {
                    layouts = Layout::possible(std::str::from_utf8(sql).ok());
                }
            });
        }
        apart.extend(self.tree(&others));
        // What the table itself leads to is its own, whatever damaged pages say.
        for number in self.tree(&ours) {
            apart.remove(&number);
        }
        (self.apart, self.layouts) = (apart, layouts);
    }

    /// The pages of the trees with these roots, as far as they can be followed.
    fn tree(&mut self, roots: &[u32]) -> HashSet<u32> {
        let mut seen = HashSet::new();
        let mut next = roots.to_vec();
        while let Some(number) = next.pop() {
            if seen.contains(&number) {
                continue;
            }
            if let Some(page) = self.read(number) {
                seen.insert(number);
                next.extend(cells::children(&page, start_of(number)));
            }
        }
        seen
    }

    /// The pages on the list of free ones: what they hold was deleted.
    fn free_pages(&mut self) -> HashSet<u32> {
        let mut free = HashSet::new();
        let Some(first) = self.read(1).filter(|page| page.starts_with(b"SQLite format 3\0")) else {
            return free;
        };
        let mut trunk = be32(&first, 32).unwrap_or(0);
        // A list that is damaged may lead in a circle.
        while trunk != 0 && free.insert(trunk) {
            let Some(page) = self.read(trunk) else { break };
            let leaves = be32(&page, 4).unwrap_or(0) as usize;
            free.extend((0..leaves).map_while(|leaf| be32(&page, 8 + 4 * leaf)));
            trunk = be32(&page, 0).unwrap_or(0);
        }
        free
    }
}

/// Where the content of a page begins.
fn start_of(number: u32) -> usize {
    if number == 1 { 100 } else { 0 }
}

/// The newest version of each page in the log, of the transactions that were committed. A log ends where a checksum
/// is wrong, as for SQLite.
fn committed_frames(log: &mut File, page_size: usize) -> Log {
    let (mut committed, mut uncommitted) = (Log::default(), HashMap::new());
    let Ok(header) = read_at(log, 0, WAL_HEADER) else { return committed };
    let magic = be32(&header, 0).unwrap_or(0);
    let named = be32(&header, 8).and_then(|size| self::page_size(size as usize));
    if magic & !1 != 0x377f_0682 || named != Some(page_size) || header.len() < WAL_HEADER {
        return committed;
    }
    let mut sum = Checksum { is_big_endian: magic & 1 == 1, words: (0, 0) };
    sum.add(&header[..24]);
    if !sum.is(&header[24..]) {
        return committed;
    }
    let mut offset = WAL_HEADER as u64;
    while let Ok(frame) = read_at(log, offset, FRAME_HEADER + page_size) {
        if frame.len() < FRAME_HEADER + page_size || frame[8..16] != header[16..24] {
            break;
        }
        sum.add(&frame[..8]);
        sum.add(&frame[FRAME_HEADER..]);
        if !sum.is(&frame[16..24]) {
            break;
        }
        let (number, pages_after_commit) = (be32(&frame, 0).unwrap_or(0), be32(&frame, 4).unwrap_or(0));
        uncommitted.insert(number, offset + FRAME_HEADER as u64);
        if pages_after_commit != 0 {
            committed.pages.extend(uncommitted.drain());
            committed.page_count = Some(pages_after_commit);
        }
        offset += (FRAME_HEADER + page_size) as u64;
    }
    let page_count = committed.page_count.unwrap_or(0);
    committed.pages.retain(|&number, _| number <= page_count);
    committed
}

/// The log's checksum, section 4.2 of the format.
struct Checksum {
    is_big_endian: bool,
    words: (u32, u32),
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let word = |bytes: &[u8]| {
            let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
            if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        for pair in bytes.chunks_exact(8) {
            self.words.0 = self.words.0.wrapping_add(word(pair)).wrapping_add(self.words.1);
            self.words.1 = self.words.1.wrapping_add(word(&pair[4..])).wrapping_add(self.words.0);
        }
    }

    fn is(&self, stored: &[u8]) -> bool {
        (be32(stored, 0), be32(stored, 4)) == (Some(self.words.0), Some(self.words.1))
    }
}

/// The page size that a header means by a number.
fn page_size(number: usize) -> Option<usize> {
    let size = if number == 1 { 65_536 } else { number };
    PAGE_SIZES.contains(&size).then_some(size)
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    // To open a pipe would wait for whoever writes to it.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Up to `length` bytes, fewer at the end of the file.
fn read_at(file: &mut File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}
