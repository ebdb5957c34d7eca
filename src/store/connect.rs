//! SQLite's connections to files, and which file a path leads to.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

#[cfg(windows)]
use super::windows_path;

/// Opens the database file at an absolute path.
#[cfg(not(windows))]
pub(super) fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, flags)
}

#[cfg(windows)]
pub(super) fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match windows_path::for_sqlite(path) {
        (path, None) => Connection::open_with_flags(path, flags),
        (path, Some(layer)) => Connection::open_with_flags_and_vfs(path, flags, layer),
    }
}

/// Opens the database file at an absolute path as it is: `uri` makes a URI of the path.
pub(super) fn open_uri(
    path: &Path,
    uri: impl FnOnce(&Path) -> String,
    flags: OpenFlags,
) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_URI;
    #[cfg(windows)]
    if let (path, Some(layer)) = windows_path::for_sqlite(path) {
        return Connection::open_with_flags_and_vfs(uri(&path), flags, layer);
    }
    Connection::open_with_flags(uri(path), flags)
}

/// The canonical path of what is there, without symbolic links.
pub(super) fn canonical(path: &Path) -> io::Result<PathBuf> {
    #[cfg(windows)]
    return canonical_if_known(&windows_path::absolute(path)?).map(windows_path::plain);
    #[cfg(not(windows))]
    std::fs::canonicalize(path)
}

/// The path with all symbolic links of its directory resolved; the file itself need not exist.
pub(super) fn canonical_directory(path: &Path) -> io::Result<PathBuf> {
    let file_name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    #[cfg(not(windows))]
    let resolved = std::fs::canonicalize(directory)?.join(file_name);
    #[cfg(windows)]
    let resolved = windows_path::plain(canonical_if_known(directory)?.join(file_name));
    Ok(resolved)
}

/// The canonical path of what is there; its absolute path where the system knows no other, as on some virtual disks, and as
/// Wine does for long ones.
#[cfg(windows)]
fn canonical_if_known(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path).or_else(|error| if path.exists() { Ok(path.to_owned()) } else { Err(error) })
}
