//! What the input is made of: a database file, its write-ahead log, and five bytes behind them. So a database file with
//! five bytes appended is an input, and its mutations begin with what SQLite reads first.

/// The bytes behind the files.
pub(super) const TRAILER: usize = 5;

/// What is done with the files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// The last so many bytes of the files are the write-ahead log.
    pub(super) wal_len: u16,
    pub(super) bits: u8,
    /// Which calls are made, a bit for each.
    pub(super) calls: u8,
    /// How long the files seem to be, four bits for each.
    pub(super) lengths: u8,
}

/// The length that four bits stand for: none of its own, 8 MiB and so on by powers of two, at last 100 GiB.
pub(super) fn apparent(bits: u8) -> u64 {
    match bits & 15 {
        0 => 0,
        15 => 100 << 30,
        bits => 1 << (22 + bits),
    }
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

    /// The length that the file seems to have, if it has less: behind its bytes it is sparse.
    pub(super) fn file_len(self) -> u64 {
        apparent(self.lengths)
    }

    /// The same of the log, if there is one.
    pub(super) fn log_len(self) -> u64 {
        apparent(self.lengths >> 4)
    }

    /// Whether histories are kept.
    pub(super) fn keeps_histories(self) -> bool {
        self.bits & 0x40 != 0
    }

    /// Whether peers are given data, and some hosts are banned.
    pub(super) fn has_data_and_bans(self) -> bool {
        self.bits & 0x80 != 0
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
        let (files, &[low, high, bits, calls, lengths]) =
            data.split_last_chunk().unwrap_or((&[], &[0; TRAILER]));
        let wal_len = u16::from_le_bytes([low, high]).min(files.len().try_into().unwrap_or(u16::MAX));
        let (file, wal) = files.split_at(files.len() - usize::from(wal_len));
        Self { file, wal, plan: Plan { wal_len, bits, calls, lengths } }
    }
}
