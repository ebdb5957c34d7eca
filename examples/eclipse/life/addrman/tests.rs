//! The model behaves as addrman is published to.

use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

const NOW: i64 = 28_000_000;
const SOURCE: (Id, u32) = (1_000_000, 70_000);

fn heard(id: Id) -> Heard {
    Heard { id, seen: NOW }
}

fn table() -> AddrMan {
    AddrMan::new(7)
}

fn add(table: &mut AddrMan, id: Id, network: u32) {
    table.add(heard(id), network, SOURCE, 0, NOW);
}

/// Two addresses of a network that want the same place in the tried table.
fn rivals(table: &AddrMan) -> (Id, Id) {
    let slot = table.places.tried_slot(0, 1);
    let other = (1..1 << 20).find(|&id| table.places.tried_slot(id, 1) == slot);
    (0, other.expect("one in 512 does"))
}

/// Everything that is counted twice agrees.
fn check(table: &AddrMan) {
    let known = || (0..).zip(&table.entries).filter_map(|(id, entry)| Some((id, entry.as_ref()?)));
    assert_eq!(known().filter(|(_, entry)| !entry.is_tried).count(), table.new_count);
    assert_eq!(known().filter(|(_, entry)| entry.is_tried).count(), table.tried_count);
    for (id, entry) in known() {
        let references = table.places.references(id);
        assert_eq!(references, entry.references as usize, "{id}: {entry:?}");
        assert_eq!(references == 0, entry.is_tried, "{id}: {entry:?}");
        assert!(entry.references <= MAX_REFERENCES);
        let is_there = table.places.tried_at(table.places.tried_slot(id, entry.network)) == Some(id);
        assert_eq!(is_there, entry.is_tried, "{id}: {entry:?}");
    }
}

#[test]
fn a_network_of_sources_fills_64_of_1024_buckets() {
    let mut table = table();
    for id in 0..40_000 {
        add(&mut table, id, id % 2_000);
    }
    check(&table);
    // Some of the 64 may be the same bucket: 62 on average.
    let (new, _) = table.counts();
    assert!((55 * 64..=64 * 64).contains(&new), "{new}");
    // Another source has buckets of its own.
    for id in 40_000..80_000 {
        table.add(heard(id), id % 2_000, (SOURCE.0 + 1, SOURCE.1 + 1), 0, NOW);
    }
    let (more, _) = table.counts();
    assert!(more > new + 50 * 64, "{more} after {new}");
}

#[test]
fn a_network_told_by_one_source_is_in_one_bucket() {
    let mut table = table();
    (0..1_000).for_each(|id| add(&mut table, id, 1));
    assert_eq!(table.counts().0, 64);
    check(&table);
}

#[test]
fn a_network_fills_8_of_256_tried_buckets() {
    let mut table = table();
    for id in 0..20_000 {
        table.add(heard(id), 1, (SOURCE.0 + id, SOURCE.1 + id % 5_000), 0, NOW);
        table.good(id, NOW);
    }
    check(&table);
    let (_, tried) = table.counts();
    assert!((5 * 64..=8 * 64).contains(&tried), "{tried}");
}

#[test]
fn an_address_has_up_to_eight_references_each_harder_to_get() {
    let mut table = table();
    let mut references = Vec::new();
    for round in 0..100_000_u32 {
        // News each time, from another source.
        let seen = NOW + i64::from(round);
        table.add(Heard { id: 0, seen }, 1, (SOURCE.0, round % 9_000), 0, seen);
        references.push(table.get(0).expect("it was added").references);
    }
    check(&table);
    assert_eq!(*references.last().expect("there are many"), MAX_REFERENCES);
    let until = |count| references.iter().take_while(|&&references| references < count).count();
    assert!(until(2) < 40 && until(8) > 100, "{} and {}", until(2), until(8));
}

#[test]
fn what_is_reached_is_tried_and_leaves_the_new_table() {
    let mut table = table();
    add(&mut table, 0, 1);
    assert_eq!(table.counts(), (1, 0));
    table.good(0, NOW);
    assert_eq!(table.counts(), (0, 1));
    check(&table);
    // Gossip about it does not bring it back.
    table.add(Heard { id: 0, seen: NOW + 5_000 }, 1, (SOURCE.0, 9), 0, NOW + 5_000);
    assert_eq!(table.counts(), (0, 1));
    // This one has never been heard of.
    table.good(1, NOW);
    assert_eq!(table.counts(), (0, 1));
}

#[test]
fn a_tried_address_is_tested_before_it_is_evicted() {
    let mut table = table();
    let (holder, rival) = rivals(&table);
    for id in [holder, rival] {
        add(&mut table, id, 1);
        table.good(id, NOW);
    }
    assert_eq!(table.counts(), (1, 1));
    assert_eq!(table.select_collision(), Some(holder));
    // It answered not long ago, so it stays.
    table.resolve_collisions(NOW + 1);
    assert_eq!((table.get(holder).map(|entry| entry.is_tried), table.select_collision()), (Some(true), None));

    // Five hours later it has to prove itself, and answers.
    let later = NOW + 5 * 60;
    table.good(rival, later);
    assert_eq!(table.select_collision(), Some(holder));
    table.resolve_collisions(later + 1);
    table.good(holder, later + 2);
    table.resolve_collisions(later + 3);
    assert_eq!((table.get(holder).map(|entry| entry.is_tried), table.select_collision()), (Some(true), None));

    // Another five hours later it does not.
    let later = later + 5 * 60;
    table.good(rival, later);
    table.attempt(holder, true, later + 1);
    table.resolve_collisions(later + 2);
    assert_eq!(table.select_collision(), Some(holder), "a dial takes a minute");
    table.resolve_collisions(later + 3);
    assert_eq!(table.get(rival).map(|entry| entry.is_tried), Some(true));
    assert_eq!(table.get(holder).map(|entry| entry.is_tried), Some(false));
    check(&table);

    // An address that cannot be tested in time loses its place.
    let later = later + 5 * 60;
    table.good(holder, later);
    table.resolve_collisions(later + TEST_WINDOW);
    assert_eq!(table.get(rival).map(|entry| entry.is_tried), Some(true));
    table.resolve_collisions(later + TEST_WINDOW + 1);
    assert_eq!(table.get(holder).map(|entry| entry.is_tried), Some(true));
    check(&table);
}

#[test]
fn only_ten_wait_for_a_place() {
    let mut table = table();
    for id in 0..20_000 {
        table.add(heard(id), id % 2_000, (SOURCE.0, id), 0, NOW);
        table.good(id, NOW);
    }
    assert_eq!(table.collisions.len(), MAX_COLLISIONS);
}

#[test]
fn a_useless_address_makes_room_and_no_other_does() {
    let mut table = table();
    add(&mut table, 0, 1);
    let slot = table.places.new_slot(0, 1, SOURCE.1);
    let rival =
        (1..1 << 20).find(|&id| table.places.new_slot(id, 1, SOURCE.1) == slot).expect("one in 64 does");
    add(&mut table, rival, 1);
    assert!(table.get(0).is_some() && table.get(rival).is_none());
    for failure in 0..3 {
        // Each failure follows a success of another address.
        table.good(999_999, NOW + 2 * failure);
        table.attempt(0, true, NOW + 1 + 2 * failure);
    }
    // Tried just now: not yet.
    table.add(heard(rival), 1, SOURCE, 0, NOW + 6);
    assert!(table.get(rival).is_none());
    table.add(heard(rival), 1, SOURCE, 0, NOW + 7);
    assert!(table.get(0).is_none() && table.get(rival).is_some());
    check(&table);
}

#[test]
fn what_makes_an_address_useless() {
    let entry = Entry {
        network: 1,
        source: 1,
        seen: NOW,
        last_try: NOW - 100,
        last_success: NEVER,
        last_counted: NEVER,
        attempts: 0,
        references: 1,
        is_tried: false,
    };
    let is_terrible = |entry: Entry| entry.is_terrible(NOW);
    assert!(!is_terrible(entry));
    assert!(is_terrible(Entry { seen: NOW + 11, ..entry }));
    assert!(!is_terrible(Entry { seen: NOW - HORIZON, ..entry }));
    assert!(is_terrible(Entry { seen: NOW - HORIZON - 1, ..entry }));
    assert!(!is_terrible(Entry { seen: NOW - HORIZON - 1, last_try: NOW - 1, ..entry }));
    assert!(!is_terrible(Entry { attempts: 2, ..entry }));
    assert!(is_terrible(Entry { attempts: 3, ..entry }));
    let reached = Entry { attempts: 10, last_success: NOW - MIN_FAIL, ..entry };
    assert!(!is_terrible(reached));
    assert!(is_terrible(Entry { last_success: NOW - MIN_FAIL - 1, ..reached }));
    assert!(!is_terrible(Entry { last_success: NOW - MIN_FAIL - 1, attempts: 9, ..reached }));
}

#[test]
fn a_failure_counts_once_between_two_successes() {
    let mut table = table();
    add(&mut table, 0, 1);
    add(&mut table, 1, 2);
    let attempts = |table: &AddrMan| table.get(0).map(|entry| entry.attempts);
    table.good(1, NOW);
    table.attempt(0, true, NOW + 1);
    table.attempt(0, true, NOW + 2);
    assert_eq!(attempts(&table), Some(1));
    table.good(1, NOW + 3);
    table.attempt(0, false, NOW + 4);
    assert_eq!(attempts(&table), Some(1));
    table.attempt(0, true, NOW + 5);
    assert_eq!(attempts(&table), Some(2));
    table.good(0, NOW + 6);
    assert_eq!(attempts(&table), Some(0));
}

#[test]
fn gossip_is_taken_to_be_older_than_it_says_unless_it_is_about_the_sender() {
    let mut table = table();
    let seen = |table: &AddrMan| table.get(0).map(|entry| entry.seen);
    table.add(heard(0), 1, SOURCE, PENALTY, NOW);
    assert_eq!(seen(&table), Some(NOW - PENALTY));
    // Renewed once it is an hour newer, after the penalty.
    table.add(Heard { id: 0, seen: NOW + 60 }, 1, SOURCE, PENALTY, NOW + 60);
    assert_eq!(seen(&table), Some(NOW - PENALTY));
    table.add(Heard { id: 0, seen: NOW + 61 }, 1, SOURCE, PENALTY, NOW + 61);
    assert_eq!(seen(&table), Some(NOW + 61 - PENALTY));
    table.add(Heard { id: 0, seen: NOW + 200 }, 1, (0, 1), PENALTY, NOW + 200);
    assert_eq!(seen(&table), Some(NOW + 200));
}

#[test]
fn failures_and_a_dial_just_now_leave_less_of_a_chance() {
    let mut table = table();
    add(&mut table, 0, 1);
    let entry = *table.get(0).expect("it was added");
    let is = |entry: Entry, chance: f64| (entry.chance(NOW) - chance).abs() < 1e-12;
    assert!(is(entry, 1.0));
    assert!(is(Entry { attempts: 1, ..entry }, 0.66));
    assert!(is(Entry { attempts: 8, ..entry }, 0.66_f64.powi(8)));
    assert!(is(Entry { attempts: 50, ..entry }, 0.66_f64.powi(8)));
    assert!(is(Entry { last_try: NOW - 9, ..entry }, 0.01));
    assert!(is(Entry { last_try: NOW - 10, ..entry }, 1.0));
}

#[test]
fn a_coin_decides_between_the_tables() {
    let mut table = table();
    for id in 0..1_000 {
        add(&mut table, id, id);
    }
    table.good(0, NOW);
    let later = NOW + 60;
    let tried = (0..2_000).filter(|_| table.select(false, later) == Some(0)).count();
    // Four and a half standard deviations.
    assert!((900..=1_100).contains(&tried), "{tried}");
    assert!((0..2_000).all(|_| table.select(true, later) != Some(0)));
    let (new, tried) = table.counts();
    assert!(new > 800 && tried == 1);
}

#[test]
fn an_empty_table_has_no_peer_to_dial() {
    let mut table = table();
    assert_eq!((table.select(false, NOW), table.select(true, NOW)), (None, None));
    assert_eq!(table.select_collision(), None);
    add(&mut table, 0, 1);
    table.good(0, NOW);
    assert_eq!((table.select(false, NOW + 60), table.select(true, NOW + 60)), (Some(0), None));
}

#[test]
fn whatever_happens_the_counts_and_places_agree() {
    let seed = crate::life::tests::random_seed();
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut table = AddrMan::new(seed);
    let mut now = NOW;
    // Few networks and sources, so that places are wanted by many.
    for step in 0..200_000 {
        let id = rng.random_range(0..6_000);
        match rng.random_range(0..10) {
            0..6 => {
                let age = rng.random_range(0..40 * 24 * 60);
                table.add(
                    Heard { id, seen: now - age },
                    id % 7,
                    (rng.random_range(0..6_000), id % 5),
                    PENALTY,
                    now,
                );
            }
            6 | 7 => table.good(id, now),
            8 => table.attempt(id, rng.random(), now),
            _ => {
                now += rng.random_range(0..100);
                table.resolve_collisions(now);
                if let Some(id) = table.select(rng.random(), now) {
                    assert!(table.get(id).is_some());
                }
                table.hung_up(id, now);
            }
        }
        if step % 5_000 == 0 {
            check(&table);
        }
    }
    check(&table);
    let (new, tried) = table.counts();
    assert!(new > 100 && tried > 100, "{new} and {tried}");
}
