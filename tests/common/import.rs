//! What the tests of importing share: files to import, managers to import into, and how a refusal looks.

use std::path::Path;

use crate::common::damage::{self, Image, Place};
use crate::common::stellar_core::StellarCore;
use crate::common::{self, START, TestClock};
use peer_manager::{Durability, Error, OnCorrupt, Options, PeerManager, PeerRecord};

pub(crate) fn in_memory() -> PeerManager {
    TestClock::at(START).in_memory(1)
}

pub(crate) fn options(path: &Path, durability: Durability) -> Options {
    let mut options = damage::options(path, OnCorrupt::Fail);
    options.durability = durability;
    options
}

/// A file with these peers, which no manager has open.
pub(crate) fn source(records: &[PeerRecord]) -> Place {
    let place = Place::new(&Image::default());
    place.open(OnCorrupt::Fail).unwrap().store_many(records).unwrap();
    place
}

/// A file of stellar-core's with these.
pub(crate) fn core_source(records: &[PeerRecord]) -> Place {
    let place = Place::new(&Image::default());
    let core = StellarCore::new_db(&place.path());
    for record in records {
        core.store(record, false);
    }
    place
}

/// A refusal that changes nothing.
pub(crate) fn refused(manager: &PeerManager, path: impl AsRef<Path>) -> Error {
    let before = common::peers(manager);
    let error = manager.import(path).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    assert_eq!(common::peers(manager), before);
    manager.check_invariants().unwrap();
    error
}
