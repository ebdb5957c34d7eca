//! Whether an answer is one that the rules allow: who is in it, how many, and in what order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::netgroup::Policy;
use peer_manager::PeerAddress;

/// Less likely than this is wrong. An answer has some ten places, and a run some hundred thousand answers.
const UNBELIEVABLE: f64 = 1e-13;

/// How peers are drawn.
pub(crate) struct Rules<'a> {
    pub(crate) policy: Policy,
    /// 0: each peer is equally likely. Else a netgroup is drawn first, and gives at most this many.
    pub(crate) max_per_netgroup: u32,
    /// How many draws compete for each place; 0 is one.
    pub(crate) seniority: u32,
    /// All peers of the table, the most senior first, if that is known.
    pub(crate) order: Option<&'a [PeerAddress]>,
}

/// How many peers of each netgroup are in an answer.
pub(crate) type Given = HashMap<String, usize>;

/// A peer that may be drawn.
struct Candidate<'a> {
    peer: &'a PeerAddress,
    netgroup: String,
    /// How many peers are more senior.
    position: usize,
}

pub(crate) fn assert_distinct(answer: &[PeerAddress]) {
    let distinct: BTreeSet<_> = answer.iter().collect();
    assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice: {answer:?}");
}

impl Rules<'_> {
    /// An answer is legal: distinct, eligible, no more of a netgroup than it may give, and each class in turn gives as many as
    /// are still wanted.
    pub(crate) fn check(&self, answer: &[PeerAddress], classes: &[BTreeSet<PeerAddress>], size: usize) {
        assert_distinct(answer);
        let (mut given, mut rest) = (Given::new(), answer);
        for candidates in classes {
            let wanted = size - (answer.len() - rest.len());
            let count = self.check_class(rest, candidates, wanted, &mut given);
            rest = &rest[count..];
        }
        assert!(rest.is_empty(), "peers that are not to be chosen: {rest:?}");
    }

    /// Checks the beginning of an answer, which comes from these candidates, and returns how long it has to be: as long as
    /// is wanted, or as the rules allow.
    pub(crate) fn check_class(
        &self,
        answer: &[PeerAddress],
        candidates: &BTreeSet<PeerAddress>,
        wanted: usize,
        given: &mut Given,
    ) -> usize {
        let mut left = self.look_at(candidates);
        let expected = wanted.min(self.most(&left, given));
        assert!(answer.len() >= expected, "not as many as there are, {expected}: {answer:?}");
        for peer in &answer[..expected] {
            let place = left.iter().position(|candidate| candidate.peer == peer);
            let place = place.unwrap_or_else(|| panic!("{peer} is not among {candidates:?}"));
            self.check_seniority(&left[place], &left, given);
            let netgroup = left.swap_remove(place).netgroup;
            assert!(self.room_in(&netgroup, given) > 0, "too many of a netgroup: {answer:?}");
            *given.entry(netgroup).or_default() += 1;
        }
        expected
    }

    fn look_at<'a>(&self, candidates: &'a BTreeSet<PeerAddress>) -> Vec<Candidate<'a>> {
        let positions: HashMap<_, _> = self.order.unwrap_or_default().iter().zip(0..).collect();
        let position = |peer| self.order.map_or(0, |_| positions[peer]);
        let candidate =
            |peer| Candidate { peer, netgroup: self.policy.netgroup(peer), position: position(peer) };
        candidates.iter().map(candidate).collect()
    }

    /// How many more a netgroup may give.
    fn room_in(&self, netgroup: &str, given: &Given) -> usize {
        match self.max_per_netgroup {
            0 => usize::MAX,
            most => (most as usize).saturating_sub(given.get(netgroup).copied().unwrap_or(0)),
        }
    }

    /// How many of these an answer may have.
    fn most(&self, candidates: &[Candidate<'_>], given: &Given) -> usize {
        let there = by_netgroup(candidates);
        there.into_iter().map(|(netgroup, count)| count.min(self.room_in(netgroup, given))).sum()
    }

    /// It must not be unbelievable that of all draws for a place none was more senior than the peer that got it.
    fn check_seniority(&self, chosen: &Candidate<'_>, left: &[Candidate<'_>], given: &Given) {
        if self.seniority < 2 || self.order.is_none() {
            return;
        }
        let mut there = by_netgroup(left);
        there.retain(|netgroup, _| self.room_in(netgroup, given) > 0);
        let chance_of = |candidate: &&Candidate<'_>| match there.get(&*candidate.netgroup) {
            _ if self.max_per_netgroup == 0 => 1.0 / as_f64(left.len()),
            Some(&peers) => 1.0 / as_f64(there.len()) / as_f64(peers),
            None => 0.0,
        };
        let no_seniors = left.iter().filter(|other| other.position >= chosen.position);
        let chance: f64 = no_seniors.map(|candidate| chance_of(&candidate)).sum();
        let chance = chance.powf(f64::from(self.seniority));
        assert!(
            chance > UNBELIEVABLE,
            "{} got a place against {} draws, a chance of {chance}, in the order {:?}",
            chosen.peer,
            self.seniority,
            self.order
        );
    }
}

fn by_netgroup<'a>(candidates: &'a [Candidate<'_>]) -> BTreeMap<&'a str, usize> {
    let mut there = BTreeMap::new();
    for candidate in candidates {
        *there.entry(&*candidate.netgroup).or_default() += 1;
    }
    there
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("tables are small"))
}
