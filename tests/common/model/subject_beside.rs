//! A manager of the Rust API as the [`SubjectBeside`] of a history.

use peer_manager::{Error, History, PeerManager};

use super::beside::{BanList, SubjectBeside, TableBeside};
use super::steps::{Called, Peer};
use super::subject::called;

impl<P: Peer> SubjectBeside<P> for PeerManager {
    fn ban(&self, subject: &str, until: i64) -> Called<usize> {
        called(self.ban(&subject.parse().unwrap(), until), None)
    }

    fn unban(&self, subject: &str) -> Called {
        called(self.unban(&subject.parse().unwrap()), None)
    }

    fn is_banned(&self, peer: P) -> bool {
        self.is_banned(&peer.address()).unwrap()
    }

    fn bans(&self) -> BanList {
        self.get_bans().unwrap().into_iter().map(|ban| (ban.subject.to_string(), ban.until)).collect()
    }

    fn set_data(&self, peer: P, data: &[u8]) -> Called {
        called(self.set_data(&peer.address(), data), Some(&peer.address()))
    }

    fn data(&self, peer: P) -> Called<Vec<u8>> {
        called(self.data(&peer.address()), Some(&peer.address()))
    }

    fn remove_host(&self, peer: P) -> usize {
        self.remove_host(peer.address().host()).unwrap()
    }

    fn load_history(&self, peer: P) -> Option<History> {
        self.load_history(&peer.address()).unwrap_or_else(|error| {
            assert!(matches!(error, Error::Unsupported(_)), "{error}");
            None
        })
    }

    fn remove_peers_not_heard_since(&self, since: i64) -> usize {
        self.remove_peers_not_heard_since(since).unwrap()
    }

    fn table_beside(&self) -> TableBeside {
        let snapshot = self.get_all_peers().unwrap();
        let kept = |n| (snapshot.get(n).unwrap().address, (snapshot.history(n), snapshot.data(n).to_vec()));
        (0..snapshot.len()).map(kept).collect()
    }
}
