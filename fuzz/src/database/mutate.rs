//! Mutations that know where the pages of a file are and what stands at their beginning
//! (<https://www.sqlite.org/fileformat2.html>). Bytes inserted anywhere would move every page behind them.

use super::dice::Dice;
use super::input::{Input, TRAILER, apparent};
use super::{schema, wal};

const SMALLEST_PAGE: usize = 512;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The fields of the file's header: offset and length.
const FILE_FIELDS: [(usize, usize); 21] = [
    (16, 2),
    (18, 1),
    (19, 1),
    (20, 1),
    (21, 1),
    (22, 1),
    (23, 1),
    (24, 4),
    (28, 4),
    (32, 4),
    (36, 4),
    (40, 4),
    (44, 4),
    (48, 4),
    (52, 4),
    (56, 4),
    (60, 4),
    (64, 4),
    (68, 4),
    (92, 4),
    (96, 4),
];

/// The fields of a page of a tree, and its first pointers to cells.
const PAGE_FIELDS: [(usize, usize); 12] =
    [(0, 1), (1, 2), (3, 2), (5, 2), (7, 1), (8, 4), (8, 2), (10, 2), (12, 2), (14, 2), (16, 2), (18, 2)];

/// What makes another table of a schema, or nearly the same one. Written over what is there.
const WORDS: [&[u8]; 32] = [
    b"peers",
    b"PEERS",
    b"ip",
    b"port",
    b"nextattempt",
    b"numfailures",
    b"type",
    b"TIMESTAMP",
    b"INTEGER ",
    b"VARCHAR(15)",
    b"TEXT ",
    b"BLOB ",
    b"REAL ",
    b"CHAR ",
    b"INT ",
    b"NOT NULL",
    b"DEFAULT 0",
    b"CHECK (",
    b"PRIMARY KEY",
    b"WITHOUT ROWID",
    b"COLLATE NOCASE",
    b"UNIQUE ",
    b") STRICT",
    b"AS (1)     ",
    b"STORED ",
    b"VIRTUAL ",
    b"REFERENCES peers",
    b"table",
    b"index",
    b"view",
    b"trigger",
    b"CREATE VIEW",
];

/// Changes the first `size` bytes of `data`, which has room for `max_size`; returns the new size. `plain` changes bytes
/// without knowing what they are, and so does this where there is no page.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    plain: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut dice = Dice(seed.into());
    let input = Input::split(&data[..size]);
    let (file_len, plan) = (input.file.len(), input.plan);
    if file_len < SMALLEST_PAGE || dice.below(8) == 0 {
        return plain(data, size, max_size);
    }
    let page_size = page_size(&data[..file_len]);
    let pages = file_len / page_size;
    let mut new_len = file_len;
    match dice.below(20) {
        0..2 => overwrite_field(data, 0, file_len, &FILE_FIELDS, pages, &mut dice),
        2..6 => {
            let page = dice.below(pages);
            // The first page begins with the file's header.
            let start = page * page_size + if page == 0 { 100 } else { 0 };
            overwrite_field(data, start, file_len, &PAGE_FIELDS, pages, &mut dice);
        }
        6..10 => {
            let place = dice.below(file_len);
            let end = (place + 1 + dice.below(8)).min(file_len);
            let len = end - place;
            plain(&mut data[place..end], len, len);
        }
        10 => {
            let word = WORDS[dice.below(WORDS.len())];
            let place = dice.below(page_size.min(file_len));
            let len = word.len().min(file_len - place);
            data[place..place + len].copy_from_slice(&word[..len]);
        }
        11 => {
            let (from, to) = (dice.below(pages), dice.below(pages));
            data.copy_within(from * page_size..(from + 1) * page_size, to * page_size);
        }
        12 if pages > 1 => {
            // The last page goes.
            new_len = (pages - 1) * page_size;
            data.copy_within(file_len..size, new_len);
        }
        13 if size + page_size <= max_size => {
            let from = dice.below(pages) * page_size;
            new_len = file_len + page_size;
            data.copy_within(file_len..size, new_len);
            data.copy_within(from..from + page_size, file_len);
        }
        14 => {
            let trailer = size - TRAILER + 2 + dice.below(2);
            data[trailer] = dice.below(256) as u8;
        }
        15 => change_header(&mut data[..file_len], &mut dice),
        16 => change_lengths(&mut data[..size], page_size, &mut dice),
        17..19 => {
            let changed = if dice.below(4) == 0 {
                schema::random_file(&mut dice)
            } else {
                schema::change(&data[..file_len], &mut dice)
            };
            // Its log has nothing to do with a file that was written anew.
            let Some(file) = changed.filter(|file| file.len() + TRAILER <= max_size) else {
                return plain(data, size, max_size);
            };
            let trailer = size - TRAILER;
            data.copy_within(trailer..size, file.len());
            data[..file.len()].copy_from_slice(&file);
            data[file.len()..file.len() + 2].fill(0);
            return file.len() + TRAILER;
        }
        _ => {
            // A frame of the log, or its header.
            let wal_len = usize::from(plan.wal_len);
            let frame = dice.below(wal_len.saturating_sub(32) / (24 + page_size));
            let start = file_len + 32 + frame * (24 + page_size);
            let fields: &[_] = if dice.below(2) == 0 { &[(0, 4), (4, 4)] } else { &PAGE_FIELDS };
            let start = if fields.len() == 2 { start } else { start + 24 };
            overwrite_field(data, start, file_len + wal_len, fields, pages, &mut dice);
        }
    }
    if new_len != file_len {
        let pages = (new_len / page_size) as u32;
        data[28..32].copy_from_slice(&pages.to_be_bytes());
    }
    let new_size = size - file_len + new_len;
    if dice.below(16) != 0 {
        data[..16].copy_from_slice(MAGIC);
        // Only then the number of pages in the header counts.
        data.copy_within(24..28, 92);
        let wal_end = new_size - TRAILER;
        wal::seal(&mut data[new_len..wal_end], page_size);
    }
    new_size
}

/// Gives the file another encoding, page size, number of reserved bytes or number of pages: values that SQLite knows, which
/// random ones seldom are.
fn change_header(file: &mut [u8], dice: &mut Dice) {
    match dice.below(4) {
        0 => file[56..60].copy_from_slice(&(1 + dice.below(3) as u32).to_be_bytes()),
        1 => {
            // 1 stands for 65,536.
            let size = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 1_u16][dice.below(8)];
            file[16..18].copy_from_slice(&size.to_be_bytes());
        }
        2 => file[20] = [0, 1, 4, 8, 12, 31, 32, 33, 255][dice.below(9)],
        _ => {
            let pages = u32::MAX >> dice.below(32);
            file[28..32].copy_from_slice(&pages.to_be_bytes());
        }
    }
}

/// Changes the length that the file seems to have, or its log; and mostly, the number of pages in the header with it.
fn change_lengths(data: &mut [u8], page_size: usize, dice: &mut Dice) {
    let lengths = data.len() - 1;
    let bits = dice.below(16) as u8;
    if dice.below(4) == 0 {
        data[lengths] = data[lengths] & 15 | bits << 4;
        return;
    }
    data[lengths] = data[lengths] & !15 | bits;
    if bits != 0 && dice.below(4) != 0 {
        let pages = u32::try_from(apparent(bits) / page_size as u64).unwrap_or(u32::MAX);
        data[28..32].copy_from_slice(&pages.to_be_bytes());
    }
}

/// As the header says it, or what is most frequent here.
fn page_size(file: &[u8]) -> usize {
    let said = file.get(16..18).map_or(0, |size| usize::from(u16::from_be_bytes([size[0], size[1]])));
    let is_possible = said.is_power_of_two() && said >= SMALLEST_PAGE && said <= file.len();
    if is_possible { said } else { SMALLEST_PAGE }
}

/// Gives a field a value that is a little wrong, or very much so.
fn overwrite_field(
    data: &mut [u8],
    start: usize,
    end: usize,
    fields: &[(usize, usize)],
    pages: usize,
    dice: &mut Dice,
) {
    let (offset, len) = fields[dice.below(fields.len())];
    if start + offset + len > end {
        return;
    }
    let field = &mut data[start + offset..][..len];
    let old = field.iter().fold(0_u32, |value, &byte| value << 8 | u32::from(byte));
    let random = dice.below(u32::MAX as usize) as u32;
    let value = match dice.below(12) {
        0 => 0,
        1 => u32::MAX,
        2 => old.wrapping_add(1),
        3 => old.wrapping_sub(1),
        4 => pages as u32,
        5 => pages as u32 + 1,
        6 => 1 << (random % 32),
        7 => [2, 5, 10, 13][random as usize % 4],
        8 | 9 => random % (pages as u32 + 2),
        10 => random % 600,
        _ => random,
    };
    field.copy_from_slice(&value.to_be_bytes()[4 - len..]);
}
