//! What the models say of each step: the call is made, its answer is compared, and what was drawn is taken over.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use peer_manager::{PeerAddress, PeerQuery, PeerRecord, StoredPeerType};

use super::beside::SubjectBeside;
use super::bounded::{Admitted, Bounded, Known};
use super::netgroup::Policy;
use super::reference::Reference;
use super::steps::{Called, Counts, Peer, Query, Refusal, Step, Subject, record};

impl Reference {
    /// Takes a step together with a manager that is to be the specification's.
    pub(crate) fn take<P: Peer>(
        &mut self,
        step: &Step<P>,
        subject: &(impl Subject<P> + SubjectBeside<P>),
        now: i64,
    ) {
        if let Step::Beside(step) = step {
            self.take_beside(step, subject, now);
        } else {
            self.take_call(step, subject, now);
        }
        self.note(step, now);
    }

    fn take_call<P: Peer>(&mut self, step: &Step<P>, subject: &impl Subject<P>, now: i64) {
        match step {
            Step::EnsureExists(peer) => {
                let called = subject.ensure_exists(*peer);
                if self.refuses(&peer.address(), now) {
                    assert_eq!(called, Err(Refusal::Refused));
                } else {
                    let is_new = self.ensure_exists(&peer.address(), now);
                    assert_eq!(called.expect("there is room").unwrap_or(is_new), is_new);
                }
            }
            Step::EnsureExistsMany(peers) => {
                let addresses = peers.iter().map(|peer| peer.address());
                let new = addresses
                    .filter(|address| !self.refuses(address, now) && self.ensure_exists(address, now));
                let new = new.count();
                assert_eq!(subject.ensure_exists_many(peers), new);
            }
            Step::Load(peer) => assert_eq!(subject.load(*peer).as_ref(), self.load(&peer.address())),
            Step::Store(peer, values) => {
                let called = subject.store(*peer, *values);
                if self.refuses_record(&peer.address(), now) {
                    assert_eq!(called, Err(Refusal::Refused));
                } else {
                    assert_eq!(called, Ok(()));
                    self.store(&record(*peer, *values));
                }
            }
            Step::StoreMany(peers) => {
                subject.store_many(peers);
                for &(peer, values) in peers {
                    if !self.refuses_record(&peer.address(), now) {
                        self.store(&record(peer, values));
                    }
                }
            }
            Step::UpdateType(peer, ..) | Step::UpdateBackoff(peer, _) | Step::Update(peer, ..) => {
                let called = update(step, subject);
                if self.refuses_update(&peer.address(), now) {
                    assert_eq!(called, Err(Refusal::Refused));
                    return;
                }
                assert_eq!(called, Ok(()));
                let (mut expected, next_attempts) = self.updated(step, now);
                adopt(&mut expected, &next_attempts, subject.load(*peer).as_ref());
                self.store(&expected);
                if let Step::UpdateBackoff(_, backoff) | Step::Update(.., backoff) = step {
                    self.count_forgiven(*backoff);
                }
            }
            Step::Remove(peer) => assert_eq!(subject.remove(*peer), found(self.remove(&peer.address()))),
            Step::RemovePeersWithManyFailures(min) => {
                let removed = subject.remove_peers_with_many_failures(*min);
                assert_eq!(removed, self.remove_peers_with_many_failures(*min));
            }
            Step::LimitNextAttempt(latest) => {
                assert_eq!(subject.limit_next_attempt(*latest), self.limit_next_attempt(*latest));
            }
            Step::ClearAll => {
                subject.clear_all();
                self.clear_all();
            }
            Step::LoadRandomPeers(..) | Step::GetPeersToSend(..) | Step::NextToDial(..) | Step::NextDue => {
                self.ask(step, subject, now);
            }
            Step::SetOnline(is_online) => {
                subject.set_online(*is_online);
                self.set_online(*is_online);
            }
            Step::SetOwnAddresses(own) => {
                subject.set_own_addresses(own);
                self.set_own_addresses(own.iter().map(|peer| peer.address()));
            }
            Step::GetStats => {
                let counts = counts(self.policy(), self.get_all_peers(), now);
                let (refused_peers, forgiven_failures) = (self.refused(), self.forgiven());
                let bans = self.bans(now);
                assert_eq!(subject.counts(), Counts { refused_peers, bans, forgiven_failures, ..counts });
            }
            Step::Flush => subject.flush(),
            Step::Beside(_) => unreachable!("it is taken elsewhere"),
        }
    }

    /// Asks for peers; the answer must be one that the specification may give.
    fn ask<P: Peer>(&self, step: &Step<P>, subject: &impl Subject<P>, now: i64) {
        match step {
            Step::LoadRandomPeers(query, size) => {
                let answer = subject.load_random_peers(query, *size);
                let candidates = self.candidates(&query.in_rust(&query.excluded()), now);
                self.rules(query.max_per_netgroup, query.seniority).check(&answer, &[candidates], *size);
            }
            Step::GetPeersToSend(query, asking, size) => {
                let answer = subject.get_peers_to_send(query.as_ref(), *asking, *size);
                let classes = self.classes_to_send(query.as_ref(), *asking, now);
                let (most, seniority) =
                    query.as_ref().map_or((0, 0), |query| (query.max_per_netgroup, query.seniority));
                self.rules(most, seniority).check(&answer, &classes, *size);
            }
            Step::NextToDial(purpose, busy, size) => {
                let answer = subject.next_to_dial(*purpose, busy, *size);
                let busy: Vec<_> = busy.iter().map(|peer| peer.address()).collect();
                self.check_dialled(&answer, *purpose, &busy, *size, now);
            }
            Step::NextDue => {
                let waiting = self.get_all_peers().map(|record| record.next_attempt).filter(|&at| at > now);
                assert_eq!(subject.next_due(), waiting.min());
            }
            _ => unreachable!("only queries come here"),
        }
    }

    /// The candidates of `get_peers_to_send`, best class first.
    pub(crate) fn classes_to_send<P: Peer>(
        &self,
        query: Option<&Query<P>>,
        asking: Option<P>,
        now: i64,
    ) -> [BTreeSet<PeerAddress>; 3] {
        let exclude = query.map_or(Vec::new(), Query::excluded);
        let query = query.map_or(PeerQuery::everything(), |query| query.in_rust(&exclude));
        self.candidates_to_send(&query, asking.map(Peer::address).as_ref(), now)
    }

    /// What an update makes of a peer, and what may be drawn as its next attempt.
    fn updated<P: Peer>(&self, step: &Step<P>, now: i64) -> (PeerRecord, RangeInclusive<i64>) {
        match step {
            Step::UpdateType(peer, observed, is_known) => {
                let updated = self.with_type(&peer.address(), *observed, *is_known != 0, now);
                let next_attempt = updated.next_attempt;
                (updated, next_attempt..=next_attempt)
            }
            Step::UpdateBackoff(peer, backoff) => self.update_backoff(&peer.address(), *backoff, now),
            Step::Update(peer, observed, is_known, backoff) => {
                self.update(&peer.address(), *observed, *is_known != 0, *backoff, now)
            }
            _ => unreachable!("only updates come here"),
        }
    }
}

impl Bounded {
    /// Takes a step together with a manager that has these bounds. `is_deferred` says that it writes later.
    pub(crate) fn take<P: Peer>(
        &mut self,
        step: &Step<P>,
        subject: &impl Subject<P>,
        now: i64,
        is_deferred: bool,
    ) {
        let new = |peer: P| record(peer, (now, 0, StoredPeerType::Inbound));
        match step {
            Step::EnsureExists(peer) => {
                let called = subject.ensure_exists(*peer);
                if self.refuses(&peer.address()) {
                    assert_eq!(called, Err(Refusal::Refused));
                    return;
                }
                let admitted = self.take_in(&[new(*peer)], Known::Stays, &subject.table());
                assert_refused_alone(called.map(drop), admitted);
                let is_new = admitted.new == 1;
                assert_eq!(called.ok().flatten().unwrap_or(is_new), is_new);
            }
            Step::EnsureExistsMany(peers) => {
                let inserted = subject.ensure_exists_many(peers);
                let gossip: Vec<_> =
                    peers.iter().copied().filter(|peer| !self.refuses(&peer.address())).collect();
                let batch: Vec<_> = gossip.into_iter().map(new).collect();
                assert_eq!(inserted, self.take_in(&batch, Known::Stays, &subject.table()).new);
            }
            Step::Load(peer) => assert_eq!(subject.load(*peer).as_ref(), self.table().get(&peer.address())),
            Step::Store(peer, values) => {
                let called = subject.store(*peer, *values);
                self.follow(called, record(*peer, *values), subject);
            }
            Step::StoreMany(peers) => {
                subject.store_many(peers);
                let batch: Vec<_> = peers.iter().map(|&(peer, values)| record(peer, values)).collect();
                self.take_in(&batch, Known::IsReplaced, &subject.table());
            }
            Step::UpdateType(peer, ..) | Step::UpdateBackoff(peer, _) | Step::Update(peer, ..) => {
                let (mut expected, next_attempts) = self.rules_for(*peer).updated(step, now);
                let called = update(step, subject);
                // A peer that is refused is not there.
                if let Some(stored) = subject.load(*peer) {
                    assert!(next_attempts.contains(&stored.next_attempt), "{stored:?}: {next_attempts:?}");
                    expected.next_attempt = stored.next_attempt;
                }
                self.follow(called, expected, subject);
            }
            Step::Remove(peer) => assert_eq!(subject.remove(*peer), found(self.remove(&peer.address()))),
            Step::RemovePeersWithManyFailures(min) => {
                let removed = subject.remove_peers_with_many_failures(*min);
                assert_eq!(removed, self.remove_peers_with_many_failures(*min, is_deferred));
            }
            Step::LimitNextAttempt(latest) => {
                assert_eq!(subject.limit_next_attempt(*latest), self.limit_next_attempt(*latest));
            }
            Step::ClearAll => {
                subject.clear_all();
                self.clear_all();
            }
            Step::LoadRandomPeers(..) | Step::GetPeersToSend(..) | Step::NextToDial(..) | Step::NextDue => {
                self.unbounded().ask(step, subject, now);
            }
            Step::SetOnline(_) | Step::SetOwnAddresses(_) | Step::Beside(_) => {
                unreachable!("no history with bounds has them")
            }
            Step::GetStats => {
                let counts = Counts {
                    refused_peers: self.refused(),
                    ..counts(self.policy(), self.table().values(), now)
                };
                assert_eq!(subject.counts(), counts);
            }
            Step::Flush => subject.flush(),
        }
    }

    /// The specification's rules, knowing all peers of the table.
    pub(crate) fn unbounded(&self) -> Reference {
        Reference::of_unordered(self.table().values()).under(self.policy())
    }

    /// The specification's rules, knowing what is known of one peer.
    fn rules_for(&self, peer: impl Peer) -> Reference {
        Reference::of_unordered(self.table().get(&peer.address()))
    }

    /// A call that stores one peer fails if it is refused, and only then.
    fn follow<P>(&mut self, called: Called, expected: PeerRecord, subject: &impl Subject<P>) {
        assert_refused_alone(called, self.take_in(&[expected], Known::IsReplaced, &subject.table()));
    }
}

fn assert_refused_alone(called: Called, admitted: Admitted) {
    match called {
        Ok(()) => assert_eq!(admitted.refused, 0, "a peer was refused in silence"),
        Err(refusal) => {
            assert_eq!((refusal, admitted), (Refusal::Limit, Admitted { new: 0, refused: 1 }));
        }
    }
}

fn update<P: Peer>(step: &Step<P>, subject: &impl Subject<P>) -> Called {
    match step {
        Step::UpdateType(peer, observed, is_known) => subject.update_type(*peer, *observed, *is_known),
        Step::UpdateBackoff(peer, backoff) => subject.update_backoff(*peer, *backoff),
        Step::Update(peer, observed, is_known, backoff) => {
            subject.update(*peer, *observed, *is_known, *backoff)
        }
        _ => unreachable!("only updates come here"),
    }
}

/// Checks what was drawn against what may be drawn, and takes it over.
fn adopt(expected: &mut PeerRecord, next_attempts: &RangeInclusive<i64>, stored: Option<&PeerRecord>) {
    let stored = stored.expect("it was stored");
    assert!(next_attempts.contains(&stored.next_attempt), "{stored:?}: {next_attempts:?}");
    expected.next_attempt = stored.next_attempt;
    assert_eq!(stored, expected);
}

fn found(was_there: bool) -> Called {
    if was_there { Ok(()) } else { Err(Refusal::NotFound) }
}

/// The counts of a table that no write has failed, with a file that has no other rows.
fn counts<'a>(policy: Policy, table: impl Iterator<Item = &'a PeerRecord>, now: i64) -> Counts {
    let mut counts = Counts::default();
    let mut netgroups = BTreeSet::new();
    for record in table {
        counts.peers += 1;
        match record.peer_type {
            StoredPeerType::Inbound => counts.inbound += 1,
            StoredPeerType::Outbound => counts.outbound += 1,
            StoredPeerType::Preferred => counts.preferred += 1,
        }
        counts.ready += u64::from(record.next_attempt <= now);
        netgroups.insert(policy.netgroup(&record.address));
    }
    counts.netgroups = netgroups.len() as u64;
    counts
}
