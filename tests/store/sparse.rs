//! Files that are much longer than what is in them: damaged ones are saved for the price of what they hold.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use crate::common;
use crate::common::damage::{PEERS, Place, Sound};
use crate::common::run::skip;
use peer_manager::OnCorrupt;

/// How long the files say they are. Read page by page, that takes minutes.
const LENGTH: u64 = 100 << 30;

/// Makes the file as long; false where the file system has no holes, or none so long.
fn lengthen(path: &Path) -> bool {
    let file = File::options().write(true).open(path).unwrap();
    let is_sparse = file.set_len(LENGTH).is_ok()
        && file.metadata().is_ok_and(|metadata| metadata.blocks() * 512 < 1 << 30);
    if !is_sparse {
        skip("this file system has no files that are so long and hold so little");
        file.set_len(0).unwrap();
    }
    is_sparse
}

#[test]
fn a_damaged_file_of_a_hundred_gigabytes_that_are_not_there_is_saved() {
    for page_size in [512, 4096] {
        let sound = Sound::new(page_size, PEERS);
        // With its header, all but the first bytes of it, and without.
        for zeros in [1, 100, sound.page_size] {
            let place = Place::new(&sound.with_page(1, |page| page[..zeros].fill(0)).into());
            if !lengthen(&place.path()) {
                return;
            }
            let manager = place.open(OnCorrupt::Quarantine).unwrap();
            assert_eq!(common::peers(&manager), sound.peers, "{zeros} zeros");
            assert_eq!(manager.quarantine().unwrap().lost_rows, 0, "{zeros} zeros");
        }
    }
}

#[test]
fn what_is_behind_a_hole_is_saved_too() {
    let sound = Sound::new(4096, 300);
    let place = Place::new(&vec![1; 4096].into());
    if !lengthen(&place.path()) {
        return;
    }
    // The same pages, from a page near the end of the file on.
    File::options()
        .write(true)
        .open(place.path())
        .unwrap()
        .write_all_at(sound.bytes(), LENGTH - (1 << 24))
        .unwrap();
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    assert_eq!(common::peers(&manager), sound.peers);
}

#[test]
fn a_header_that_counts_pages_which_are_not_there_costs_nothing() {
    let sound = Sound::new(4096, PEERS);
    let pages = u32::try_from(LENGTH / 4096).unwrap().to_be_bytes();
    let bytes = sound.with_page(1, |page| {
        page[28..32].copy_from_slice(&pages);
        // As many free ones, beginning with the last.
        page[32..36].copy_from_slice(&pages);
        page[36..40].copy_from_slice(&pages);
        page[44..48].fill(0x7f);
    });
    let place = Place::new(&bytes.into());
    if !lengthen(&place.path()) {
        return;
    }
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    assert_eq!(common::peers(&manager), sound.peers);
}

#[test]
fn a_log_of_a_hundred_gigabytes_that_are_not_there_costs_nothing() {
    const MAGIC: u32 = 0x377f_0682;
    let sound = Sound::new(4096, PEERS);
    let place = Place::new(&sound.with_page(1, |page| page[..16].fill(0)).into());
    // The magic number, the version, the size of a page, a count, two salts and two sums. With these two numbers the sums
    // are 0, and so are those of frames that are nothing but zeros.
    let version = 0_u32.wrapping_sub(MAGIC.wrapping_mul(2).wrapping_add(4096));
    let count = 0_u32.wrapping_sub(version.wrapping_add(MAGIC));
    let header = [MAGIC, version, 4096, count, 0, 0, 0, 0].map(u32::to_be_bytes).concat();
    let log = place.file("peers.db-wal");
    fs::write(&log, header).unwrap();
    if !lengthen(&log) {
        return;
    }
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    assert_eq!(common::peers(&manager), sound.peers);
}
