//! The manager as C holds it.

use std::sync::atomic::AtomicBool;

use crate::manager::PeerManager;

/// A table of peers. Opaque: made by peer_manager_open and the like, freed by peer_manager_free. It may be used from
/// any number of threads at once; only peer_manager_free must come last and alone. Since 0.1.0.
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
