//! Files that lie about themselves.

mod common;

use std::fs;

use common::TempDb;
use peer_manager::{Error, PeerManager, SCHEMA};

const PAGE: usize = 65_536;

/// Overwrites a page of an index: `cells` times the same cell, with a pointer to a child where there is one.
fn write_index_page(file: &mut [u8], number: usize, cells: u16, child: Option<u32>) {
    // https://www.sqlite.org/fileformat2.html#b_tree_pages: an index cell is the page of the left child, the size of
    // the payload, and the payload, here a record of two zero-length columns.
    let page = &mut file[(number - 1) * PAGE..number * PAGE];
    page.fill(0);
    let mut cell = child.map_or(Vec::new(), |child| child.to_be_bytes().to_vec());
    cell.extend([3, 2, 0, 0]);
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
    // Without a bound, the process would end here for want of memory.
    let error = PeerManager::new_with_db(database.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("it has 1 rows, but its index has"), "{error}");
}
