//! The two layouts that a table of peers may have, and what a row of each can hold.

use rusqlite::types::ValueRef;

use super::timestamp;
use crate::address::{Host, PeerAddress};

/// The table as the specification has it, word for word.
pub const SCHEMA: &str = "CREATE TABLE peers (
    ip VARCHAR(15) NOT NULL,
    port INT NOT NULL CHECK (port > 0 AND port <= 65535),
    nextattempt INTEGER NOT NULL,
    numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL,
    PRIMARY KEY (ip, port)
)";

/// stellar-core's table: the types, defaults and constraints that it declares.
const STELLAR_CORE_SCHEMA: &str = "CREATE TABLE peers (
    ip VARCHAR(15) NOT NULL,
    port INT DEFAULT 0 CHECK (port > 0 AND port <= 65535) NOT NULL,
    nextattempt TIMESTAMP NOT NULL,
    numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL,
    PRIMARY KEY (ip, port)
)";

/// The type that stellar-core declares for `nextattempt`, in upper case.
pub(super) const TIMESTAMP: &str = "TIMESTAMP";

/// Which program's layout a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The specification's: `nextattempt` is an integer.
    Specification,
    /// stellar-core's: `nextattempt` is text, and each `ip` an IPv4 address.
    StellarCore,
}

impl Layout {
    /// The layout of a table whose `nextattempt` has this declared type.
    pub(super) fn of(declared: &str) -> Self {
        if declared.eq_ignore_ascii_case(TIMESTAMP) { Self::StellarCore } else { Self::Specification }
    }

    /// The statement that creates such a table.
    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::Specification => SCHEMA,
            Self::StellarCore => STELLAR_CORE_SCHEMA,
        }
    }

    /// Whether such a table may have a row for this address.
    ///
    /// stellar-core takes every `ip` for IPv4. From any other text it makes a wrong address, or it throws an exception and ends
    /// as soon as it sends its peers to others or dials this one.
    pub(super) fn holds(self, address: &PeerAddress) -> bool {
        self == Self::Specification || matches!(address.host(), Host::V4(_))
    }

    /// Whether it may have a row for any of these addresses.
    pub(super) fn holds_any<'a>(self, addresses: impl IntoIterator<Item = &'a PeerAddress>) -> bool {
        addresses.into_iter().any(|address| self.holds(address))
    }

    /// The time that a `nextattempt` means, if it means one. Where stellar-core has text, an integer is taken as in the
    /// other layout.
    pub(super) fn next_attempt(self, value: ValueRef<'_>) -> Option<i64> {
        match value {
            ValueRef::Integer(seconds) => Some(seconds),
            ValueRef::Text(text) if self == Self::StellarCore => timestamp::parse(text),
            _ => None,
        }
    }
}
