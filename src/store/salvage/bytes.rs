//! Numbers in a file, and how they are read from it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The sizes that a page can have, the usual one first.
pub(super) const PAGE_SIZES: [usize; 8] = [4096, 1024, 512, 2048, 8192, 16_384, 32_768, 65_536];

/// The page size that a number in a header stands for.
pub(super) fn page_size(number: usize) -> Option<usize> {
    let size = if number == 1 { 65_536 } else { number };
    PAGE_SIZES.contains(&size).then_some(size)
}

pub(super) fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    // Opening a pipe would wait for its writer.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads up to `length` bytes into a buffer, fewer at the end of the file. Moves the file's position.
pub(super) fn read_at(mut file: &File, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    buffer.try_reserve(length)?;
    file.seek(SeekFrom::Start(offset))?;
    file.take(length as u64).read_to_end(buffer).map(drop)
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

/// An integer of one to nine bytes, seven bits each and eight in the ninth, the most significant first; takes it off the
/// front.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<i64> {
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
