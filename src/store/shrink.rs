//! Giving pages back that a large removal has left free.
//!
//! A file that this library makes is in SQLite's mode `auto_vacuum = INCREMENTAL`, which costs a page in some eight hundred
//! and lets a file be cut without being written anew. Others keep their mode, and their size until they are vacuumed.

use rusqlite::Connection;

/// Fewer free pages than this are left to what comes next.
const FEWEST_PAGES: i64 = 256;
/// And if they are a smaller part of the file than one in so many.
const PART: i64 = 4;

/// Cuts the free pages off, if they are a large part of a database of our own, in the transaction that has made them free.
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
