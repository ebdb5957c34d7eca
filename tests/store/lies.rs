//! Files that lie about themselves, or that look like what they are not: they cost no more than their size, and give no
//! peers that are none.

use std::fs;

use crate::common::aside::set_aside;
use crate::common::damage::{Image, PEERS, Place, Sound, sign_log, with_log};
use crate::common::{self, TempDb};
use peer_manager::{Error, OnCorrupt, PeerManager, SCHEMA};

/// The largest size of a page.
const PAGE: usize = 65_536;

/// Overwrites a page of an index: `cells` times the same cell, with a pointer to a child where there is one.
fn write_index_page(file: &mut [u8], number: usize, cells: u16, child: Option<u32>) {
    // https://www.sqlite.org/fileformat2.html#b_tree_pages: an index cell is the page of the left child, the size of
    // the payload, and the payload, here a record of three columns without a length: nothing, nothing, and zero.
    let page = &mut file[(number - 1) * PAGE..number * PAGE];
    page.fill(0);
    let mut cell = child.map_or(Vec::new(), |child| child.to_be_bytes().to_vec());
    cell.extend([4, 4, 0, 0, 8]);
    let at = PAGE - cell.len();
    page[at..].copy_from_slice(&cell);
    page[0] = if child.is_some() { 2 } else { 10 };
    page[3..5].copy_from_slice(&cells.to_be_bytes());
    let at = u16::try_from(at).unwrap().to_be_bytes();
    page[5..7].copy_from_slice(&at);
    let mut pointers = 8;
    if let Some(child) = child {
        page[8..12].copy_from_slice(&child.to_be_bytes());
        pointers = 12;
    }
    for n in 0..usize::from(cells) {
        page[pointers + 2 * n..][..2].copy_from_slice(&at);
    }
}

#[test]
fn a_file_that_counts_thousands_of_millions_of_rows_takes_no_memory_for_them() {
    let database = TempDb::new();
    let connection = database.connection();
    connection.pragma_update(None, "page_size", 65_536).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
        .execute_batch(
            "INSERT INTO peers VALUES ('1.2.3.4', 1, 0, 0, 0); CREATE TABLE pad (x); \
             INSERT INTO pad VALUES (zeroblob(60000)), (zeroblob(60000)), (zeroblob(60000))",
        )
        .unwrap();
    let root = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_peers_1'";
    let root: u32 = connection.query_row(root, [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut file = fs::read(database.path()).unwrap();
    let pages = file.len() / PAGE;
    // Each cell of the root leads to one page, each cell of that to one leaf.
    write_index_page(&mut file, root as usize, 200, Some(u32::try_from(pages - 1).unwrap()));
    write_index_page(&mut file, pages - 1, 10_000, Some(u32::try_from(pages).unwrap()));
    write_index_page(&mut file, pages, 1_000, None);
    fs::write(database.path(), file).unwrap();
    let count: i64 =
        database.connection().query_row("SELECT count(*) FROM peers", [], |row| row.get(0)).unwrap();
    assert!(count > 1_000_000_000, "the file lies: {count}");
    // Without a bound, the process would end here for want of memory, or of time to count.
    let error = PeerManager::new_with_db(database.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("its pages refer to more than the file has room for"), "{error}");
}

#[test]
fn cells_that_overlap_are_no_more_rows_than_fit_on_their_page() {
    // A row of 20000 bytes, of which 19991 are its address: its length and number; the length of its header, a text, and
    // four integers, of which the first is one byte and the others are none.
    const CELL: [u8; 12] = [0x81, 0x9c, 0x20, 1, 8, 0x82, 0xb8, 0x3b, 1, 8, 8, 8];
    let mut page = vec![0; PAGE];
    page[0] = 13;
    let cells = 2_000_u16;
    page[3..5].copy_from_slice(&cells.to_be_bytes());
    for cell in 0..usize::from(cells) {
        let at = 10_000 + CELL.len() * cell;
        page[8 + 2 * cell..][..2].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
        page[at..at + CELL.len()].copy_from_slice(&CELL);
    }
    let hostile = [vec![0; PAGE], page].concat();
    let (saved, quarantine) = set_aside("a hostile page", &Place::new(&hostile.into()));
    assert!(saved.is_empty() && quarantine.lost_rows <= 3, "{quarantine:?}");
}

#[test]
fn a_log_that_names_thousands_of_millions_of_pages_is_read_to_its_end() {
    const FRAME: usize = 24 + 512;
    let (sound, image) = with_log(512);
    let Image { database: Some(mut database), log: Some(mut log) } = image else { unreachable!() };
    // The last frame is a page far away, and the size of the database is as much. The page of the frame before it is
    // none that SQLite would take, in any version.
    let last = log.len() - FRAME;
    let damaged = log[last - FRAME..last - FRAME + 4].to_vec();
    for frame in
        (32..last).step_by(FRAME).filter(|&frame| log[frame..frame + 4] == damaged).collect::<Vec<_>>()
    {
        log[frame + 24] = 0xff;
    }
    log[last..last + 8].fill(0xff);
    sign_log(&mut log, 512);
    database[..16].fill(0);
    // With pages in the log, SQLite reads the header there.
    let (saved, _) =
        set_aside("a hostile log", &Place::new(&Image { database: Some(database), log: Some(log) }));
    assert!(saved.len() > sound.peers.len() / 2, "{}", saved.len());
}

#[test]
fn index_entries_that_do_not_fit_their_page_are_not_counted_as_lost() {
    let place = Place::new(&Sound::new(512, 5).image);
    let manager = place.open(OnCorrupt::Fail).unwrap();
    for n in 0..40 {
        let label = format!("{}{n}", "long".repeat(14));
        manager.ensure_exists(&common::address(&format!("{label}.{label}.{label}.org:1"))).unwrap();
    }
    let peers = common::peers(&manager);
    drop(manager);
    let mut bytes = place.image().database.unwrap();
    bytes[..16].fill(0);
    let (saved, quarantine) = set_aside("long names", &Place::new(&bytes.into()));
    assert_eq!((saved, quarantine.lost_rows), (peers, 0));
}

#[test]
fn rows_of_the_hosts_other_tables_are_no_peers() {
    let place = Place::new(&Sound::new(512, PEERS).image);
    place
        .connection()
        .execute_batch(
            "CREATE TABLE old_peers AS SELECT ip, port, 1 AS nextattempt, 2 AS numfailures, type FROM peers; \
             CREATE TABLE banned (ip TEXT, port INT, since INTEGER, times INT, reason INT, UNIQUE (ip, port)); \
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) \
             INSERT INTO banned SELECT '9.9.9.' || n, n, 5, 5, 1 FROM n",
        )
        .unwrap();
    let bytes = place.image().database.unwrap();
    let sound = Sound::new(512, PEERS);
    for page in 2..=sound.page_count() {
        let mut bytes = bytes.clone();
        bytes[(page - 1) * 512..page * 512].fill(0);
        let (saved, quarantine) = set_aside(&format!("page {page}"), &Place::new(&bytes.into()));
        let expected = sound.without_page(page);
        let lost = (sound.peers.len() - expected.len()) as u64;
        // What hung on an interior page belongs to no page, but to no other page either.
        assert_eq!((saved, quarantine.lost_rows), (expected, lost), "page {page}");
    }
}

/// An integer as SQLite writes it, in five bytes.
fn varint(number: u32) -> [u8; 5] {
    [28, 21, 14, 7, 0].map(|shift| (number >> shift & 0x7f) as u8 | if shift == 0 { 0 } else { 0x80 })
}

#[test]
fn rows_that_all_continue_on_the_same_page_cost_no_more_than_the_file() {
    const PAGE: usize = 512;
    const LEAVES: usize = 2_000;
    // https://www.sqlite.org/fileformat2.html#b_tree_pages: of a row of so many bytes, 39 are on its page, and the number
    // of the next page behind them.
    const LENGTH: u32 = 39 + 508 * 1_968_503;
    let mut row = [&varint(LENGTH)[..], &[1]].concat();
    // A text that is as long as can be, and four integers of one byte.
    row.extend([&[10][..], &varint(13 + 2 * (LENGTH - 14)), &[1; 4]].concat());
    row.resize(5 + 1 + 39, b'a');
    row.extend(2_u32.to_be_bytes());
    // The second page leads to itself.
    let mut file = vec![b'a'; PAGE * (LEAVES + 2)];
    file[PAGE..PAGE + 4].copy_from_slice(&2_u32.to_be_bytes());
    for leaf in file.chunks_mut(PAGE).skip(2) {
        leaf[..8].copy_from_slice(&[13, 0, 0, 0, 9, 0, 0, 0]);
        for n in 0..9 {
            let at = 30 + row.len() * n;
            leaf[8 + 2 * n..][..2].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
            leaf[at..at + row.len()].copy_from_slice(&row);
        }
    }
    let (saved, _) = set_aside("a hostile chain", &Place::new(&file.into()));
    assert!(saved.is_empty(), "{}", saved.len());
}
