//! What a transcript says about values and errors.

use std::fmt::{self, Display, Write as _};

use peer_manager::{Error, History, PeerRecord, Stats, StoredPeerType};

use crate::words::NOTHING;
use crate::{Failure, PRINTED};

/// What an operation prints.
#[derive(Default)]
pub(crate) struct Printed(String);

impl Printed {
    pub(crate) fn line(&mut self, line: impl Display) -> fmt::Result {
        writeln!(self.0, "{PRINTED}{line}")
    }

    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = impl Display>) -> fmt::Result {
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    /// The lines in the order of their bytes.
    pub(crate) fn sorted(self) -> String {
        let mut lines: Vec<&str> = self.0.split_inclusive('\n').collect();
        lines.sort_unstable();
        lines.concat()
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// The text of an operation that failed, if it is the library that refused it and not the script that is wrong.
pub(crate) fn failure(line: &str, failure: Failure) -> Result<String, Failure> {
    match failure.downcast::<Error>() {
        Ok(error) => Ok(format!("{PRINTED}error {}: {error}\n", status_name(&error))),
        Err(wrong) => Err(format!("{line}: {wrong}").into()),
    }
}

pub(crate) fn record(record: &PeerRecord) -> String {
    let PeerRecord { address, next_attempt, num_failures, peer_type } = record;
    let peer_type = match peer_type {
        StoredPeerType::Inbound => "INBOUND",
        StoredPeerType::Outbound => "OUTBOUND",
        StoredPeerType::Preferred => "PREFERRED",
    };
    format!("{address} {next_attempt} {num_failures} {peer_type}")
}

/// Bytes in hexadecimal digits.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return NOTHING.to_owned();
    }
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub(crate) fn history(history: &History) -> String {
    let History { first_heard, last_heard, first_reached, last_reached, last_attempt } = history;
    format!("{first_heard} {last_heard} {first_reached} {last_reached} {last_attempt}")
}

/// How many of the stats `get_stats` prints: those of the first version. The others are asked for by name.
pub(crate) const STATS_OF_THE_FIRST_VERSION: usize = 11;

/// The stats by their names, in the order of the struct of the C API.
pub(crate) fn stats(stats: &Stats) -> [(&'static str, u64); 15] {
    [
        ("durability", stats.durability as u64),
        ("peers", stats.peers),
        ("inbound", stats.inbound),
        ("outbound", stats.outbound),
        ("preferred", stats.preferred),
        ("ready", stats.ready),
        ("netgroups", stats.netgroups),
        ("pending_writes", stats.pending_writes),
        ("failed_writes", stats.failed_writes),
        ("skipped_rows", stats.skipped_rows),
        ("refused_peers", stats.refused_peers),
        ("bans", stats.bans),
        ("log_bytes", stats.log_bytes),
        ("forgiven_failures", stats.forgiven_failures),
        ("rejected_rows", stats.rejected_rows),
    ]
}

/// The name of the status that C sees.
fn status_name(error: &Error) -> &'static str {
    match error {
        Error::InvalidArgument(_) => "INVALID_ARGUMENT",
        Error::InvalidAddress { .. } | Error::InvalidSubject { .. } => "INVALID_ADDRESS",
        Error::NotFound(_) | Error::NotBanned(_) | Error::NoneWaits => "NOT_FOUND",
        Error::Database(_) => "DATABASE",
        Error::Corrupt(_) => "CORRUPT",
        Error::Busy(_) => "BUSY",
        Error::DiskFull(_) => "DISK_FULL",
        Error::Limit(_) => "LIMIT",
        Error::Unsupported(_) => "UNSUPPORTED",
        Error::Refused(_) => "REFUSED",
        Error::NoMemory(_) => "NO_MEMORY",
        _ => "INTERNAL",
    }
}
