//! The files next to a database that belong to it: its lock file, and what SQLite keeps there.
//!
//! SQLite's files are never opened here: it has locks on some of them, and closing a descriptor would drop those.

use std::fs;
#[cfg(unix)]
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Quoted, Result};

/// The files that SQLite keeps next to a database, and how messages refer to them.
pub(super) const COMPANIONS: [(&str, &str); 3] =
    [("-wal", "write-ahead log"), ("-shm", "index of its write-ahead log"), ("-journal", "journal")];

/// A file next to another: the path with a suffix.
pub(super) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

/// How messages refer to a file next to the database.
fn describe(what: &str, path: &Path) -> String {
    format!("its {what} {}", Quoted(&path.file_name().unwrap_or_default().to_string_lossy()))
}

/// The error for a file next to the database that cannot be used: which one, what the system says, what can be done.
pub(super) fn cannot_use(action: &str, what: &str, path: &Path, error: &io::Error) -> Error {
    let it = describe(what, path);
    if is_link(path) {
        return Error::cannot_open(action, format!("{it} is a symbolic link; remove the link"));
    }
    if error.kind() == io::ErrorKind::PermissionDenied {
        return belongs_to_another(action, &it);
    }
    Error::io(action, error).about(&it)
}

fn belongs_to_another(action: &str, it: &str) -> Error {
    let detail = format!("{it} may not be used by this user; give it the owner and the mode of the database");
    Error::cannot_open(action, detail)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink())
}

/// If we are root and the database has another owner or group, gives them to a file that we created, as SQLite does with its
/// own files; else the database's owner could not use it. Does nothing for other users, who may not change owners.
#[cfg(unix)]
pub(super) fn give_owner_of(database: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    if ours.uid() == 0 && (database.uid(), database.gid()) != (0, ours.gid()) {
        std::os::unix::fs::fchown(file, Some(database.uid()), Some(database.gid()))?;
    }
    Ok(())
}

/// Checks SQLite's files next to a database that is about to be opened: we must be allowed to write to each.
///
/// Those that we may not write to and that hold nothing are removed if no program uses the database: a program that may only
/// read a database leaves behind an empty log and its index, which it created and may not remove.
#[cfg(unix)]
pub(super) fn check(database: &Path, is_in_use: impl Fn() -> bool, action: &str) -> Result<()> {
    use crate::system::files::may_write;
    for (suffix, what) in COMPANIONS {
        let path = sibling(database, suffix);
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if !metadata.is_file() {
            // If SQLite needs it, `explain` says what is wrong.
            continue;
        }
        match may_write(&path) {
            Ok(true) => {}
            Ok(false) => {
                // The index of a log is rebuilt from the log.
                let holds_nothing = suffix == "-shm" || metadata.len() == 0;
                if !holds_nothing || is_in_use() || fs::remove_file(&path).is_err() {
                    return Err(belongs_to_another(action, &describe(what, &path)));
                }
            }
            Err(error) => return Err(cannot_use(action, what, &path, &error)),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check(_database: &Path, _is_in_use: impl Fn() -> bool, _action: &str) -> Result<()> {
    Ok(())
}

/// Names the file that SQLite cannot open, if it is one next to the database.
pub(super) fn explain(error: Error, database: &Path, action: &str) -> Error {
    if !matches!(error, Error::Database(_)) {
        return error;
    }
    for (suffix, what) in COMPANIONS {
        let path = sibling(database, suffix);
        let it = describe(what, &path);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.file_type().is_symlink() => {
                return Error::cannot_open(action, format!("{it} is a symbolic link; remove the link"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Error::cannot_open(action, format!("{it} is not a file; move it away"));
            }
            _ => {}
        }
    }
    error
}
