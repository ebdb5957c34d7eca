//! Mixed load on eight threads while the disk fails and recovers: every thread finds its own peers as it left them, the
//! invariants hold, memory and file agree in the end, and the process does not grow.
//!
//! `PEER_MANAGER_TEST_LONG=1` goes on for minutes.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::process::alone;
use crate::common::run::is_long;
use crate::common::vfs::{Fault, FaultPlan, Lasting};
use crate::common::{self, START, TempDb, TestClock, record};
use peer_manager::StoredPeerType::{Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Durability, Error, PeerAddress, PeerManager, PeerQuery, PeerRecord, Result,
};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

const THREADS: u32 = 8;

/// The peers of each thread, so few that they come and go all the time.
const OWN: u32 = 400;

fn length() -> Duration {
    if is_long() { Duration::from_secs(120) } else { Duration::from_secs(3) }
}

/// A peer that only this thread changes.
fn own(thread: u32, n: u32) -> PeerAddress {
    common::mixed(thread * OWN + n)
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Tally {
    calls: AtomicU64,
    refused: AtomicU64,
}

/// One thread: its peers, as it knows them.
struct Worker<'a> {
    manager: &'a PeerManager,
    thread: u32,
    rng: ChaCha12Rng,
    known: BTreeMap<PeerAddress, PeerRecord>,
    tally: &'a Tally,
    durability: Durability,
}

impl Worker<'_> {
    fn work(&mut self, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            self.call();
            self.tally.calls.fetch_add(1, Ordering::Relaxed);
        }
        for n in 0..OWN {
            let address = own(self.thread, n);
            assert_eq!(self.manager.load(&address).unwrap().as_ref(), self.known.get(&address));
        }
    }

    /// A call that failed for the disk's sake has changed nothing; any other failure is a defect.
    fn is_done<T>(&self, result: Result<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(Error::Database(_) | Error::DiskFull(_) | Error::Busy(_)) => {
                assert_ne!(self.durability, Durability::Deferred, "a call failed for the disk's sake");
                self.tally.refused.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn call(&mut self) {
        let address = own(self.thread, self.rng.random_range(0..OWN));
        match self.rng.random_range(0..100) {
            0..25 => {
                let result = self.manager.update_backoff(&address, BackOffUpdate::Increase);
                if self.is_done(result) {
                    let failures = self.known.get(&address).map_or(0, |known| known.num_failures);
                    self.take_over(&address, |now| assert_eq!(now.num_failures, failures + 1));
                }
            }
            25..40 => {
                let stored = record(address, START + self.rng.random_range(-9..9), 3, Preferred);
                if self.is_done(self.manager.store(&stored)) {
                    self.known.insert(stored.address.clone(), stored);
                }
            }
            40..50 => {
                let batch: Vec<_> = (0..20)
                    .map(|_| record(own(self.thread, self.rng.random_range(0..OWN)), START, 1, Outbound))
                    .collect();
                if self.is_done(self.manager.store_many(&batch)) {
                    self.known.extend(batch.into_iter().map(|record| (record.address.clone(), record)));
                }
            }
            50..60 => {
                if self.known.contains_key(&address) {
                    if self.is_done(self.manager.remove(&address)) {
                        self.known.remove(&address);
                    }
                } else {
                    assert!(matches!(self.manager.remove(&address), Err(Error::NotFound(_))));
                }
            }
            60..70 => {
                if self.is_done(self.manager.ensure_exists(&address)) && !self.known.contains_key(&address) {
                    self.take_over(&address, |now| assert_eq!(now.num_failures, 0));
                }
            }
            70..98 => self.ask(&address),
            98 => drop(self.manager.get_all_peers().unwrap()),
            // With DEFERRED, this is the call that the disk's failure is reported by.
            _ => match self.manager.flush() {
                Ok(()) => {}
                Err(Error::Database(_) | Error::DiskFull(_) | Error::Busy(_)) => {
                    self.tally.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error}"),
            },
        }
    }

    /// What the library has drawn is taken over.
    fn take_over(&mut self, address: &PeerAddress, check: impl FnOnce(&PeerRecord)) {
        let now = self.manager.load(address).unwrap().expect("it was just written");
        check(&now);
        self.known.insert(address.clone(), now);
    }

    fn ask(&self, address: &PeerAddress) {
        assert_eq!(self.manager.load(address).unwrap().as_ref(), self.known.get(address));
        let answer = self.manager.load_random_peers(&PeerQuery::default(), 8).unwrap();
        assert!(answer.len() <= 8);
        let answer = self.manager.get_peers_to_send(&PeerQuery::everything(), Some(address), 8).unwrap();
        assert!(!answer.contains(address));
    }
}

/// Makes the disk fail for a while, in another way each time; says how often it did.
fn disturb(plan: &FaultPlan, is_over: &AtomicBool, rng: &mut ChaCha12Rng) -> u64 {
    let mut injected = 0;
    while !is_over.load(Ordering::Relaxed) {
        let fault = *Fault::ALL.choose(rng).unwrap();
        let lasting = *[Lasting::Once, Lasting::UntilHealed].choose(rng).unwrap();
        plan.arm(fault, rng.random_range(1..200), lasting);
        thread::sleep(Duration::from_millis(rng.random_range(1..30)));
        plan.heal();
        thread::sleep(Duration::from_millis(rng.random_range(1..30)));
        injected = plan.injected();
    }
    injected
}

/// The memory that the process has now, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Looks at the invariants and at the memory now and then; gives the most memory in the first half and in the second.
fn watch(manager: &PeerManager, length: Duration) -> [u64; 2] {
    let began = Instant::now();
    let mut most = [0, 0];
    while began.elapsed() < length {
        manager.check_invariants().unwrap();
        let half = usize::from(began.elapsed() > length / 2);
        most[half] = most[half].max(resident());
        thread::sleep(length / 200);
    }
    most
}

fn soak(durability: Durability, length: Duration, rng: &mut ChaCha12Rng) {
    let database = TempDb::fast();
    let plan = FaultPlan::without_log(database.directory());
    let mut options = TestClock::at(START).options(rng.random());
    options.db_path = Some(database.path());
    options.durability = durability;
    options.flush_interval = Duration::from_millis(2);
    options.busy_timeout = Duration::from_millis(50);
    let manager = PeerManager::open(options.clone()).unwrap();
    let (tally, is_over) = (Tally::default(), AtomicBool::new(false));
    let (injected, most) = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let rng = ChaCha12Rng::seed_from_u64(rng.random());
                let (manager, tally, is_over) = (&manager, &tally, &is_over);
                let mut worker = Worker { manager, thread, rng, known: BTreeMap::new(), tally, durability };
                scope.spawn(move || worker.work(is_over))
            })
            .collect();
        let mut rng = ChaCha12Rng::seed_from_u64(rng.random());
        let (plan, is_over) = (&plan, &is_over);
        let disturber = scope.spawn(move || disturb(plan, is_over, &mut rng));
        let most = watch(&manager, length);
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().unwrap();
        }
        (disturber.join().unwrap(), most)
    });
    manager.check_invariants().unwrap();
    manager.flush().unwrap();
    let peers = common::peers(&manager);
    let connection = database.connection();
    assert_eq!(common::rows(&connection), common::rows_of(peers.values()));
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    drop((connection, manager));
    assert_eq!(common::peers(&PeerManager::open(options).unwrap()), peers);
    let (calls, refused) = (tally.calls.into_inner(), tally.refused.into_inner());
    assert!(injected > 0 && refused > 0, "the disk never failed");
    println!(
        "soak: {calls} calls with {durability:?} in {length:?} on {THREADS} threads, {injected} faults of the disk, \
         {refused} calls refused, most memory {} KiB in the first half and {} KiB in the second",
        most[0] / 1024,
        most[1] / 1024
    );
    // What it takes is taken in the first half; the system gives memory in large pieces.
    assert!(most[1] <= most[0] + most[0] / 10 + (4 << 20), "memory grows");
}

#[test]
fn under_mixed_load_on_a_failing_disk_nothing_is_lost_and_nothing_grows() {
    // The memory is that of the whole process.
    alone(|| {
        let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
        for durability in [Durability::Commit, Durability::Sync, Durability::Deferred] {
            soak(durability, length(), &mut rng);
        }
    });
}
