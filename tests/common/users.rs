//! Another user, for tests that root runs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use crate::common::process::Other;

/// The user `nobody`, and its group.
pub(crate) const ANOTHER: u32 = 65_534;

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|ours| ours.uid() == 0)
}

/// Gives a directory and all that is in it to another user.
pub(crate) fn give(directory: &Path) {
    chown(directory, Some(ANOTHER), Some(ANOTHER)).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        chown(entry.unwrap().path(), Some(ANOTHER), Some(ANOTHER)).unwrap();
    }
}

/// Opens a database as that user; says what came of it.
pub(crate) fn open_as_another(database: &Path) -> String {
    let mut other =
        Other::start_bound_by_permissions("open", database).expect("root can start processes of others");
    let outcome = other.word();
    other.end();
    outcome
}
