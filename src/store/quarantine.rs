//! Setting a damaged file aside, and starting again with what can be read of it.
//!
//! Nothing of the damaged file is deleted. The new file is complete before the old one is moved, and where the file system
//! has hard links, the database's name leads to one or the other all the time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

#[cfg(unix)]
use super::companions::give_owner_of;
use super::companions::{COMPANIONS, sibling};
use super::connect;
use super::file::{DatabaseFile, free_name, stamp};
use super::layout::Layout;
use super::rows::Failure;
use super::salvage;
use super::write;
use crate::error::{Error, Quoted, Result};
use crate::peer::PeerRecord;
use crate::system::files;
#[cfg(any(unix, windows))]
use crate::system::files::Identity;

/// What happened to a damaged file.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Where the file is now. Its write-ahead log, if there was one, has the same name with `-wal` added.
    pub path: PathBuf,
    /// How many peers could be read from it; they are in the new file.
    pub saved_peers: u64,
    /// How many rows could not be read, of those that left any trace.
    pub lost_rows: u64,
}

/// Moves the file aside with everything that belongs to it, and puts a new one in its place with the peers that
/// can be read, in the layout of the old one if that can be told.
pub(crate) fn quarantine(file: &DatabaseFile) -> Result<Quarantine> {
    let failed = |error: &io::Error| Error::io(format!("cannot set {} aside", file.name()), error);
    let path = file.path();
    let salvage = salvage::read(path, &sibling(path, "-wal"), file.name())?;
    let new = sibling(path, "-salvage");
    // If there is one already, it was left by a process that died here before the file was moved.
    remove_database(&new).map_err(|error| match error.kind() {
        _ if is_name_too_long(&error) => failed(&error),
        _ => Error::io(format!("cannot remove {}", Quoted(&new.to_string_lossy())), &error),
    })?;
    let written = write_new(&new, salvage.layout, &salvage.peers)
        .map_err(|error| Error::sqlite(format!("cannot save the peers of {}", file.name()), &error));
    let moved = written.and_then(|stamp| {
        take_over_access(path, &new).map_err(|error| failed(&error))?;
        let aside = free_name(path, "damaged", &stamp);
        exchange(path, &new, &aside).map_err(|error| failed(&error))?;
        Ok(aside)
    });
    let aside = moved.inspect_err(|_| {
        // Only our own unfinished file: the damaged one is where it was.
        let _ = remove_database(&new);
    })?;
    Ok(Quarantine { path: aside, saved_peers: salvage.peers.len() as u64, lost_rows: salvage.lost_rows })
}

/// Undoes an exchange that was cut short when its process was killed: the log must be next to its database before any program
/// opens either. The new file still being there shows that it was cut short. A file set aside then belongs to this exchange
/// if no database was set aside with it yet, or if that is the same file as the one in place.
#[cfg(any(unix, windows))]
pub(super) fn take_back(path: &Path) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let new = sibling(path, "-salvage");
    if !new.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let prefix = [name.as_encoded_bytes(), b".damaged-"].concat();
    let mut has_database_aside = false;
    for entry in fs::read_dir(directory)? {
        let aside = entry?.path();
        let Some(its_name) = aside.file_name().map(|name| name.as_encoded_bytes().to_vec()) else { continue };
        let Some(rest) = its_name.strip_prefix(&prefix[..]) else { continue };
        let companion = COMPANIONS.iter().find(|(suffix, _)| rest.ends_with(suffix.as_bytes()));
        match companion {
            None if identity(&aside) == identity(path) => fs::remove_file(&aside)?,
            Some((suffix, _)) => {
                let Some(database) = without(&aside, suffix) else { continue };
                let is_cut_short =
                    database.symlink_metadata().is_err() || identity(&database) == identity(path);
                let place = sibling(path, suffix);
                if is_cut_short && place.symlink_metadata().is_err() {
                    fs::rename(&aside, place)?;
                }
            }
            None => has_database_aside = true,
        }
    }
    // Without a second name, it was moved away before the new file, which was complete then, could take its place.
    if cfg!(windows) && path.symlink_metadata().is_err() && has_database_aside {
        return fs::rename(new, path);
    }
    // It is created anew if it is needed.
    fs::remove_file(new)
}

/// A path without the suffix that its last name has.
#[cfg(unix)]
fn without(path: &Path, suffix: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let text = path.as_os_str().as_encoded_bytes().strip_suffix(suffix.as_bytes())?;
    Some(std::ffi::OsStr::from_bytes(text).into())
}

/// A path without the suffix that its last name has. Ours are UTF-8.
#[cfg(windows)]
fn without(path: &Path, suffix: &str) -> Option<PathBuf> {
    path.to_str()?.strip_suffix(suffix).map(PathBuf::from)
}

/// Which file has this path.
#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    path.symlink_metadata().ok().map(|there| files::Status::of(&there).identity)
}

#[cfg(windows)]
fn identity(path: &Path) -> Option<Identity> {
    crate::system::windows::status(path).ok().map(|there| there.identity)
}

#[cfg(not(any(unix, windows)))]
pub(super) fn take_back(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a database of these peers and fsyncs it; returns the current time, for the name of the old file.
fn write_new(path: &Path, layout: Layout, peers: &[PeerRecord]) -> rusqlite::Result<String> {
    let conn = connect::open(path, OpenFlags::default())?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON")?;
    if layout == Layout::Specification {
        // As in every file that this library makes.
        conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    let transaction = conn.unchecked_transaction()?;
    transaction.execute_batch(layout.schema())?;
    match write::replace_all(&transaction, layout, peers, &[]) {
        Err(Failure::Sqlite(error) | Failure::Refused(_, error)) => return Err(error),
        // These cannot occur: we have just created the table, it has no triggers, and no ban is written.
        Err(Failure::NotInIndex(_) | Failure::Ignored(_) | Failure::Damage(_)) | Ok(()) => {}
    }
    transaction.commit()?;
    stamp(&conn)
}

/// Gives the new file the mode of the old one, and if we are root, its owner and group. Otherwise the new file is ours,
/// and another user who could use the old file only as its owner or through its group may not be able to use this one.
#[cfg(unix)]
fn take_over_access(old: &Path, new: &Path) -> io::Result<()> {
    let Ok(old) = fs::metadata(old) else { return Ok(()) };
    // The owner first: changing it can clear bits of the mode. In some containers even root may not change it.
    let _ = give_owner_of(&old, &fs::File::open(new)?);
    fs::set_permissions(new, old.permissions())
}

#[cfg(not(unix))]
fn take_over_access(old: &Path, new: &Path) -> io::Result<()> {
    let Ok(old) = fs::metadata(old) else { return Ok(()) };
    fs::set_permissions(new, old.permissions())
}

fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-journal"] {
        match fs::remove_file(sibling(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Moves `path` and its companions to `aside`, and `new` to `path`; if one of them cannot be moved, those that were
/// are moved back.
fn exchange(path: &Path, new: &Path, aside: &Path) -> io::Result<()> {
    let mut moved = Vec::new();
    let mut has_two_names = false;
    let mut run = || {
        for (suffix, _) in COMPANIONS {
            let (from, to) = (sibling(path, suffix), sibling(aside, suffix));
            if from.symlink_metadata().is_ok() {
                rename(&from, &to)?;
                moved.push((from, to));
            }
        }
        if path.symlink_metadata().is_ok() {
            // With a second name for the old file, the new one takes its place in one step. Windows does not put a file in the
            // place of one that is open, and does not remove the second name then.
            has_two_names = cfg!(unix) && fs::hard_link(path, aside).is_ok();
            if !has_two_names {
                rename(path, aside)?;
                moved.push((path.to_owned(), aside.to_owned()));
            }
        }
        rename(new, path)
    };
    let done = run();
    if done.is_err() {
        if has_two_names {
            let _ = fs::remove_file(aside);
        }
        for (from, to) in moved.into_iter().rev() {
            let _ = fs::rename(to, from);
        }
    }
    done.and_then(|()| fsync_directory(path))
}

#[cfg(not(windows))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// On Windows a file that another program has open may not be renamed, unless that program allows it. What looks at each
/// new file, such as a virus scanner, closes it soon, so this is tried for a while.
#[cfg(windows)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    use crate::system::windows::is_in_use;
    const ATTEMPTS: u32 = 20;
    let is_passing = |error: &io::Error| is_in_use(error) || error.kind() == io::ErrorKind::PermissionDenied;
    for _ in 0..ATTEMPTS {
        match fs::rename(from, to) {
            Err(error) if is_passing(&error) => std::thread::sleep(std::time::Duration::from_millis(25)),
            done => return done,
        }
    }
    fs::rename(from, to)
}

/// Makes the new names survive a loss of power, where a directory can be fsynced.
fn fsync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => files::fsync(&fs::File::open(parent)?),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn is_name_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENAMETOOLONG)
}

#[cfg(not(unix))]
fn is_name_too_long(_error: &io::Error) -> bool {
    false
}
