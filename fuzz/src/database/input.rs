//! What the input is made of: a database file, its write-ahead log, and four bytes behind them. So a database file with
//! four bytes appended is an input, and its mutations begin with what SQLite reads first.

/// The bytes behind the files.
pub(super) const TRAILER: usize = 4;

/// What is done with the files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// The last so many bytes of the files are the write-ahead log.
    pub(super) wal_len: u16,
    pub(super) bits: u8,
    /// Which calls are made, a bit for each.
    pub(super) calls: u8,
}

impl Plan {
    /// Whether the file is opened with `OnCorrupt::Quarantine`, too.
    pub(super) fn quarantines(self) -> bool {
        self.bits & 1 != 0
    }

    /// The most peers of the table, mostly 0 for no bound.
    pub(super) fn max_peers(self) -> u64 {
        u64::from(self.bits >> 2 & 15)
    }

    /// Whether what is called upon the manager is flushed and opened again in the middle.
    pub(super) fn flushes(self) -> bool {
        self.bits & 2 != 0
    }
}

/// The two files, and what is done with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) file: &'a [u8],
    /// There is no such file when it is empty.
    pub(super) wal: &'a [u8],
    pub(super) plan: Plan,
}

impl<'a> Input<'a> {
    pub(super) fn split(data: &'a [u8]) -> Self {
        let (files, &[low, high, bits, calls]) = data.split_last_chunk().unwrap_or((&[], &[0; TRAILER]));
        let wal_len = u16::from_le_bytes([low, high]).min(files.len().try_into().unwrap_or(u16::MAX));
        let (file, wal) = files.split_at(files.len() - usize::from(wal_len));
        Self { file, wal, plan: Plan { wal_len, bits, calls } }
    }
}
