//! The manager as C holds it.

use std::sync::atomic::AtomicBool;

use crate::manager::PeerManager;

/// A table of peers, opaque: made by peer_manager_open and the like, freed by peer_manager_free.
pub struct peer_manager {
    pub(super) manager: PeerManager,
    /// Whether a panic was caught in it.
    pub(super) is_broken: AtomicBool,
}

impl peer_manager {
    pub(super) fn new(manager: PeerManager) -> Self {
        Self { manager, is_broken: AtomicBool::new(false) }
    }
}
