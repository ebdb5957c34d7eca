//! A directory for database files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that vanishes with everything in it.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// In memory where the system has such a place: a fuzzer opens millions of files, and none needs to last.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Self(
            tempfile::Builder::new()
                .prefix("peer_manager")
                .tempdir_in(parent)
                .expect("a directory can be made"),
        )
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("peers.db")
    }
}
