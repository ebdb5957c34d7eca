//! A path is a path. In a process of its own, because it changes the working directory.

use std::{env, fs};

use crate::common::process::alone;
use crate::common::run::skip;
use peer_manager::PeerManager;

#[test]
fn a_relative_path_that_reads_like_a_uri_is_a_file_of_that_name() {
    if cfg!(windows) {
        skip("Windows allows no colon and no question mark in a name");
    } else {
        alone(open_by_a_relative_path);
    }
}

/// Changes to another directory, and opens a file there.
fn open_by_a_relative_path() {
    let directory = tempfile::tempdir().unwrap();
    env::set_current_dir(directory.path()).unwrap();
    let path = "file:peers.db?mode=memory";
    let manager = PeerManager::new_with_db(path).unwrap();
    manager.ensure_exists(&"example.org:1".parse().unwrap()).unwrap();
    drop(manager);
    let names: Vec<_> = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [path]);
    assert_eq!(PeerManager::new_with_db(path).unwrap().peer_count(), 1);
    env::set_current_dir(env::temp_dir()).unwrap();
}
