//! What is compared.

use std::fmt;

use super::connections::Connections;
use super::node::Node;
use super::policy::{CONTRACT, Choice, DOCUMENTED, Library, Policy};
use super::queries::Queries;
use crate::Failure;
use crate::strategy::{Defences, Kind};
use crate::world::Time;

/// A node by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Strategy {
    /// The model of addrman and of the thread that drives it.
    AddrMan,
    /// This library, by one call or by a policy made of its queries.
    Policy(Policy),
    /// One query for each dial.
    Queries { kind: Kind, known_first: bool },
}

/// The bounds of [`Policy`], and one network a draw.
const DEFENCES: Defences = Defences { max_per_netgroup: 1, max_peers: 20_000, max_peers_per_netgroup: 16 };
const NO_DEFENCES: Defences = Defences { max_per_netgroup: 0, max_peers: 0, max_peers_per_netgroup: 0 };

/// Each with its name on the command line.
pub(crate) const STRATEGIES: [(&str, Strategy); 8] = [
    ("next-to-dial", Strategy::Policy(DOCUMENTED)),
    ("addrman", Strategy::AddrMan),
    ("no-rotation", Strategy::Policy(Policy { rotation: None, ..DOCUMENTED })),
    ("contract", Strategy::Policy(Policy { choice: Choice::Parameters(CONTRACT), ..DOCUMENTED })),
    ("known-first", Strategy::Queries { kind: Kind::Library(NO_DEFENCES), known_first: true }),
    ("all-options", Strategy::Queries { kind: Kind::Library(DEFENCES), known_first: true }),
    ("specification", Strategy::Queries { kind: Kind::Specification, known_first: false }),
    ("window", Strategy::Queries { kind: Kind::Window, known_first: false }),
];

impl Strategy {
    pub(crate) fn node(self, time: &Time, seed: u64) -> Result<Box<dyn Node>, Failure> {
        Ok(match self {
            Self::AddrMan => Box::new(Connections::new(seed)),
            Self::Policy(policy) => Box::new(Library::open(policy, time, seed)?),
            Self::Queries { kind, known_first } => {
                Box::new(Queries { table: kind.open(time, seed, None)?, known_first })
            }
        })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddrMan => f.write_str("addrman (model)"),
            Self::Policy(policy) => write!(f, "this library: {policy}"),
            Self::Queries { kind, known_first } => {
                write!(f, "{kind}; {}", if *known_first { "known first" } else { "any" })
            }
        }
    }
}
