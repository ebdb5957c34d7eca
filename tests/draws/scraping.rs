//! What a scraper learns in a day of asking, with the shared choice and without.

use crate::common::{self, START, TestClock, ipv4, mixed};
use peer_manager::{Host, PeerAddress, PeerManager, PeerQuery};

const PEERS: u32 = 20_000;

/// As Bitcoin's nodes answer.
const SIZE: usize = 1_000;
const PERCENT: u32 = 23;
const DAY: i64 = 86_400;

/// The scraper has an address for each query.
const INTERVAL: usize = 30;

/// So many peers leave and come at each query.
const CHURN: u32 = 3;

/// What it has learned, by the peer's number.
struct Learned(Vec<bool>);

impl Learned {
    fn note(&mut self, peer: &PeerAddress) {
        let Host::V4(ip) = peer.host() else { panic!("there is no such peer: {peer}") };
        self.0[(ip.to_bits() & 0xff_ffff) as usize] = true;
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|&is_known| u32::from(is_known)).sum()
    }
}

/// Asks for a day from many addresses; says how many peers are known then, of those that were there at any time.
fn scrape(share_cache_seconds: u32, share_max_percent: u32) -> u32 {
    let clock = TestClock::at(START);
    let mut options = clock.options(common::test_seed());
    options.share_cache_seconds = share_cache_seconds;
    options.share_max_percent = share_max_percent;
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists_many(&(0..PEERS).map(ipv4).collect::<Vec<_>>()).unwrap();
    let mut learned = Learned(vec![false; 2 * PEERS as usize]);
    for (n, now) in (0..).zip((START..START + DAY).step_by(INTERVAL)) {
        clock.set(now);
        // What leaves the choice with them makes its answers shorter, and it grows.
        for peer in n * CHURN..(n + 1) * CHURN {
            manager.remove(&ipv4(peer)).unwrap();
            manager.ensure_exists(&ipv4(PEERS + peer)).unwrap();
        }
        // Most of its addresses are not known; some are.
        let asker = if n % 5 == 0 { ipv4(PEERS + n) } else { mixed(2 * PEERS + n) };
        let answer = manager.get_peers_to_send(&PeerQuery::everything(), Some(&asker), SIZE).unwrap();
        assert!(answer.len() <= SIZE && !answer.contains(&asker));
        for peer in &answer {
            learned.note(peer);
        }
    }
    learned.count()
}

#[test]
fn in_a_day_a_scraper_learns_all_without_the_shared_choice_and_at_most_its_share_with_it() {
    let (without, with) = (scrape(0, 0), scrape(86_400, PERCENT));
    let there = PEERS + CHURN * u32::try_from((0..DAY).step_by(INTERVAL).count()).unwrap();
    println!(
        "a day of asking for {SIZE} of {there} peers every {INTERVAL} s: {without} learned without, {with} with"
    );
    assert!(without > there / 100 * 97, "{without}");
    assert!(with <= PEERS / 100 * PERCENT, "{with}");
    assert!(with as usize > SIZE, "it is told something");
}

#[test]
fn shorter_choices_tell_more_for_there_are_more_of_them() {
    let by_hours = [6_u32, 1].map(|hours| scrape(hours * 3_600, PERCENT));
    println!("learned in a day with choices of 6 hours and of 1: {by_hours:?}");
    assert!(by_hours[0] < by_hours[1], "{by_hours:?}");
}
