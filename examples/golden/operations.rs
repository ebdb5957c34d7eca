//! The operations of a script, each a call of the library or a change of the player's world.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::{Clock, Error, PeerAddress, PeerManager, PeerRecord};

use crate::Failure;
use crate::print::{self, Printed};
use crate::queries;
use crate::words::{self, Words};

/// The world of a script: its clock, its files, and the one manager that it has at a time.
pub(crate) struct Player {
    time: Arc<AtomicI64>,
    directory: PathBuf,
    /// Which of its files `open file` opens.
    file: usize,
    manager: Option<PeerManager>,
}

impl Player {
    /// A player whose files are in this directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { time: Arc::new(AtomicI64::new(0)), directory: directory.to_owned(), file: 0, manager: None }
    }

    /// What the transcript says about an operation. Only a script that is wrong is an error here.
    pub(crate) fn play(&mut self, line: &str) -> Result<String, Failure> {
        let (operation, is_sorted) = match line.strip_prefix("sorted ") {
            Some(operation) => (operation, true),
            None => (line, false),
        };
        let mut printed = Printed::default();
        match self.operate(operation, &mut printed) {
            Ok(()) if is_sorted => Ok(printed.sorted()),
            Ok(()) => Ok(printed.into_text()),
            Err(failure) => print::failure(line, failure),
        }
    }

    fn operate(&mut self, line: &str, out: &mut Printed) -> Result<(), Failure> {
        let mut words = line.split(' ');
        let operation = words.next().unwrap_or_default();
        let words = Words(words.collect());
        match operation {
            "clock" => self.time.store(words.number(0)?, Ordering::Relaxed),
            "new_file" => self.file += 1,
            "open" => self.manager = Some(self.open(&words)?),
            "close" => self.manager = None,
            "address" => {
                let address = PeerAddress::parse(&words.0.join(" "), None)?;
                let privacy = if address.is_private() { "private" } else { "public" };
                out.line(format_args!("{address} {privacy}"))?;
            }
            _ => {
                let manager = self.manager.as_ref().ok_or("no manager is open")?;
                let is_known = change(manager, operation, &words, out)?
                    || answer(manager, operation, &words, out)?
                    || policy(manager, operation, &words, out)?;
                if !is_known {
                    return Err("no such operation".into());
                }
            }
        }
        Ok(())
    }

    fn open(&self, words: &Words<'_>) -> Result<PeerManager, Failure> {
        let file = self.directory.join(format!("peers-{}.db", self.file));
        let mut options = words::options(words.from(0), &file)?;
        options.clock = Clock::from_fn({
            let time = Arc::clone(&self.time);
            move || time.load(Ordering::Relaxed)
        });
        Ok(PeerManager::open(options)?)
    }
}

/// The operations that insert, update and remove peers; false for any other.
fn change(
    manager: &PeerManager,
    operation: &str,
    words: &Words<'_>,
    out: &mut Printed,
) -> Result<bool, Failure> {
    match operation {
        "ensure_exists" => {
            manager.ensure_exists(&words.address(0)?)?;
        }
        "ensure_exists_many" => {
            let inserted = manager.ensure_exists_many(&words::addresses(words.from(0))?)?;
            out.line(format_args!("inserted {inserted}"))?;
        }
        "store" => manager.store(&words::record(words.from(0))?)?,
        "store_many" => {
            let records: Result<Vec<PeerRecord>, Failure> = (words.from(0).iter())
                .map(|word| words::record(&word.split(',').collect::<Vec<_>>()))
                .collect();
            manager.store_many(&records?)?;
        }
        "update_type" => {
            let (observed, is_known) = (words::peer_type(words.word(1)?)?, words.is_true(2)?);
            manager.update_type(&words.address(0)?, observed, is_known)?;
        }
        "update_backoff" => {
            manager.update_backoff(&words.address(0)?, words::backoff(words.word(1)?)?)?;
        }
        "update" => {
            let (observed, is_known) = (words::peer_type(words.word(1)?)?, words.is_true(2)?);
            let backoff = words::backoff(words.word(3)?)?;
            manager.update(&words.address(0)?, observed, is_known, backoff)?;
        }
        "remove" => manager.remove(&words.address(0)?)?,
        "remove_peers_with_many_failures" => {
            let removed = manager.remove_peers_with_many_failures(words.number(0)?)?;
            out.line(format_args!("removed {removed}"))?;
        }
        "remove_peers_not_heard_since" => {
            let removed = manager.remove_peers_not_heard_since(words.number(0)?)?;
            out.line(format_args!("removed {removed}"))?;
        }
        "remove_host" => {
            let removed = manager.remove_host(&words.word(0)?.parse()?)?;
            out.line(format_args!("removed {removed}"))?;
        }
        "set_data" => manager.set_data(&words.address(0)?, &words::bytes(words.word(1)?)?)?,
        "clear_all" => manager.clear_all()?,
        "flush" => manager.flush()?,
        "limit_next_attempt" => {
            let changed = manager.limit_next_attempt(words.number(0)?)?;
            out.line(format_args!("changed {changed}"))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The operations that look at peers and choose among them; false for any other.
fn answer(
    manager: &PeerManager,
    operation: &str,
    words: &Words<'_>,
    out: &mut Printed,
) -> Result<bool, Failure> {
    match operation {
        "load" => {
            let address = words.address(0)?;
            let record = manager.load(&address)?.ok_or(Error::NotFound(address))?;
            out.line(print::record(&record))?;
        }
        "load_random_peers" => out.lines(queries::load_random_peers(manager, words)?)?,
        "get_peers_to_send" => out.lines(queries::get_peers_to_send(manager, words)?)?,
        "next_to_dial" => out.lines(queries::next_to_dial(manager, words)?)?,
        "next_due" => out.line(manager.next_due()?.ok_or(Error::NoneWaits)?)?,
        "same_netgroup" => {
            let (a, b) = (words.address(0)?, words.address(1)?);
            out.line(manager.address_netgroup(&a)? == manager.address_netgroup(&b)?)?;
        }
        "peer_count" => out.line(manager.peer_count())?,
        "get_all_peers" => {
            let snapshot = manager.get_all_peers()?;
            let mut lines: Vec<String> = snapshot.iter().map(|record| print::record(&record)).collect();
            lines.sort_unstable();
            out.lines(lines)?;
        }
        "load_history" => {
            let address = words.address(0)?;
            let history = manager.load_history(&address)?.ok_or(Error::NotFound(address))?;
            out.line(print::history(&history))?;
        }
        "get_all_histories" => {
            let snapshot = manager.get_all_peers()?;
            let mut lines = Vec::new();
            for (index, record) in snapshot.iter().enumerate() {
                let history = snapshot.history(index).ok_or("open with keep_history=1")?;
                lines.push(format!("{} {}", record.address, print::history(&history)));
            }
            lines.sort_unstable();
            out.lines(lines)?;
        }
        "get_data" => out.line(print::bytes(&manager.data(&words.address(0)?)?))?,
        "get_all_data" => {
            let snapshot = manager.get_all_peers()?;
            let mut lines = Vec::new();
            for (index, record) in snapshot.iter().enumerate() {
                let data = snapshot.data(index);
                if !data.is_empty() {
                    lines.push(format!("{} {}", record.address, print::bytes(data)));
                }
            }
            lines.sort_unstable();
            out.lines(lines)?;
        }
        "get_stats" => {
            let stats = print::stats(&manager.get_stats()?);
            let first = stats.iter().take(print::STATS_OF_THE_FIRST_VERSION);
            out.lines(first.map(|(name, value)| format!("{name} {value}")))?;
        }
        "stat" => {
            let name = words.word(0)?;
            let stats = print::stats(&manager.get_stats()?);
            let (_, value) = stats.iter().find(|stat| stat.0 == name).ok_or("no such stat")?;
            out.line(value)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The operations about what the node knows of itself and whom it refuses; false for any other.
fn policy(
    manager: &PeerManager,
    operation: &str,
    words: &Words<'_>,
    out: &mut Printed,
) -> Result<bool, Failure> {
    match operation {
        "set_own_addresses" => manager.set_own_addresses(words::addresses(words.from(0))?)?,
        "set_online" => manager.set_online(words.is_true(0)?)?,
        "ban" => {
            let removed = manager.ban(&words.word(0)?.parse()?, words.number(1)?)?;
            out.line(format_args!("removed {removed}"))?;
        }
        "unban" => manager.unban(&words.word(0)?.parse()?)?,
        "is_banned" => out.line(manager.is_banned(&words.address(0)?)?)?,
        "get_bans" => {
            let bans = manager.get_bans()?;
            let mut lines: Vec<String> =
                bans.iter().map(|ban| format!("{} {}", ban.subject, ban.until)).collect();
            lines.sort_unstable();
            out.lines(lines)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
