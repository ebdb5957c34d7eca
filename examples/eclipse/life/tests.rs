//! The world is the README's, and short lives end as they must.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;

use super::*;
use crate::statistics::Mean;
use report::Cell;
use scenario::{HONEST, HONEST_NETWORKS, SCENARIOS};
use strategies::STRATEGIES;

const NOW: i64 = 28_000_000;

fn scenario(name: &str) -> Scenario {
    SCENARIOS.into_iter().find(|scenario| scenario.name == name).expect("a scenario")
}

fn strategy(name: &str) -> Strategy {
    STRATEGIES.into_iter().find(|(of, _)| *of == name).expect("a strategy").1
}

/// A seed that is printed if the test fails.
pub(super) fn random_seed() -> u64 {
    let seed = std::hash::RandomState::new().hash_one(0);
    println!("seed {seed}");
    seed
}

fn is_near(value: f64, expected: f64, margin: f64) -> bool {
    (value - expected).abs() < margin
}

#[test]
fn each_side_is_spread_evenly_over_networks_of_its_own() {
    let people = People::new(&scenario("10k/500"), NOW, random_seed()).unwrap();
    let mut sizes: HashMap<u32, (usize, usize)> = HashMap::new();
    for id in 0..10_000 {
        let person = people.get(id);
        assert!(person.is_hostile && person.answers);
        sizes.entry(person.network).or_default().0 += 1;
    }
    for &id in people.living() {
        let person = people.get(id);
        assert!(!person.is_hostile && person.answers && person.born <= NOW);
        sizes.entry(person.network).or_default().1 += 1;
    }
    let hostile = sizes.values().filter(|(hostile, _)| *hostile == 20).count();
    let honest = sizes.values().filter(|(_, honest)| (2..=3).contains(honest)).count();
    assert_eq!((hostile, honest, sizes.len()), (500, HONEST_NETWORKS, 500 + HONEST_NETWORKS));
    assert_eq!((people.living().len(), people.dead().len()), (HONEST, HONEST));
    // No two have an address in common, and the /16 of each is its network.
    let all = || (0..).take(20_000);
    let addresses: HashSet<_> = all().map(|id| people.address(id)).collect();
    assert_eq!(addresses.len(), 20_000);
    assert!(all().all(|id| world_network(&people, id) == people.get(id).network));
    assert!(all().all(|id| people.id(people.address(id)) == Some(id)));
}

fn world_network(people: &People, id: Id) -> u32 {
    crate::world::network_of(people.address(id)).map_or(u32::MAX, u32::from)
}

#[test]
fn one_in_240_dies_each_hour_and_is_replaced() {
    let mut people = People::new(&scenario("quiet"), NOW, random_seed()).unwrap();
    let mut before: HashSet<Id> = people.living().iter().copied().collect();
    for hour in 1..=240 {
        people.hour(NOW + hour * HOUR).unwrap();
    }
    assert_eq!((people.living().len(), people.dead().len()), (HONEST, HONEST));
    assert!(people.living().iter().all(|&id| people.get(id).answers));
    assert!(people.dead().iter().all(|&id| !people.get(id).answers && people.get(id).died > NOW - 10 * DAY));
    before.retain(|&id| people.get(id).answers);
    // (239 / 240)^240 of 5,000; four and a half standard deviations.
    let survivors = crate::exact::as_f64(before.len());
    assert!(is_near(survivors, 1_835.6, 155.0), "{survivors}");
    // The living were as old at the start as they are now.
    let age = Mean::of(
        people
            .living()
            .iter()
            .map(|&id| crate::exact::as_f64(usize::try_from(NOW + 10 * DAY - people.get(id).born).unwrap())),
    );
    assert!(is_near(age.value, 240.0 * 60.0, 0.07 * 240.0 * 60.0), "{age}");
}

#[test]
fn gossip_is_half_dead_on_the_honest_side_and_all_hostile_on_the_other() {
    let mut people = People::new(&scenario("10k/500"), NOW, random_seed()).unwrap();
    let mut heard = Vec::new();
    people.honest_gossip(10_000, NOW, &mut heard);
    let living = heard.iter().filter(|heard| people.get(heard.id).answers).count();
    assert!((4_775..=5_225).contains(&living), "{living}");
    for Heard { id, seen } in &heard {
        let person = people.get(*id);
        assert!(!person.is_hostile);
        assert!(if person.answers { NOW - 5 * HOUR < *seen && *seen <= NOW } else { *seen == person.died });
    }
    people.hostile_gossip(10_000, NOW, &mut heard);
    assert!(heard.iter().all(|heard| people.get(heard.id).is_hostile && heard.seen == NOW));
    let different: HashSet<Id> = heard.iter().map(|heard| heard.id).collect();
    assert!((6_100..=6_550).contains(&different.len()), "{}", different.len());
}

#[test]
fn of_trash_little_or_nothing_answers() {
    let people = People::new(&scenario("trash"), NOW, 1).unwrap();
    let answering: Vec<Id> = (0..100_000).filter(|&id| people.get(id).answers).collect();
    let networks: HashSet<u32> = answering.iter().map(|&id| people.get(id).network).collect();
    assert_eq!((answering.len(), networks.len()), (200, 50));
    let people = People::new(&scenario("trash-only"), NOW, 1).unwrap();
    assert!((0..100_000).all(|id| !people.get(id).answers));
}

#[test]
fn with_an_as_map_an_autonomous_system_is_the_network() {
    let people = People::new(&scenario("systems"), NOW, random_seed()).unwrap();
    let networks =
        |ids: &mut dyn Iterator<Item = Id>| ids.map(|id| people.get(id).network).collect::<HashSet<u32>>();
    let hostile = networks(&mut (0..10_000));
    let honest = networks(&mut people.living().iter().copied());
    assert_eq!(hostile.len(), 10);
    assert!(hostile.is_disjoint(&honest) && (300..=1_000).contains(&honest.len()), "{}", honest.len());
}

#[test]
fn a_life_follows_its_seed_whatever_the_strategy() {
    let quick = Scenario { honest: HOUR, flood: 4 * HOUR, ..scenario("10k/500") };
    for (name, strategy) in STRATEGIES {
        let first = live(&quick, strategy, 1).unwrap();
        assert_eq!(live(&quick, strategy, 1).unwrap(), first, "{name}");
        assert_eq!(first.restarts.len(), RESTARTS, "{name}");
        assert!(first.restarts.iter().all(|view| view.all == 8), "{name}: {first:?}");
        assert!((2..50).any(|seed| live(&quick, strategy, seed).unwrap() != first), "{name}");
    }
}

#[test]
fn without_an_attacker_no_peer_is_hostile_and_with_one_alone_all_are() {
    let quiet = Scenario { honest: 2 * DAY, flood: HOUR, ..scenario("quiet") };
    for (name, strategy) in STRATEGIES {
        let outcome = live(&quiet, strategy, random_seed()).unwrap();
        // A connection or two may have ended just now.
        let View { hostile, all } = outcome.before;
        assert!(hostile == 0 && all >= 6 && outcome.made > 0, "{name}: {outcome:?}");
        assert!(outcome.restarts.iter().all(|view| view.hostile == 0), "{name}: {outcome:?}");
        assert!(outcome.dials.is_some_and(|dials| (8..=200).contains(&dials)), "{name}: {outcome:?}");
    }
    let full = View { hostile: 8, all: 8 };
    assert!(full.is_eclipsed() && !View { hostile: 7, all: 8 }.is_eclipsed());
    assert!(!View { hostile: 0, all: 0 }.is_eclipsed(), "a node without connections is not captured");
}

#[test]
fn after_an_outage_of_a_day_every_node_has_peers() {
    let outage = Scenario { flood: HOUR, ..scenario("outage") };
    for name in ["next-to-dial", "addrman"] {
        let outcome = live(&outage, strategy(name), random_seed()).unwrap();
        assert!(outcome.before.all >= 6, "{name}: {outcome:?}");
    }
}

#[test]
fn a_flood_of_many_networks_takes_addrman_and_not_this_library() {
    // Figures of Bitcoin Core's own addrman: 0.62 of the connections, and 0.97 from birth, each within 0.04 in 100 trials.
    let share = |name, of| Cell::run(&scenario(of), strategy(name), 6, 1).unwrap().share.value;
    let (addrman, library) = (share("addrman", "10k/500"), share("next-to-dial", "10k/500"));
    assert!(is_near(addrman, 0.62, 0.25) && library < 0.1, "{addrman}, {library}");
    let (addrman, library) = (share("addrman", "birth"), share("next-to-dial", "birth"));
    assert!(addrman > 0.8 && library < addrman - 0.2, "{addrman}, {library}");
}

#[test]
fn the_flood_tells_each_address_as_often_as_it_says() {
    struct Counter(std::rc::Rc<std::cell::Cell<(u32, u32)>>);
    impl Node for Counter {
        fn hear_of(&mut self, heard: &[Heard], source: Id, situation: &Situation<'_>) -> Result<(), Failure> {
            let hostile = |id: Id| u32::from(situation.people.get(id).is_hostile);
            let (flooded, honest) = self.0.get();
            let told: u32 = heard.iter().map(|heard| hostile(heard.id)).sum();
            assert!(told == 0 || hostile(source) == 1 && heard.len() <= MESSAGE);
            self.0.set((flooded + told, honest + u32::try_from(heard.len())? - told));
            Ok(())
        }
        fn next(&mut self, _: &Situation<'_>) -> Result<Option<Id>, Failure> {
            Ok(None)
        }
        fn feeler(&mut self, _: &Situation<'_>) -> Result<Option<Id>, Failure> {
            Ok(None)
        }
        fn dialled(&mut self, _: Id, _: bool, _: &Situation<'_>) -> Result<(), Failure> {
            Ok(())
        }
        fn hung_up(&mut self, _: Id, _: &Situation<'_>) {}
        fn restart(&mut self) -> Result<(), Failure> {
            Ok(())
        }
        fn rotation(&self) -> Option<i64> {
            None
        }
    }
    let counts = std::rc::Rc::default();
    let scenario = scenario("10k/500");
    let outcome = live_with(&scenario, 1, |_, _| Ok(Box::new(Counter(std::rc::Rc::clone(&counts))))).unwrap();
    assert_eq!(counts.get(), (50_000, 200), "five times 10,000, and the seeds");
    assert_eq!(outcome.before, View { hostile: 0, all: 0 });
}
