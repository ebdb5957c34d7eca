//! The write-ahead log, as far as it was committed.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>, section 4.

use std::collections::TryReserveError;
use std::fs::File;

use super::bytes::{be32, read_at};
use crate::store::numbers::Numbers;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The contents of a log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Where in it the newest committed version of a page is.
    pub(super) pages: Numbers,
    /// How many pages the database has after its last transaction.
    pub(super) page_count: Option<u32>,
}

impl Log {
    /// Finds the newest committed version of each page. As for SQLite, a log ends where a checksum is wrong.
    ///
    /// Cost: linear in the log; memory for the list of its pages.
    pub(super) fn read(file: &File, page_size: usize) -> Result<Self, TryReserveError> {
        let mut log = Self::default();
        let mut header = Vec::new();
        let magic = |header: &[u8]| be32(header, 0).unwrap_or(0);
        let named = |header: &[u8]| be32(header, 8).and_then(|size| super::bytes::page_size(size as usize));
        if read_at(file, 0, HEADER, &mut header).is_err()
            || header.len() < HEADER
            || magic(&header) & !1 != 0x377f_0682
            || named(&header) != Some(page_size)
        {
            return Ok(log);
        }
        let mut sum = Checksum { is_big_endian: magic(&header) & 1 == 1, words: (0, 0) };
        sum.add(&header[..24]);
        if !sum.is(&header[24..]) {
            return Ok(log);
        }
        let mut offset = HEADER as u64;
        let (mut uncommitted, mut frame) = (Vec::new(), Vec::new());
        while read_at(file, offset, FRAME_HEADER + page_size, &mut frame).is_ok() {
            let number = be32(&frame, 0).unwrap_or(0);
            // There is no page 0: a log that has holes instead of frames ends there.
            if frame.len() < FRAME_HEADER + page_size || number == 0 || frame[8..16] != header[16..24] {
                break;
            }
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER..]);
            if !sum.is(&frame[16..24]) {
                break;
            }
            uncommitted.try_reserve(1)?;
            uncommitted.push((number, offset + FRAME_HEADER as u64));
            let pages_after_commit = be32(&frame, 4).unwrap_or(0);
            if pages_after_commit != 0 {
                for (number, offset) in uncommitted.drain(..) {
                    log.pages.insert(u64::from(number), offset)?;
                }
                log.page_count = Some(pages_after_commit);
            }
            offset += (FRAME_HEADER + page_size) as u64;
        }
        let page_count = log.page_count.unwrap_or(0);
        log.pages.cut(u64::from(page_count));
        Ok(log)
    }
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
