//! Replays a script of operations and prints the transcript; see the README beside it.
//!
//! `cargo run --example golden -- examples/golden/scenario.txt`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::{
    BackOffUpdate, Clock, Durability, Error, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord,
    PeerTypeFilter, StoredPeerType,
};

/// The port of an address that has none.
const DEFAULT_PORT: u16 = 11_625;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: golden SCENARIO")?;
    let directory = tempfile::tempdir()?;
    let mut player =
        Player { time: Arc::new(AtomicI64::new(0)), file: directory.path().join("peers.db"), manager: None };
    for line in std::fs::read_to_string(path)?.lines() {
        if !line.is_empty() && !line.starts_with('#') {
            println!("> {line}");
            print!("{}", player.play(line)?);
        }
    }
    Ok(())
}

struct Player {
    time: Arc<AtomicI64>,
    file: PathBuf,
    manager: Option<PeerManager>,
}

impl Player {
    /// What the transcript says of an operation. Only a script that is wrong is an error here.
    fn play(&mut self, line: &str) -> Result<String, Failure> {
        match self.operate(line) {
            Ok(printed) => Ok(printed),
            Err(failure) => match failure.downcast::<Error>() {
                Ok(error) => Ok(format!("  error {}: {error}\n", status_name(&error))),
                Err(wrong) => Err(format!("{line}: {wrong}").into()),
            },
        }
    }

    fn operate(&mut self, line: &str) -> Result<String, Failure> {
        let mut words = line.split(' ');
        let operation = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let word = |n: usize| words.get(n).copied().ok_or("a word is missing");
        let manager = || self.manager.as_ref().ok_or("no manager is open");
        let mut printed = String::new();
        match operation {
            "clock" => self.time.store(word(0)?.parse()?, Ordering::Relaxed),
            "open" => self.manager = Some(self.open(&words)?),
            "close" => self.manager = None,
            "ensure_exists" => {
                manager()?.ensure_exists(&address(word(0)?)?)?;
            }
            "ensure_exists_many" => {
                let inserted = manager()?.ensure_exists_many(&addresses(&words)?)?;
                writeln!(printed, "  inserted {inserted}")?;
            }
            "load" => {
                let address = address(word(0)?)?;
                let record = manager()?.load(&address)?.ok_or(Error::NotFound(address))?;
                writeln!(printed, "  {}", text_of(&record))?;
            }
            "store" => manager()?.store(&record(&words)?)?,
            "store_many" => {
                let records: Result<Vec<PeerRecord>, Failure> =
                    words.iter().map(|word| record(&word.split(',').collect::<Vec<_>>())).collect();
                manager()?.store_many(&records?)?;
            }
            "update_type" => {
                manager()?.update_type(&address(word(0)?)?, peer_type(word(1)?)?, word(2)? == "1")?;
            }
            "update_backoff" => manager()?.update_backoff(&address(word(0)?)?, backoff(word(1)?)?)?,
            "update" => {
                let (observed, known, backoff) = (peer_type(word(1)?)?, word(2)? == "1", backoff(word(3)?)?);
                manager()?.update(&address(word(0)?)?, observed, known, backoff)?;
            }
            "remove" => manager()?.remove(&address(word(0)?)?)?,
            "remove_peers_with_many_failures" => {
                let removed = manager()?.remove_peers_with_many_failures(word(0)?.parse()?)?;
                writeln!(printed, "  removed {removed}")?;
            }
            "clear_all" => manager()?.clear_all()?,
            "flush" => manager()?.flush()?,
            "load_random_peers" => {
                let exclude = addresses(words.get(4..).unwrap_or_default())?;
                let query = PeerQuery { exclude: &exclude, ..query([word(0)?, word(1)?, word(2)?])? };
                list(&mut printed, &manager()?.load_random_peers(&query, word(3)?.parse()?)?)?;
            }
            "get_peers_to_send" => {
                let filter = match word(0)?.split(',').collect::<Vec<_>>()[..] {
                    ["-"] => PeerQuery::everything(),
                    [filter, use_next_attempt, failures] => query([filter, use_next_attempt, failures])?,
                    _ => return Err("a filter has three parts".into()),
                };
                let exclude = match word(1)? {
                    "-" => None,
                    text => Some(address(text)?),
                };
                let answer = manager()?.get_peers_to_send(&filter, exclude.as_ref(), word(2)?.parse()?)?;
                list(&mut printed, &answer)?;
            }
            "peer_count" => writeln!(printed, "  {}", manager()?.peer_count())?,
            "get_all_peers" => {
                let snapshot = manager()?.get_all_peers()?;
                let mut lines: Vec<String> = snapshot.iter().map(|record| text_of(&record)).collect();
                lines.sort_unstable();
                lines.iter().try_for_each(|line| writeln!(printed, "  {line}"))?;
            }
            "get_stats" => self.print_stats(&mut printed)?,
            "address" => {
                let address = PeerAddress::parse(&words.join(" "), None)?;
                let privacy = if address.is_private() { "private" } else { "public" };
                writeln!(printed, "  {address} {privacy}")?;
            }
            _ => return Err("no such operation".into()),
        }
        Ok(printed)
    }

    fn open(&self, words: &[&str]) -> Result<PeerManager, Failure> {
        let mut options = Options::default();
        let (durability, seed) = match words {
            ["memory", seed] => ("COMMIT", seed),
            ["file", durability, seed] => {
                options.db_path = Some(self.file.clone());
                (*durability, seed)
            }
            _ => return Err("open memory SEED, or open file DURABILITY SEED".into()),
        };
        options.durability = match durability {
            "COMMIT" => Durability::Commit,
            "SYNC" => Durability::Sync,
            "DEFERRED" => Durability::Deferred,
            _ => return Err("no such durability".into()),
        };
        options.rng_seed = Some(seed.parse()?);
        options.clock = Clock::from_fn({
            let time = Arc::clone(&self.time);
            move || time.load(Ordering::Relaxed)
        });
        Ok(PeerManager::open(options)?)
    }

    fn print_stats(&self, printed: &mut String) -> Result<(), Failure> {
        let stats = self.manager.as_ref().ok_or("no manager is open")?.get_stats()?;
        for (name, value) in [
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
        ] {
            writeln!(printed, "  {name} {value}")?;
        }
        Ok(())
    }
}

fn address(text: &str) -> Result<PeerAddress, Failure> {
    Ok(PeerAddress::parse(text, Some(DEFAULT_PORT))?)
}

fn addresses(words: &[&str]) -> Result<Vec<PeerAddress>, Failure> {
    words.iter().map(|word| address(word)).collect()
}

fn record(parts: &[&str]) -> Result<PeerRecord, Failure> {
    let [host, next_attempt, num_failures, kind] = parts else {
        return Err("a record has four parts".into());
    };
    Ok(PeerRecord {
        address: address(host)?,
        next_attempt: next_attempt.parse()?,
        num_failures: num_failures.parse()?,
        peer_type: peer_type(kind)?,
    })
}

fn peer_type(word: &str) -> Result<StoredPeerType, Failure> {
    match word {
        "INBOUND" => Ok(StoredPeerType::Inbound),
        "OUTBOUND" => Ok(StoredPeerType::Outbound),
        "PREFERRED" => Ok(StoredPeerType::Preferred),
        _ => Err("no such type".into()),
    }
}

fn type_name(peer_type: StoredPeerType) -> &'static str {
    match peer_type {
        StoredPeerType::Inbound => "INBOUND",
        StoredPeerType::Outbound => "OUTBOUND",
        StoredPeerType::Preferred => "PREFERRED",
    }
}

fn backoff(word: &str) -> Result<BackOffUpdate, Failure> {
    match word {
        "HARD_RESET" => Ok(BackOffUpdate::HardReset),
        "RESET" => Ok(BackOffUpdate::Reset),
        "INCREASE" => Ok(BackOffUpdate::Increase),
        _ => Err("no such back-off".into()),
    }
}

fn query([filter, use_next_attempt, max_num_failures]: [&str; 3]) -> Result<PeerQuery<'static>, Failure> {
    let type_filter = match filter {
        "INBOUND_ONLY" => PeerTypeFilter::InboundOnly,
        "OUTBOUND_ONLY" => PeerTypeFilter::OutboundOnly,
        "PREFERRED_ONLY" => PeerTypeFilter::PreferredOnly,
        "ANY_OUTBOUND" => PeerTypeFilter::AnyOutbound,
        "ANY" => PeerTypeFilter::Any,
        _ => return Err("no such filter".into()),
    };
    let max_num_failures = match max_num_failures {
        "-" => None,
        number => Some(number.parse()?),
    };
    Ok(PeerQuery {
        type_filter,
        use_next_attempt: use_next_attempt == "1",
        max_num_failures,
        ..PeerQuery::everything()
    })
}

fn list(printed: &mut String, addresses: &[PeerAddress]) -> std::fmt::Result {
    addresses.iter().try_for_each(|address| writeln!(printed, "  {address}"))
}

fn text_of(record: &PeerRecord) -> String {
    let PeerRecord { address, next_attempt, num_failures, peer_type } = record;
    format!("{address} {next_attempt} {num_failures} {}", type_name(*peer_type))
}

/// The name of the status that C sees.
fn status_name(error: &Error) -> &'static str {
    match error {
        Error::InvalidArgument(_) => "INVALID_ARGUMENT",
        Error::InvalidAddress { .. } => "INVALID_ADDRESS",
        Error::NotFound(_) => "NOT_FOUND",
        Error::Database(_) => "DATABASE",
        Error::Corrupt(_) => "CORRUPT",
        Error::Busy(_) => "BUSY",
        Error::DiskFull(_) => "DISK_FULL",
        Error::Limit(_) => "LIMIT",
        Error::Unsupported(_) => "UNSUPPORTED",
        _ => "INTERNAL",
    }
}
