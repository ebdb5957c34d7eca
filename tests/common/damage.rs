//! Sound files, ways to damage them, and what must be left of each: for the tests of damage and of quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{self, START, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{OnCorrupt, Options, PeerAddress, PeerManager, PeerRecord, SCHEMA};
use rand::rngs::ChaCha12Rng;
use rand::{Rng as _, SeedableRng as _};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) use super::pages::{Page, Role, pages};

/// How many peers the usual sound file has.
pub(crate) const PEERS: u32 = 100;

/// The options that every test here opens with: no waiting, and this for a damaged file.
pub(crate) fn options(path: &Path, on_corrupt: OnCorrupt) -> Options {
    Options {
        db_path: Some(path.to_owned()),
        busy_timeout: Duration::from_millis(1),
        on_corrupt,
        ..Options::default()
    }
}

/// Peer `n` of the files here: every kind of host, every type, and numbers that differ from each other's.
pub(crate) fn peer(n: u32) -> PeerRecord {
    record(mixed(n), START + i64::from(n), n % 12, [Inbound, Outbound, Preferred][n as usize % 3])
}

/// Peers as a manager gives them.
pub(crate) fn by_address(records: impl IntoIterator<Item = PeerRecord>) -> BTreeMap<PeerAddress, PeerRecord> {
    records.into_iter().map(|record| (record.address.clone(), record)).collect()
}

/// The random bytes of these tests.
pub(crate) fn rng() -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(common::test_seed())
}

pub(crate) fn random_bytes(rng: &mut ChaCha12Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// A file, and the log that belongs to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    pub(crate) database: Option<Vec<u8>>,
    pub(crate) log: Option<Vec<u8>>,
}

impl From<Vec<u8>> for Image {
    fn from(database: Vec<u8>) -> Self {
        Self { database: Some(database), log: None }
    }
}

/// A directory with a database `peers.db` in it, and with files that are none of the manager's business.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(image: &Image) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in [
            ("peers.db", &image.database),
            ("peers.db-wal", &image.log),
            ("peers", &Some(b"notes\n".to_vec())),
        ] {
            if let Some(bytes) = bytes {
                fs::write(place.file(name), bytes).unwrap();
            }
        }
        place
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.file("peers.db")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Every file by its name, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.directory()).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default())
            })
            .collect()
    }

    pub(crate) fn open(&self, on_corrupt: OnCorrupt) -> peer_manager::Result<PeerManager> {
        PeerManager::open(options(&self.path(), on_corrupt))
    }

    /// What is there now.
    pub(crate) fn image(&self) -> Image {
        Image { database: fs::read(self.path()).ok(), log: fs::read(self.file("peers.db-wal")).ok() }
    }
}

/// A sound file, and where its peers stand.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) image: Image,
    pub(crate) page_size: usize,
    pub(crate) peers: BTreeMap<PeerAddress, PeerRecord>,
    /// The peers on each page that has some.
    pub(crate) on_page: BTreeMap<usize, BTreeSet<PeerAddress>>,
    /// The pages of the table and of its index.
    pub(crate) pages: BTreeMap<usize, Page>,
}

impl Sound {
    /// A file of one sort of pages that a manager has filled and closed.
    pub(crate) fn new(page_size: u32, peers: u32) -> Self {
        let place = Place::new(&Image::default());
        let connection = place.connection();
        connection.pragma_update(None, "page_size", page_size).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        drop(connection);
        let manager = place.open(OnCorrupt::Fail).unwrap();
        manager.store_many(&(0..peers).map(peer).collect::<Vec<_>>()).unwrap();
        drop(manager);
        Self::of(&place)
    }

    /// The file that is at a place, which no program has open.
    pub(crate) fn of(place: &Place) -> Self {
        let image = place.image();
        let connection = place.connection();
        let pages = pages(&connection, image.database.as_deref().unwrap(), "%peers%");
        // The leaves in the order of the tree have the rows in the order of their numbers.
        let mut statement =
            connection.prepare("SELECT ip, port FROM peers NOT INDEXED ORDER BY rowid").unwrap();
        let rows: Vec<(String, u16)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut rows = rows.into_iter().map(|(ip, port)| PeerAddress::new(&ip, port).unwrap());
        let mut on_page = BTreeMap::new();
        for page in pages.iter().filter(|page| page.of == "peers" && page.role == Role::Leaf) {
            on_page.insert(page.number, rows.by_ref().take(page.cells).collect());
        }
        assert!(rows.next().is_none(), "every row stands on a leaf");
        let page_size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        drop(statement);
        Self {
            image,
            page_size: usize::try_from(page_size).unwrap(),
            peers: by_address(loaded(&connection)),
            on_page,
            pages: pages.into_iter().map(|page| (page.number, page)).collect(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.image.database.as_deref().unwrap()
    }

    pub(crate) fn page_count(&self) -> usize {
        self.bytes().len() / self.page_size
    }

    /// The file with one page changed; pages count from 1.
    pub(crate) fn with_page(&self, page: usize, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = self.bytes().to_vec();
        change(&mut bytes[(page - 1) * self.page_size..page * self.page_size]);
        bytes
    }

    /// All peers but those on this page.
    pub(crate) fn without_page(&self, page: usize) -> BTreeMap<PeerAddress, PeerRecord> {
        let mut peers = self.peers.clone();
        for address in self.on_page.get(&page).into_iter().flatten() {
            peers.remove(address);
        }
        peers
    }
}

/// The same files with the same bytes; says which are not.
pub(crate) fn assert_same(what: &str, after: &BTreeMap<String, Vec<u8>>, before: &BTreeMap<String, Vec<u8>>) {
    let names: BTreeSet<&String> = after.keys().chain(before.keys()).collect();
    for name in names {
        let (is, was) = (after.get(name), before.get(name));
        assert!(
            is == was,
            "{what}: {name} has {:?} bytes, and had {:?}",
            is.map(Vec::len),
            was.map(Vec::len)
        );
    }
}

/// Every valid peer that a plain connection reads.
pub(crate) fn loaded(connection: &Connection) -> Vec<PeerRecord> {
    let mut peers = Vec::new();
    peer_manager::load_all_from_db(connection, |record| peers.push(record.clone())).unwrap();
    peers
}

/// A damaged file, and what can be read of it.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) what: String,
    pub(crate) image: Image,
    /// What must be saved of it,
    pub(crate) at_least: BTreeMap<PeerAddress, PeerRecord>,
    /// and what may be.
    pub(crate) at_most: BTreeMap<PeerAddress, PeerRecord>,
    /// How many rows are known to be lost, where that is certain.
    pub(crate) lost: Option<u64>,
}

/// Files that never were databases.
pub(crate) fn foreign_files() -> Vec<Damage> {
    let mut rng = rng();
    let mut files = vec![
        ("a letter".to_owned(), b"Dear node, these are my peers.\n".repeat(400)),
        ("zeros".to_owned(), vec![0; 8192]),
        ("zeros that end within a page".to_owned(), vec![0; 5000]),
        ("random bytes".to_owned(), random_bytes(&mut rng, 10_000)),
        // What an encrypted database looks like.
        ("random pages".to_owned(), random_bytes(&mut rng, 16 * 4096)),
    ];
    // SQLite takes a single byte for an empty file.
    for length in 2..=600 {
        files.push((format!("{length} random bytes"), random_bytes(&mut rng, length)));
    }
    let none = BTreeMap::new;
    let damage = |(what, bytes): (String, Vec<u8>)| Damage {
        what,
        image: bytes.into(),
        at_least: none(),
        at_most: none(),
        lost: Some(0),
    };
    files.into_iter().map(damage).collect()
}

impl Sound {
    fn damage(&self, what: String, bytes: Vec<u8>) -> Damage {
        Damage {
            what,
            image: bytes.into(),
            at_least: self.peers.clone(),
            at_most: self.peers.clone(),
            lost: Some(0),
        }
    }

    /// The file cut off at every page and within every page.
    pub(crate) fn truncations(&self) -> Vec<Damage> {
        let mut lengths: Vec<usize> = (1..self.page_count()).map(|pages| pages * self.page_size).collect();
        lengths.extend((0..self.page_count()).map(|pages| pages * self.page_size + self.page_size / 2));
        lengths.extend([99, 100, 101, self.page_size - 1, self.bytes().len() - 1]);
        let cut_off = |length: usize| {
            let mut damage =
                self.damage(format!("cut off after {length} bytes"), self.bytes()[..length].to_vec());
            let whole_pages = length / self.page_size;
            for page in whole_pages + 1..=self.page_count() {
                damage.at_least.retain(|address, _| {
                    !self.on_page.get(&page).is_some_and(|peers| peers.contains(address))
                });
                // Of the page that was cut, some may be there.
                if page > length.div_ceil(self.page_size) {
                    damage.at_most.retain(|address, _| {
                        !self.on_page.get(&page).is_some_and(|peers| peers.contains(address))
                    });
                }
            }
            damage.lost = None;
            damage
        };
        lengths.into_iter().map(cut_off).collect()
    }

    /// The file with every field of its header overwritten (<https://www.sqlite.org/fileformat2.html>, section 1.3).
    pub(crate) fn bad_headers(&self) -> Vec<Damage> {
        let mut rng = rng();
        let fields =
            [0, 16, 18, 19, 20, 21, 22, 23, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 92, 96, 100];
        let mut damages = Vec::new();
        for field in fields.windows(2) {
            let length = field[1] - field[0];
            let mut fillings = vec![vec![0; length], vec![0xff; length], random_bytes(&mut rng, length)];
            if field[0] == 16 {
                // The other sizes that a page can have.
                fillings.extend((9..=15).map(|power| u16::to_be_bytes(1 << power).to_vec()));
                fillings.push(vec![0, 1]);
            }
            for filling in fillings {
                let what = format!("{filling:?} from byte {} of the header", field[0]);
                let bytes = self.with_page(1, |page| page[field[0]..field[1]].copy_from_slice(&filling));
                damages.push(self.damage(what, bytes));
            }
        }
        damages
    }

    /// The file with each of its pages overwritten in several ways, one at a time.
    pub(crate) fn bad_pages(&self) -> Vec<Damage> {
        let mut rng = rng();
        let mut damages = Vec::new();
        for page in 1..=self.page_count() {
            let random = random_bytes(&mut rng, self.page_size);
            let mut changed = vec![
                (
                    "overwritten with random bytes".to_owned(),
                    self.with_page(page, |page| page.copy_from_slice(&random)),
                ),
                ("overwritten with zeros".to_owned(), self.with_page(page, |page| page.fill(0))),
            ];
            let type_at = if page == 1 { 100 } else { 0 };
            for kind in [0, 2, 5, 10, 13, 255] {
                let bytes = self.with_page(page, |page| page[type_at] = kind);
                if bytes != self.bytes() {
                    changed.push((format!("with the type {kind}"), bytes));
                }
            }
            for (how, bytes) in changed {
                let mut damage = self.damage(format!("page {page} {how}"), bytes);
                damage.at_least = self.without_page(page);
                damage.at_most.clone_from(&damage.at_least);
                damage.lost = Some(self.on_page.get(&page).map_or(0, |peers| peers.len() as u64));
                damages.push(damage);
            }
        }
        damages
    }
}

/// Puts other numbers into the log at will: the sums that SQLite checks are made anew.
pub(crate) fn sign_log(log: &mut [u8], page_size: usize) {
    let is_big_endian = log[3] & 1 == 1;
    let word = |bytes: &[u8]| {
        let bytes = bytes[..4].try_into().unwrap();
        if is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let mut sums = (0u32, 0u32);
    let mut add = |bytes: &[u8]| {
        for pair in bytes.chunks(8) {
            sums.0 = sums.0.wrapping_add(word(pair)).wrapping_add(sums.1);
            sums.1 = sums.1.wrapping_add(word(&pair[4..])).wrapping_add(sums.0);
        }
        [sums.0.to_be_bytes(), sums.1.to_be_bytes()].concat()
    };
    let sum = add(&log[..24]);
    log[24..32].copy_from_slice(&sum);
    for frame in log[32..].chunks_mut(24 + page_size) {
        add(&frame[..8]);
        let sum = add(&frame[24..]);
        frame[16..24].copy_from_slice(&sum);
    }
}

/// The pages that a log has, by their numbers.
pub(crate) fn pages_in_log(log: &[u8], page_size: usize) -> BTreeSet<usize> {
    let frames = log[32..].chunks(24 + page_size);
    frames.map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize).collect()
}

/// A file with a log that was not moved into it: peers were added, changed, replaced and removed after the checkpoint.
pub(crate) fn with_log(page_size: u32) -> (Sound, Image) {
    let place = Place::new(&Sound::new(page_size, PEERS).image);
    let manager = place.open(OnCorrupt::Fail).unwrap();
    manager
        .store_many(&(90..110).map(|n| record(peer(n).address, 5, n, Outbound)).collect::<Vec<_>>())
        .unwrap();
    (0..5).for_each(|n| manager.remove(&peer(n).address).unwrap());
    manager.store(&record(peer(90).address, 6, 1, Inbound)).unwrap();
    let image = place.image();
    assert!(image.log.as_ref().is_some_and(|log| log.len() > 1_000));
    drop(manager);
    // Closed, it has the same pages without a log.
    (Sound::of(&place), image)
}
