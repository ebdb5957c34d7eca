//! Giving back the pages that a large removal has left free.
//!
//! A file that this library creates is in SQLite's mode `auto_vacuum = INCREMENTAL`, which costs one page in some eight
//! hundred and lets a file be truncated without rewriting it. Others keep their mode, and their size until vacuumed.

use rusqlite::Connection;

/// Fewer free pages than this are kept for later use.
const FEWEST_PAGES: i64 = 256;
/// So are free pages that are less than one in this many of the file's.
const PART: i64 = 4;

/// Cuts off the free pages, if they are a large part of a database of our own, in the transaction that freed them.
/// The file itself becomes shorter when the log is next moved into it.
pub(super) fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let free = ask("PRAGMA main.freelist_count")?;
    if free < FEWEST_PAGES || free < ask("PRAGMA main.page_count")? / PART {
        return Ok(());
    }
    // Each step is one page.
    let mut statement = conn.prepare("PRAGMA main.incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
