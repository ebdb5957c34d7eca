//! Whether an open database is still where its name leads. A file can be deleted, moved away, replaced or truncated while
//! it is open, and writing to it would go on as if nothing had happened.
//!
//! The file is looked up by its name in the directory that was opened with it, so a directory that was renamed, or that
//! chroot has put out of reach, is no reason to stop: what belongs to the database is still next to it.

#[cfg(unix)]
use std::ffi::CString;
use std::path::Path;

use super::hold::Hold;
#[cfg(unix)]
use crate::system::files;

/// Where a database file is, and of what length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It is in its place, with this many bytes.
    InPlace(u64),
    /// It was deleted, or its directory was.
    #[cfg_attr(not(unix), expect(dead_code, reason = "a file that is open cannot be deleted there"))]
    Deleted,
    /// It has another name now, or is in another directory.
    Moved,
    /// It is gone, and another file is in its place.
    #[cfg_attr(not(unix), expect(dead_code, reason = "a file that is open cannot be moved there"))]
    Replaced,
}

/// A directory, and the name of a database in it.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Place {
    directory: std::fs::File,
    name: CString,
    log: CString,
    index_of_log: CString,
}

#[cfg(unix)]
impl Place {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let with = |suffix: &[u8]| CString::new([name, suffix].concat());
        Ok(Self {
            directory: files::open_directory(directory)?,
            name: with(b"")?,
            log: with(b"-wal")?,
            index_of_log: with(b"-shm")?,
        })
    }

    /// Cost: one system call while it is in its place.
    pub(super) fn whereabouts(&self, hold: Option<&Hold>) -> Whereabouts {
        let Some(hold) = hold else { return Whereabouts::Deleted };
        match files::status_at(&self.directory, &self.name) {
            Ok(status) if status.identity == hold.identity() => Whereabouts::InPlace(status.length),
            Ok(_) => Whereabouts::Replaced,
            // It was certainly deleted only if it has no name left. A process that may no longer look into the directory,
            // as after setuid, may still write to what it has open.
            Err(error) => match hold.status() {
                Ok(status) if status.links == 0 => Whereabouts::Deleted,
                Ok(status) if error.kind() != std::io::ErrorKind::NotFound => {
                    Whereabouts::InPlace(status.length)
                }
                _ => Whereabouts::Moved,
            },
        }
    }

    pub(super) fn is_there(&self, hold: &Hold) -> bool {
        let there = files::status_at(&self.directory, &self.name);
        there.is_ok_and(|status| status.identity == hold.identity())
    }

    pub(super) fn log_bytes(&self) -> u64 {
        self.log().map_or(0, |status| status.length)
    }

    /// The write-ahead log.
    pub(super) fn log(&self) -> std::io::Result<files::Status> {
        files::status_at(&self.directory, &self.log)
    }

    /// The index of the log, which other connections share.
    pub(super) fn index_of_log(&self) -> std::io::Result<files::Status> {
        files::status_at(&self.directory, &self.index_of_log)
    }
}

/// Where the system does not let an open file be moved.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Place(std::path::PathBuf);

#[cfg(not(unix))]
impl Place {
    #[expect(clippy::unnecessary_wraps, reason = "as it is elsewhere")]
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self(path.to_owned()))
    }

    pub(super) fn whereabouts(&self, _hold: Option<&Hold>) -> Whereabouts {
        std::fs::metadata(&self.0).map_or(Whereabouts::Moved, |metadata| Whereabouts::InPlace(metadata.len()))
    }

    pub(super) fn is_there(&self, _hold: &Hold) -> bool {
        self.0.exists()
    }

    pub(super) fn log_bytes(&self) -> u64 {
        std::fs::metadata(super::companions::sibling(&self.0, "-wal")).map_or(0, |metadata| metadata.len())
    }
}
