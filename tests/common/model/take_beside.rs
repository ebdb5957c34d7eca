//! What the model says of the steps that are about what is kept beside the records.

use super::beside::{StepBeside, SubjectBeside, TableBeside};
use super::reference::{Reference, key};
use super::rows::RowsBeside;
use super::steps::{Peer, Refusal, Step};
use peer_manager::{DATA_CAPACITY, History, PeerAddress, StoredPeerType};

impl Reference {
    pub(super) fn take_beside<P: Peer>(
        &mut self,
        step: &StepBeside<P>,
        subject: &impl SubjectBeside<P>,
        now: i64,
    ) {
        match step {
            StepBeside::Ban(banned, until) => {
                let called = subject.ban(&banned.text(), *until);
                if !self.beside.ban(*banned, *until, now) {
                    assert_eq!(called, Err(Refusal::Argument));
                    return;
                }
                // Other bans may have peers that came before the clock stepped back. These stay.
                assert_eq!(called, Ok(self.remove_all(|address| banned.has(address))));
            }
            StepBeside::Unban(banned) => {
                let called = subject.unban(&banned.text());
                let was_there = self.beside.unban(*banned, now);
                assert_eq!(called, if was_there { Ok(()) } else { Err(Refusal::NotFound) });
            }
            StepBeside::IsBanned(peer) => {
                assert_eq!(subject.is_banned(*peer), self.beside.is_banned(&peer.address(), now));
            }
            StepBeside::SetData(peer, data) => {
                let called = subject.set_data(*peer, data);
                if data.len() > DATA_CAPACITY {
                    assert_eq!(called, Err(Refusal::Argument));
                } else if self.load(&peer.address()).is_none() {
                    assert_eq!(called, Err(Refusal::NotFound));
                } else {
                    assert_eq!(called, Ok(()));
                    self.beside.data.remove(&key(&peer.address()));
                    if !data.is_empty() {
                        self.beside.data.insert(key(&peer.address()), data.clone());
                    }
                }
                let kept = self.load(&peer.address()).map(|record| self.data(&record.address));
                assert_eq!(subject.data(*peer), kept.ok_or(Refusal::NotFound));
            }
            StepBeside::LoadHistory(peer) => {
                assert_eq!(subject.load_history(*peer), self.beside.history(&peer.address()));
            }
            StepBeside::RemoveHost(peer) => {
                let host = peer.address().host().clone();
                let removed = subject.remove_host(*peer);
                assert_eq!(removed, self.remove_all(|address| *address.host() == host));
            }
            StepBeside::RemovePeersNotHeardSince(since) => {
                let inbound: Vec<_> = self
                    .get_all_peers()
                    .filter(|record| record.peer_type == StoredPeerType::Inbound)
                    .filter(|record| self.beside.is_forgotten(&record.address, *since))
                    .map(|record| record.address.clone())
                    .collect();
                let removed = subject.remove_peers_not_heard_since(*since);
                assert_eq!(removed, self.remove_all(|address| inbound.contains(address)));
            }
        }
    }

    /// Removes some of the peers.
    fn remove_all(&mut self, is_removed: impl Fn(&PeerAddress) -> bool) -> usize {
        let addresses = self.get_all_peers().map(|record| record.address.clone());
        let removed: Vec<_> = addresses.filter(is_removed).collect();
        removed.iter().filter(|address| self.remove(address)).count()
    }

    /// Removes the peers of a file that are banned; returns how many there were.
    pub(super) fn remove_banned(&mut self, now: i64) -> usize {
        let addresses = self.get_all_peers().map(|record| record.address.clone());
        let banned: Vec<_> = addresses.filter(|address| self.beside.is_banned(address, now)).collect();
        banned.iter().filter(|address| self.remove(address)).count()
    }

    /// What a step leaves in the histories, and what goes with peers that are gone.
    pub(super) fn note<P: Peer>(&mut self, step: &Step<P>, now: i64) {
        self.follow_beside(now);
        match step {
            Step::EnsureExists(peer) => self.beside.hear(&peer.address(), now),
            Step::EnsureExistsMany(peers) => {
                for peer in peers {
                    self.beside.hear(&peer.address(), now);
                }
            }
            Step::UpdateBackoff(peer, backoff) | Step::Update(peer, .., backoff) => {
                self.beside.try_peer(&peer.address(), *backoff, now);
            }
            _ => {}
        }
    }

    fn data(&self, address: &PeerAddress) -> Vec<u8> {
        self.beside.data.get(&key(address)).cloned().unwrap_or_default()
    }

    /// What is kept of each peer is as here, and so is the list of bans.
    pub(crate) fn compare_beside<P: Peer>(&self, subject: &impl SubjectBeside<P>, now: i64) {
        let of_peer = |address: &PeerAddress| (self.beside.history(address), self.data(address));
        let expected: TableBeside =
            self.get_all_peers().map(|record| (record.address.clone(), of_peer(&record.address))).collect();
        assert_eq!(subject.table_beside(), expected);
        assert_eq!(subject.bans(), self.beside.lasting(now));
    }

    /// The rows of the side tables and of the bans, in the form of the tests.
    pub(crate) fn rows_beside(&self) -> RowsBeside {
        let key = |(host, port): &(String, u16)| (host.clone(), i64::from(*port));
        let histories = self.beside.histories.iter().flatten().map(|(of, history)| {
            let History { first_heard, last_heard, first_reached, last_reached, last_attempt } = *history;
            (key(of), [first_heard, last_heard, first_reached, last_reached, last_attempt])
        });
        RowsBeside {
            histories: histories.collect(),
            data: self.beside.data.iter().map(|(of, data)| (key(of), data.clone())).collect(),
            bans: self.beside.ban_rows(),
        }
    }
}
