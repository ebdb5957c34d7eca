//! A path is a path. Alone in its file, because it changes the working directory of the process.

use std::{env, fs};

use peer_manager::PeerManager;

#[test]
fn a_relative_path_that_reads_like_a_uri_is_a_file_of_that_name() {
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
