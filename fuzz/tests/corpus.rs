//! Every input of the checked-in corpus, without a fuzzer.

use std::fs;
use std::path::Path;

fn run_all(target: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(directory).expect("the corpus is there") {
        let path = entry.expect("the directory can be read").path();
        // The harness shows the last one when a test fails.
        println!("{}", path.display());
        run(&fs::read(path).expect("the input can be read"));
        inputs += 1;
    }
    assert!(inputs > 10, "the corpus has {inputs} inputs only");
}

#[test]
fn addresses() {
    run_all("address", peer_manager_fuzz::address::run);
}

#[test]
fn as_maps() {
    run_all("asmap", peer_manager_fuzz::asmap::run);
}

#[test]
fn calls() {
    run_all("calls", peer_manager_fuzz::calls::run);
}

#[test]
fn databases() {
    run_all("database", peer_manager_fuzz::database::run);
}
