//! Whether the check would find a wake-up that is lost: the protocol of the thread that writes, in small, once as it is
//! and once with two steps exchanged.

use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

use crate::schedules::explore;

/// When the writer says that it sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleeps {
    BeforeItTakes,
    AfterItHasTaken,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<u32>,
    written: Mutex<u32>,
    has_written: Condvar,
    is_awake: AtomicBool,
}

/// Writes until there were three changes.
fn write(shared: &Shared, sleeps: Sleeps) {
    while *shared.written.lock().unwrap() < 3 {
        while !shared.is_awake.load(Ordering::SeqCst) {
            thread::park();
        }
        if sleeps == Sleeps::BeforeItTakes {
            shared.is_awake.store(false, Ordering::SeqCst);
        }
        let taken = std::mem::take(&mut *shared.pending.lock().unwrap());
        if sleeps == Sleeps::AfterItHasTaken {
            shared.is_awake.store(false, Ordering::SeqCst);
        }
        *shared.written.lock().unwrap() += taken;
        shared.has_written.notify_all();
    }
}

fn three_changes_are_written(sleeps: Sleeps) {
    let shared = Arc::new(Shared::default());
    let writer = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || write(&shared, sleeps))
    };
    for _ in 0..3 {
        *shared.pending.lock().unwrap() += 1;
        if !shared.is_awake.load(Ordering::SeqCst) {
            shared.is_awake.store(true, Ordering::SeqCst);
            writer.thread().unpark();
        }
    }
    let written = shared.written.lock().unwrap();
    drop(shared.has_written.wait_while(written, |written| *written < 3).unwrap());
    writer.join().unwrap();
}

#[test]
fn a_writer_that_says_it_sleeps_before_it_takes_misses_nothing() {
    explore(|| three_changes_are_written(Sleeps::BeforeItTakes));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_writer_that_says_it_sleeps_after_it_has_taken_is_found_asleep() {
    explore(|| three_changes_are_written(Sleeps::AfterItHasTaken));
}
