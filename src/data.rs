//! Bytes of the application that go with a peer.

/// The most bytes of [data](crate::PeerManager::set_data) that a peer can have.
pub const DATA_CAPACITY: usize = 255;
