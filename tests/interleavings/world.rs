//! What a scenario plays in: a disk, a manager on it, and a clock for each thread.

use std::cell::Cell;

use peer_manager::store::{Contents, Disk, Failures, Rows};
use peer_manager::{
    BackOffUpdate, BanSubject, Clock, Durability, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord,
    StoredPeerType,
};
use shuttle::sync::Arc;

use crate::common::{self, START, ipv4, record};

shuttle::thread_local! {
    static NOW: Cell<i64> = Cell::new(START);
}

/// Sets the clock of this thread, which no other thread reads.
pub(crate) fn set_clock(now: i64) {
    NOW.with(|clock| clock.set(now));
}

/// A manager and the disk that its file is on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: Arc<Disk>,
    pub(crate) manager: Arc<PeerManager>,
    keeps_histories: bool,
}

impl World {
    /// A manager on an empty file.
    pub(crate) fn new(durability: Durability) -> Self {
        let disk = Disk::new();
        let manager = Arc::new(open(&disk, durability));
        Self { disk, manager, keeps_histories: false }
    }

    /// A manager that keeps histories, on a file that has the peers with these numbers and data of theirs.
    pub(crate) fn with_side_tables(durability: Durability, numbers: &[u32], data: &[u8]) -> Self {
        let disk = Disk::new();
        let open = |durability| {
            let options = Options { keep_history: true, ..options_for(&disk, durability) };
            PeerManager::open(options).unwrap()
        };
        let before = open(Durability::Commit);
        before.store_many(&group(numbers, 0)).unwrap();
        for &n in numbers {
            before.set_data(&ipv4(n), data).unwrap();
        }
        drop(before);
        let manager = Arc::new(open(durability));
        Self { disk, manager, keeps_histories: true }
    }

    /// A manager on a file that has the peers with these numbers, without failures.
    pub(crate) fn with_peers(durability: Durability, numbers: &[u32]) -> Self {
        let disk = Disk::new();
        open(&disk, Durability::Commit).store_many(&group(numbers, 0)).unwrap();
        let manager = Arc::new(open(&disk, durability));
        Self { disk, manager, keeps_histories: false }
    }

    /// A manager on an empty file, with the options as `set` leaves them.
    pub(crate) fn with_options(durability: Durability, set: impl FnOnce(&mut Options)) -> Self {
        let disk = Disk::new();
        let mut options = options_for(&disk, durability);
        set(&mut options);
        let keeps_histories = options.keep_history;
        Self { disk, manager: Arc::new(PeerManager::open(options).unwrap()), keeps_histories }
    }

    /// What the file should hold: all that the manager knows, in the order of seniority.
    pub(crate) fn contents(&self) -> Contents {
        contents(&self.manager)
    }

    /// What is in memory, and with DEFERRED will be on file without anybody asking for it, is on file.
    pub(crate) fn assert_settles(&self) {
        self.disk.fail(Failures::Never);
        self.manager.check_invariants().unwrap();
        self.disk.wait_for(&self.contents());
    }

    /// The file has what memory had when the manager is gone, and so has the next manager.
    pub(crate) fn assert_survives_the_end(self) {
        self.disk.fail(Failures::Never);
        self.manager.check_invariants().unwrap();
        let memory = self.contents();
        drop(self.manager);
        assert_eq!(self.disk.contents(), memory, "what the file has when the manager is gone");
        let again = options_for(&self.disk, Durability::Commit);
        let again = PeerManager::open(Options { keep_history: self.keeps_histories, ..again }).unwrap();
        assert_eq!(contents(&again), memory, "what the next manager knows");
    }

    /// What is in memory about a peer: how often it has failed.
    pub(crate) fn failures_of(&self, number: u32) -> Option<u32> {
        self.manager.load(&ipv4(number)).unwrap().map(|record| record.num_failures)
    }
}

/// All that a manager knows, in the order of seniority.
pub(crate) fn contents(manager: &PeerManager) -> Contents {
    let rows = common::peers(manager);
    let order = common::by_seniority(manager, rows.keys().cloned().collect());
    let bans = manager.get_bans().unwrap().into_iter().map(|ban| (ban.subject, ban.until)).collect();
    let histories = rows.keys().filter_map(|address| {
        // None is kept in most worlds.
        Some((address.clone(), manager.load_history(address).ok()??))
    });
    let data = rows.keys().map(|address| (address.clone(), manager.data(address).unwrap()));
    let (histories, data) = (histories.collect(), data.filter(|(_, data)| !data.is_empty()).collect());
    Contents { rows, order, bans, histories, data }
}

/// Every kind of change. It may fail, as the disk does or because there is no such peer.
pub(crate) const CHANGES: [fn(&PeerManager); 14] = [
    |manager| drop(manager.update_backoff(&ipv4(1), BackOffUpdate::Increase)),
    |manager| drop(manager.ensure_exists_many(&[ipv4(1), ipv4(2), ipv4(3)])),
    |manager| drop(manager.remove(&ipv4(1))),
    |manager| drop(manager.store_many(&group(&[1, 2], 3))),
    |manager| drop(manager.remove_peers_with_many_failures(3)),
    |manager| drop(manager.update(&ipv4(2), StoredPeerType::Preferred, true, BackOffUpdate::Increase)),
    |manager| drop(manager.clear_all()),
    |manager| drop(manager.update_type(&ipv4(2), StoredPeerType::Inbound, true)),
    |manager| drop(manager.ensure_exists(&ipv4(3))),
    |manager| drop(manager.limit_next_attempt(0)),
    |manager| drop(manager.set_data(&ipv4(1), b"data")),
    |manager| drop(manager.set_data(&ipv4(2), b"more")),
    |manager| drop(manager.remove_host(ipv4(2).host())),
    |manager| drop(manager.ban(&BanSubject::from(ipv4(1).host()), i64::MAX)),
];

/// Opens the file on a disk.
pub(crate) fn open(disk: &Arc<Disk>, durability: Durability) -> PeerManager {
    PeerManager::open(options_for(disk, durability)).unwrap()
}

fn options_for(disk: &Arc<Disk>, durability: Durability) -> Options {
    Options {
        db_path: Some(disk.path()),
        durability,
        clock: Clock::from_fn(|| NOW.with(Cell::get)),
        rng_seed: Some(1),
        ..Options::default()
    }
}

/// Outbound peers with the same number of failures, which are due.
pub(crate) fn group(numbers: &[u32], num_failures: u32) -> Vec<PeerRecord> {
    numbers.iter().map(|&n| record(ipv4(n), START, num_failures, StoredPeerType::Outbound)).collect()
}

/// What rows say about a peer: how often it has failed.
pub(crate) fn failures_in(rows: &Rows, number: u32) -> Option<u32> {
    rows.get(&ipv4(number)).map(|record| record.num_failures)
}

/// The peers that are due by the clock of this thread, in order.
pub(crate) fn due(manager: &PeerManager) -> Vec<PeerAddress> {
    let query = PeerQuery { use_next_attempt: true, ..PeerQuery::everything() };
    let mut due = manager.load_random_peers(&query, 100).unwrap();
    due.sort();
    due
}
