//! What is left on a disk when the process is killed, and what when the power fails.
//!
//! A file's content is certain as of its last synchronisation. What was written since may be there or not, each
//! sector for itself, but a sector holds what it held at some moment: a later write to it never comes without the
//! earlier ones. So it is with its size. A name in the directory is certain as of the directory's last
//! synchronisation, which SQLite does with the first one of a new journal or log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use rand::RngExt as _;
use rand::rngs::ChaCha12Rng;

/// The files of a directory by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// What is written whole or not at all.
const SECTOR: usize = 512;

/// Something that SQLite did to a file of the directory, with success.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Opened it, and made it if there was none.
    Open {
        name: String,
    },
    Write {
        name: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        size: usize,
    },
    Sync {
        name: String,
        with_directory: bool,
    },
    Delete {
        name: String,
        with_directory: bool,
    },
}

/// A directory on a disk: what programs see, and what is certain to outlast a loss of power.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    /// The names that programs see, each with its place in `files`.
    seen: BTreeMap<String, usize>,
    /// The names as of the last synchronisation of the directory.
    certain: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    certain: Vec<u8>,
    /// What was done since the last synchronisation.
    uncertain: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Disk {
    /// A directory with these files, all synchronised.
    pub(crate) fn with(files: Files) -> Self {
        let mut disk = Self::default();
        for (name, content) in files {
            disk.seen.insert(name, disk.files.len());
            disk.files.push(File { seen: content.clone(), certain: content, uncertain: Vec::new() });
        }
        disk.certain.clone_from(&disk.seen);
        disk
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Open { name } => {
                if !self.seen.contains_key(name) {
                    self.seen.insert(name.clone(), self.files.len());
                    self.files.push(File::default());
                }
            }
            Event::Write { name, offset, bytes } => {
                self.change(name, Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Event::Truncate { name, size } => self.change(name, Change::Truncate { size: *size }),
            Event::Sync { name, with_directory } => {
                if let Some(&file) = self.seen.get(name) {
                    self.files[file].synchronise();
                }
                self.synchronise_names(*with_directory);
            }
            Event::Delete { name, with_directory } => {
                self.seen.remove(name);
                self.synchronise_names(*with_directory);
            }
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        if let Some(&file) = self.seen.get(name) {
            self.files[file].change(change);
        }
    }

    fn synchronise_names(&mut self, is_due: bool) {
        if is_due {
            self.certain.clone_from(&self.seen);
        }
    }

    /// What is there after the process was killed: all that it has written.
    pub(crate) fn after_kill(&self) -> Files {
        self.seen.iter().map(|(name, &file)| (name.clone(), self.files[file].seen.clone())).collect()
    }

    /// What is certain to be there after a loss of power, and nothing more.
    pub(crate) fn after_power_loss(&self) -> Files {
        self.certain.iter().map(|(name, &file)| (name.clone(), self.files[file].certain.clone())).collect()
    }

    /// What may be there after a loss of power: of all that is uncertain, some has reached the disk.
    pub(crate) fn after_nasty_power_loss(&self, rng: &mut ChaCha12Rng) -> Files {
        // Whole pages survive only if nearly all sectors do.
        let share = [0.5, 0.9, 0.99][rng.random_range(0..3)];
        let names: BTreeSet<_> = self.seen.keys().chain(self.certain.keys()).collect();
        let mut files = Files::new();
        for name in names {
            let directory = if rng.random_bool(0.5) { &self.seen } else { &self.certain };
            if let Some(&file) = directory.get(name) {
                files.insert(name.clone(), self.files[file].after_nasty_power_loss(share, rng));
            }
        }
        files
    }
}

impl File {
    fn change(&mut self, change: Change) {
        match &change {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if self.seen.len() < end {
                    self.seen.resize(end, 0);
                }
                self.seen[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate { size } => self.seen.resize(*size, 0),
        }
        self.uncertain.push(change);
    }

    fn synchronise(&mut self) {
        if !self.uncertain.is_empty() {
            self.certain.clone_from(&self.seen);
            self.uncertain.clear();
        }
    }

    fn after_nasty_power_loss(&self, share: f64, rng: &mut ChaCha12Rng) -> Vec<u8> {
        let mut sizes = vec![self.certain.len()];
        for change in &self.uncertain {
            let size = *sizes.last().unwrap();
            sizes.push(match change {
                Change::Write { offset, bytes } => size.max(offset + bytes.len()),
                Change::Truncate { size } => *size,
            });
        }
        let longest = *sizes.iter().max().unwrap();
        let mut content = self.certain.clone();
        content.resize(longest, 0);
        // How many of the changes a sector has seen.
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for (n, change) in self.uncertain.iter().enumerate() {
            let (start, end) = match change {
                Change::Write { offset, bytes } => (*offset, offset + bytes.len()),
                Change::Truncate { size } => ((*size).min(longest), longest),
            };
            for sector in start / SECTOR..end.div_ceil(SECTOR) {
                let seen = seen.entry(sector).or_insert_with(|| {
                    if rng.random_bool(share) {
                        usize::MAX
                    } else {
                        rng.random_range(0..=self.uncertain.len())
                    }
                });
                if n >= *seen {
                    continue;
                }
                let (from, to) = (start.max(sector * SECTOR), end.min((sector + 1) * SECTOR));
                match change {
                    Change::Write { offset, bytes } => {
                        content[from..to].copy_from_slice(&bytes[from - offset..to - offset]);
                    }
                    Change::Truncate { .. } => content[from..to].fill(0),
                }
            }
        }
        content.resize(
            if rng.random_bool(share) { self.seen.len() } else { sizes[rng.random_range(0..sizes.len())] },
            0,
        );
        content
    }
}

/// The files in a directory. SQLite must have none of them open: closing a file gives up its locks.
pub(crate) fn read(directory: &Path) -> Files {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| (name.to_str().unwrap().to_owned(), fs::read(directory.join(&name)).unwrap())).collect()
}

/// Writes files into a directory.
pub(crate) fn write(directory: &Path, files: &Files) {
    for (name, content) in files {
        fs::write(directory.join(name), content).unwrap();
    }
}
