//! The words of a script, and what they stand for.

use std::path::{Path, PathBuf};

use peer_manager::{
    BackOffUpdate, Durability, NameGroups, Options, PeerAddress, PeerRecord, PeerTypeFilter, Purpose, Reach,
    StoredPeerType,
};

use crate::Failure;

/// The port of an address that has none.
const DEFAULT_PORT: u16 = 11_625;

/// The word that stands for a value that is left out.
pub(crate) const NOTHING: &str = "-";

/// The words of an operation after its name.
pub(crate) struct Words<'a>(pub(crate) Vec<&'a str>);

impl<'a> Words<'a> {
    pub(crate) fn word(&self, n: usize) -> Result<&'a str, Failure> {
        self.0.get(n).copied().ok_or_else(|| "a word is missing".into())
    }

    pub(crate) fn number<T>(&self, n: usize) -> Result<T, Failure>
    where
        T: std::str::FromStr<Err = std::num::ParseIntError>,
    {
        Ok(self.word(n)?.parse()?)
    }

    pub(crate) fn is_true(&self, n: usize) -> Result<bool, Failure> {
        is_true(self.word(n)?)
    }

    pub(crate) fn address(&self, n: usize) -> Result<PeerAddress, Failure> {
        address(self.word(n)?)
    }

    /// All words from the one with this number on.
    pub(crate) fn from(&self, n: usize) -> &[&'a str] {
        self.0.get(n..).unwrap_or_default()
    }
}

pub(crate) fn is_true(word: &str) -> Result<bool, Failure> {
    match word {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("0 or 1".into()),
    }
}

pub(crate) fn address(text: &str) -> Result<PeerAddress, Failure> {
    Ok(PeerAddress::parse(text, Some(DEFAULT_PORT))?)
}

pub(crate) fn addresses(words: &[&str]) -> Result<Vec<PeerAddress>, Failure> {
    words.iter().map(|word| address(word)).collect()
}

/// Bytes in hexadecimal digits.
pub(crate) fn bytes(word: &str) -> Result<Vec<u8>, Failure> {
    if word == NOTHING {
        return Ok(Vec::new());
    }
    let pairs = word.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

pub(crate) fn record(parts: &[&str]) -> Result<PeerRecord, Failure> {
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

pub(crate) fn peer_type(word: &str) -> Result<StoredPeerType, Failure> {
    match word {
        "INBOUND" => Ok(StoredPeerType::Inbound),
        "OUTBOUND" => Ok(StoredPeerType::Outbound),
        "PREFERRED" => Ok(StoredPeerType::Preferred),
        _ => Err("no such type".into()),
    }
}

pub(crate) fn backoff(word: &str) -> Result<BackOffUpdate, Failure> {
    match word {
        "HARD_RESET" => Ok(BackOffUpdate::HardReset),
        "RESET" => Ok(BackOffUpdate::Reset),
        "INCREASE" => Ok(BackOffUpdate::Increase),
        _ => Err("no such back-off".into()),
    }
}

pub(crate) fn filter(word: &str) -> Result<PeerTypeFilter, Failure> {
    match word {
        "INBOUND_ONLY" => Ok(PeerTypeFilter::InboundOnly),
        "OUTBOUND_ONLY" => Ok(PeerTypeFilter::OutboundOnly),
        "PREFERRED_ONLY" => Ok(PeerTypeFilter::PreferredOnly),
        "ANY_OUTBOUND" => Ok(PeerTypeFilter::AnyOutbound),
        "ANY" => Ok(PeerTypeFilter::Any),
        "NOT_PREFERRED" => Ok(PeerTypeFilter::NotPreferred),
        _ => Err("no such filter".into()),
    }
}

pub(crate) fn purpose(word: &str) -> Result<Purpose, Failure> {
    match word {
        "CONNECT" => Ok(Purpose::Connect),
        "FEELER" => Ok(Purpose::Feeler),
        _ => Err("no such purpose".into()),
    }
}

fn durability(word: &str) -> Result<Durability, Failure> {
    match word {
        "COMMIT" => Ok(Durability::Commit),
        "SYNC" => Ok(Durability::Sync),
        "DEFERRED" => Ok(Durability::Deferred),
        _ => Err("no such durability".into()),
    }
}

/// A name and what follows `=`.
pub(crate) fn field(word: &str) -> Result<(&str, &str), Failure> {
    word.split_once('=').ok_or_else(|| format!("no name=value: {word}").into())
}

/// How a manager is to be opened; `file` is where its database is, if it is to have one.
pub(crate) fn options(words: &[&str], file: &Path) -> Result<Options, Failure> {
    let (db_path, durability, seed, fields) = match words {
        ["memory", seed, fields @ ..] => (None, Durability::Commit, seed, fields),
        ["file", word, seed, fields @ ..] => (Some(PathBuf::from(file)), durability(word)?, seed, fields),
        _ => return Err("open memory SEED, or open file DURABILITY SEED".into()),
    };
    let mut options = Options { db_path, durability, rng_seed: Some(seed.parse()?), ..Options::default() };
    for word in fields {
        let (name, value) = field(word)?;
        match name {
            "max_peers" => options.max_peers = value.parse()?,
            "max_peers_per_netgroup" => options.max_peers_per_netgroup = value.parse()?,
            "share_cache_seconds" => options.share_cache_seconds = value.parse()?,
            "share_max_percent" => options.share_max_percent = value.parse()?,
            "reach" => {
                options.reach = match value {
                    "0" => Reach::Specification,
                    "1" => Reach::Public,
                    "2" => Reach::Private,
                    _ => return Err("no such reach".into()),
                }
            }
            "name_groups" => {
                options.name_groups = if is_true(value)? { NameGroups::ByKey } else { NameGroups::Each };
            }
            "keep_history" => options.keep_history = is_true(value)?,
            "backoff_seconds" => options.backoff_seconds = value.parse()?,
            "max_backoff_exponent" => options.max_backoff_exponent = value.parse()?,
            _ => return Err(format!("no such option: {name}").into()),
        }
    }
    Ok(options)
}
