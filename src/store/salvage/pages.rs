//! The pages of a database file and its write-ahead log, read without SQLite, which refuses a damaged file as a whole.
//!
//! Sources: <https://www.sqlite.org/fileformat2.html>, sections 1.3 (header), 1.5 (freelist) and 4 (log).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The sizes that a page can have, the usual one first.
const PAGE_SIZES: [usize; 8] = [4096, 1024, 512, 2048, 8192, 16_384, 32_768, 65_536];

const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A file that is read page by page.
#[derive(Debug)]
pub(super) struct Pages {
    database: Option<File>,
    log: Option<File>,
    /// Where in the log the newest committed version of a page is.
    in_log: HashMap<u32, u64>,
    page_size: usize,
    /// How many pages the database file has.
    in_database: u32,
    free: HashSet<u32>,
}

impl Pages {
    /// The page sizes to try: the one that the file names, or each, if its header says nothing sensible.
    pub(super) fn sizes(path: &Path, log_path: &Path) -> io::Result<Vec<usize>> {
        let mut database = open_if_there(path)?;
        let mut log = open_if_there(log_path)?;
        let named = database
            .as_mut()
            .and_then(|file| read_at(file, 16, 2).ok())
            .and_then(|bytes| page_size(usize::from(be16(&bytes, 0)?)));
        let logged = log
            .as_mut()
            .and_then(|file| read_at(file, 8, 4).ok())
            .and_then(|bytes| page_size(be32(&bytes, 0)? as usize));
        Ok(named.or(logged).map_or(PAGE_SIZES.to_vec(), |size| vec![size]))
    }

    /// Opens the files, those of them that are there.
    pub(super) fn open(path: &Path, log_path: &Path, page_size: usize) -> io::Result<Self> {
        let database = open_if_there(path)?;
        let mut log = open_if_there(log_path)?;
        let in_log = log.as_mut().map_or_else(HashMap::new, |log| committed_frames(log, page_size));
        let bytes = database.as_ref().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        // What is left of a page that was cut off is read, too.
        let in_database = u32::try_from(bytes.div_ceil(page_size as u64)).unwrap_or(u32::MAX - 1);
        let mut pages = Self { database, log, in_log, page_size, in_database, free: HashSet::new() };
        pages.free = pages.free_pages();
        Ok(pages)
    }

    /// Gives each page that is in use to `each`, with the offset of its content (the first has the file's header in
    /// front). Pages that cannot be read are passed over.
    pub(super) fn for_each(&mut self, mut each: impl FnMut(&[u8], usize)) {
        // A log may claim pages far beyond the end of the file.
        let mut beyond: Vec<u32> =
            self.in_log.keys().copied().filter(|&number| number > self.in_database).collect();
        beyond.sort_unstable();
        for number in (1..=self.in_database).chain(beyond) {
            if self.free.contains(&number) {
                continue;
            }
            if let Some(page) = self.read(number) {
                each(&page, if number == 1 { 100 } else { 0 });
            }
        }
    }

    fn read(&mut self, number: u32) -> Option<Vec<u8>> {
        if let (Some(&offset), Some(log)) = (self.in_log.get(&number), self.log.as_mut()) {
            return read_at(log, offset, self.page_size).ok();
        }
        let offset = u64::from(number.checked_sub(1)?) * self.page_size as u64;
        read_at(self.database.as_mut()?, offset, self.page_size).ok()
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

/// The newest version of each page in the log, of the transactions that were committed. A log ends where a checksum
/// is wrong, as for SQLite.
fn committed_frames(log: &mut File, page_size: usize) -> HashMap<u32, u64> {
    let (mut committed, mut uncommitted) = (HashMap::new(), HashMap::new());
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
    let (mut offset, mut last_page) = (WAL_HEADER as u64, 0);
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
            committed.extend(uncommitted.drain());
            last_page = pages_after_commit;
        }
        offset += (FRAME_HEADER + page_size) as u64;
    }
    // A file that has shrunk and grown again has the pages of its growth in the log once more.
    committed.retain(|&number, _| number <= last_page);
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

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}
