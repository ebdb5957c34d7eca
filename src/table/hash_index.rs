//! From a hash to numbers that have it: slots, or the numbers of names and of netgroups.
//!
//! A hash table with linear probing whose buckets are four bytes: the number, and, in the bits that it does not need, as many
//! bits of the hash as fit. So a look-up touches one line of the index and, almost always, nothing else except what it looks
//! for. A general hash table keeps its control bytes and its buckets apart, which is one line more; in a large table each is a
//! cache miss, and those are what a look-up costs.
//!
//! It grows and shrinks step by step: a few numbers at a time are brought into the next table, and when that has all of them
//! it takes the place of the one in use. So no change waits for all others to be hashed again.

use crate::memory::{self, Refused};
use crate::system::pages::is_large;
use crate::system::prefetch::prefetch;

/// This many numbers are brought into the next table with each change.
const STEPS: u32 = 16;

const MIN_BUCKETS: usize = 16;

/// See the [module](self). The caller makes the hashes, with a key, so that strangers cannot choose addresses that collide.
#[derive(Debug)]
pub(super) struct HashIndex {
    table: Table,
    /// The table that is to take the place of this one.
    next: Option<Next>,
}

/// A table in the making.
#[derive(Debug)]
struct Next {
    table: Table,
    /// It has exactly those numbers below this one that the table in use has.
    known: u32,
}

/// The hash of a number, or nothing if it is not in use.
type HashOf<'a> = &'a dyn Fn(u32) -> Option<u64>;

impl HashIndex {
    /// The smallest index, without numbers.
    pub(super) fn new() -> Self {
        Self { table: Table::new(), next: None }
    }

    /// The number with this hash that `is_it` accepts. Cost: constant, expected.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.table.find(hash, is_it)
    }

    /// Prefetches the bucket at which a look-up of this hash begins.
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(self.table.buckets.get(self.table.home(hash)));
    }

    /// Adds a number. Requires [room](Self::reserve). Cost: constant, expected.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        self.table.insert(hash, number);
        if let Some(next) = self.next.as_mut().filter(|next| number < next.known) {
            next.table.insert(hash, number);
        }
    }

    /// Removes a number, which `hash_of` may still know or not. Cost: constant, expected.
    pub(super) fn remove(&mut self, hash: u64, number: u32, hash_of: HashOf<'_>) {
        self.table.remove(hash, number, hash_of);
        if let Some(next) = self.next.as_mut().filter(|next| number < next.known) {
            next.table.remove(hash, number, hash_of);
        }
    }

    /// Replaces a number with another, which is not there yet. Cost: constant, expected.
    pub(super) fn replace(&mut self, hash: u64, from: u32, to: u32, hash_of: HashOf<'_>) {
        self.remove(hash, from, hash_of);
        self.insert(hash, to);
    }

    /// Brings more of the numbers below `end` into the next table, if there is one. To be called with each change.
    pub(super) fn step(&mut self, end: u32, hash_of: HashOf<'_>) {
        self.step_by(STEPS, end, hash_of);
    }

    fn step_by(&mut self, steps: u32, end: u32, hash_of: HashOf<'_>) {
        let Some(next) = &mut self.next else { return };
        let last = next.known.saturating_add(steps).min(end);
        // All are hashed first, so that the processor waits for several of their buckets at once.
        while next.known < last {
            let group = next.known..last.min(next.known + STEPS);
            let mut hashes = [None; STEPS as usize];
            for (hash, number) in hashes.iter_mut().zip(group.clone()) {
                *hash = hash_of(number);
                if let Some(hash) = *hash {
                    prefetch(next.table.buckets.get(next.table.home(hash)));
                }
            }
            for (hash, number) in hashes.into_iter().zip(group) {
                if let Some(hash) = hash {
                    next.table.insert(hash, number);
                }
                next.known = number + 1;
            }
        }
        if next.known >= end {
            if let Some(next) = self.next.take() {
                self.table = next.table;
            }
        }
    }

    /// Whether all numbers below this one fit.
    pub(super) fn has_room(&self, end: usize) -> bool {
        end <= self.table.limit()
    }

    /// How many numbers the next table is to have room for, if [`reserve`](Self::reserve) would begin one that is large.
    pub(super) fn wanted(&self, new_end: usize) -> Option<usize> {
        let is_large = is_large(size_of_val(&self.table.buckets[..]));
        (is_large && new_end > self.table.capacity() && self.next.is_none()).then_some(new_end)
    }

    /// Begins to fill the next table, which was made while nothing was locked.
    pub(super) fn begin(&mut self, table: Table) {
        if self.next.is_none() && table.buckets.len() > self.table.buckets.len() {
            self.next = Some(Next { table, known: 0 });
        }
    }

    /// Asks for memory for the numbers up to `new_end`, of which those below `end` are in use now or were. Cost: constant for
    /// each, amortised; for a change that is small compared with the table, constant.
    pub(super) fn reserve(&mut self, new_end: usize, end: u32, hash_of: HashOf<'_>) -> memory::Result {
        if self.next.as_ref().is_some_and(|next| next.table.limit() < new_end) {
            // It was meant to be smaller.
            self.next = None;
        }
        if new_end <= self.table.capacity() {
            return Ok(());
        }
        if self.next.is_none() {
            self.next = Some(Next { table: Table::with_capacity(new_end)?, known: 0 });
        }
        if !self.has_room(new_end) {
            self.step_by(u32::MAX, end, hash_of);
        }
        Ok(())
    }

    /// Goes on with the next table, and begins a smaller one when an eighth of the room would do, if there is memory for it. To
    /// be called when a change is over. Cost: constant.
    pub(super) fn fit(&mut self, end: u32, hash_of: HashOf<'_>) {
        if self.next.is_some() {
            self.step(end, hash_of);
        } else if self.is_sparse(end) {
            self.next = Self::for_fewer(end).map(|table| Next { table, known: 0 });
        }
    }

    fn is_sparse(&self, end: u32) -> bool {
        (end as usize) < self.table.capacity() / 8 && self.table.buckets.len() > MIN_BUCKETS
    }

    fn for_fewer(end: u32) -> Option<Table> {
        Table::with_capacity(end as usize * 2).ok()
    }

    /// Makes the index have exactly the numbers below `end` that `hash_of` knows. Requires room for them.
    pub(super) fn fill(&mut self, end: u32, hash_of: HashOf<'_>) {
        let smaller = if self.is_sparse(end) { Self::for_fewer(end) } else { None };
        let table = smaller.unwrap_or_else(|| {
            let mut buckets = std::mem::take(&mut self.table.buckets);
            buckets.fill(EMPTY);
            Table { buckets }
        });
        self.next = Some(Next { table, known: 0 });
        self.step_by(u32::MAX, end, hash_of);
    }

    /// Whether the index has exactly the numbers below `end` that `hash_of` knows.
    pub(super) fn is_consistent(&self, end: u32, hash_of: HashOf<'_>) -> bool {
        let known = self.next.as_ref().map_or(0, |next| next.known.min(end));
        self.table.has_all(end, hash_of)
            && self.next.as_ref().is_none_or(|next| next.table.has_all(known, hash_of))
    }
}

/// An empty bucket. No other has all bits set, because numbers stay below seven eighths of the buckets.
const EMPTY: u32 = u32::MAX;

/// The numbers by their hashes.
#[derive(Debug)]
pub(crate) struct Table {
    /// A power of two of them.
    buckets: Vec<u32>,
}

impl Table {
    fn new() -> Self {
        Self { buckets: vec![EMPTY; MIN_BUCKETS] }
    }

    /// A table without numbers that has room for this many.
    pub(crate) fn with_capacity(numbers: usize) -> memory::Result<Self> {
        let buckets = numbers.saturating_add(numbers.div_ceil(3)).checked_next_power_of_two();
        Ok(Self { buckets: memory::filled(EMPTY, buckets.ok_or(Refused)?.max(MIN_BUCKETS))? })
    }

    /// With more numbers than this it is to grow …
    fn capacity(&self) -> usize {
        self.buckets.len() / 4 * 3
    }

    /// … which must be over before there are more than this.
    fn limit(&self) -> usize {
        self.buckets.len() / 8 * 7
    }

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = self.tag(self.bucket(hash, 0));
        self.probe(hash)
            .map(|position| self.buckets[position])
            .take_while(|&bucket| bucket != EMPTY)
            .filter(|&bucket| self.tag(bucket) == tag)
            .map(|bucket| self.number(bucket))
            .find(|&number| is_it(number))
    }

    fn insert(&mut self, hash: u64, number: u32) {
        let free = self.probe(hash).find(|&position| self.buckets[position] == EMPTY);
        // There is one, because an eighth of the buckets is empty.
        if let Some(position) = free {
            self.buckets[position] = self.bucket(hash, number);
        }
    }

    fn remove(&mut self, hash: u64, number: u32, hash_of: HashOf<'_>) {
        let Some(mut gap) = self.position(hash, number) else { return };
        // The numbers behind it move up, unless that would put them before their home.
        let mask = self.buckets.len() - 1;
        let mut position = gap;
        loop {
            position = (position + 1) & mask;
            let bucket = self.buckets[position];
            if bucket == EMPTY {
                break;
            }
            let home = hash_of(self.number(bucket)).map_or(position, |hash| self.home(hash));
            let distance = position.wrapping_sub(home) & mask;
            if distance >= position.wrapping_sub(gap) & mask {
                self.buckets[gap] = bucket;
                gap = position;
            }
        }
        self.buckets[gap] = EMPTY;
    }

    /// Where a probe for this hash begins.
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    /// The positions at which a number with this hash may be, its home first.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (home, mask) = (self.home(hash), self.buckets.len() - 1);
        (0..=mask).map(move |step| (home + step) & mask)
    }

    /// Where a number is.
    fn position(&self, hash: u64, number: u32) -> Option<usize> {
        let bucket = self.bucket(hash, number);
        self.probe(hash)
            .take_while(|&position| self.buckets[position] != EMPTY)
            .find(|&position| self.buckets[position] == bucket)
    }

    /// A number and, above it, the upper bits of the hash.
    #[expect(clippy::cast_possible_truncation, reason = "the bits of the tag and those of the number are 32")]
    fn bucket(&self, hash: u64, number: u32) -> u32 {
        let bits = self.buckets.len().trailing_zeros();
        (hash >> 32 >> bits << bits) as u32 | number
    }

    fn number(&self, bucket: u32) -> u32 {
        bucket & self.number_mask()
    }

    /// The bits of a bucket that come from the hash.
    fn tag(&self, bucket: u32) -> u32 {
        bucket & !self.number_mask()
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are at most 2^32 buckets")]
    fn number_mask(&self) -> u32 {
        (self.buckets.len() - 1) as u32
    }

    /// Whether it has the numbers below `end` that `hash_of` knows, and no others.
    fn has_all(&self, end: u32, hash_of: HashOf<'_>) -> bool {
        let numbers = || (0..end).filter_map(|number| Some((hash_of(number)?, number)));
        numbers().all(|(hash, number)| self.position(hash, number).is_some())
            && self.buckets.iter().filter(|&&bucket| bucket != EMPTY).count() == numbers().count()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};

    use super::*;

    /// Many numbers share a home, and homes at the end of the buckets go on at their beginning.
    fn hash(number: u32) -> u64 {
        (u64::from(number % 7) * 0x1234_5678_0000_0005) | (u64::from(number) << 40)
    }

    /// An index and what it should have: whether each number is in use.
    struct Pair {
        index: HashIndex,
        in_use: Vec<bool>,
    }

    impl Pair {
        fn new() -> Self {
            Self { index: HashIndex::new(), in_use: Vec::new() }
        }

        fn end(&self) -> u32 {
            u32::try_from(self.in_use.len()).expect("few")
        }

        fn change(&mut self, change: impl FnOnce(&mut HashIndex, HashOf<'_>, u32)) {
            let (end, in_use) = (self.end(), &self.in_use);
            let hash_of = |number: u32| in_use.get(number as usize).and_then(|&is| is.then(|| hash(number)));
            change(&mut self.index, &hash_of, end);
        }

        fn push(&mut self) {
            self.change(|index, hash_of, end| index.reserve(end as usize + 1, end, hash_of).expect("memory"));
            self.in_use.push(true);
            self.change(|index, hash_of, end| {
                index.insert(hash(end - 1), end - 1);
                index.step(end, hash_of);
            });
        }

        fn remove(&mut self, number: u32) {
            self.change(|index, hash_of, _| index.remove(hash(number), number, hash_of));
            self.in_use[number as usize] = false;
        }

        /// As in the slab: the last number fills the gap.
        fn swap_remove(&mut self, number: u32) {
            let last = self.end() - 1;
            self.remove(number);
            self.in_use.pop();
            if number != last {
                self.in_use[number as usize] = true;
                let in_use = &self.in_use;
                // The last one goes by the number that it gets.
                let hash_of = |n: u32| in_use.get(n as usize).and_then(|&is| is.then(|| hash(n)));
                self.index.remove(hash(last), last, &hash_of);
                self.index.insert(hash(number), number);
            }
            self.change(|index, hash_of, end| {
                index.fit(end, hash_of);
            });
        }

        fn check(&mut self) {
            self.change(|index, hash_of, end| {
                assert!(index.is_consistent(end, hash_of));
                for number in 0..end {
                    let expected = hash_of(number).map(|_| number);
                    assert_eq!(index.find(hash(number), |found| found == number), expected);
                }
            });
        }
    }

    #[test]
    fn what_was_added_is_found_whatever_the_size() {
        let mut pair = Pair::new();
        let mut has_grown_in_steps = false;
        for number in 0..3_000 {
            pair.push();
            has_grown_in_steps |= pair.index.next.is_some();
            if number % 37 == 0 {
                pair.check();
            }
        }
        assert!(has_grown_in_steps);
        pair.check();
    }

    #[test]
    fn removing_closes_gaps_in_every_order_while_it_grows_and_shrinks() {
        for (step, most) in [(1, 200), (3, 400), (7, 780), (11, 1_600)] {
            let mut pair = Pair::new();
            while pair.end() < most {
                pair.push();
                pair.push();
                pair.swap_remove(step * 31 % pair.end());
                if pair.end() % 5 == 0 {
                    pair.check();
                }
            }
            while pair.end() > 0 {
                pair.swap_remove(step * 31 % pair.end());
                if pair.end() % 5 == 0 {
                    pair.check();
                }
            }
            assert!(pair.index.table.buckets.len() < 512, "memory is given back");
        }
    }

    #[test]
    fn numbers_that_are_not_in_use_are_left_out() {
        let mut pair = Pair::new();
        for n in 0..2_000 {
            pair.push();
            if n % 3 == 0 {
                pair.remove(n / 2);
                pair.in_use[n as usize / 2] = true;
                pair.change(|index, _, _| index.insert(hash(n / 2), n / 2));
            }
            if n % 4 == 3 {
                pair.remove(n - 2);
            }
            if n % 50 == 0 {
                pair.check();
            }
        }
        let end = pair.end();
        pair.change(|index, hash_of, _| index.fill(end, hash_of));
        pair.check();
    }

    #[test]
    fn a_batch_that_is_large_beside_the_index_has_its_room_at_once() {
        let mut pair = Pair::new();
        (0..100).for_each(|_| pair.push());
        pair.change(|index, hash_of, end| index.reserve(10_000, end, hash_of).expect("memory"));
        assert!(pair.index.has_room(10_000) && pair.index.next.is_none());
        pair.check();
        pair.change(|index, hash_of, end| assert!(index.reserve(usize::MAX, end, hash_of).is_err()));
        pair.check();
    }

    #[test]
    fn a_large_table_may_be_made_before_it_is_needed() {
        let hash_of =
            |number: u32| Some(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32));
        let mut index = HashIndex::new();
        index.reserve(786_432, 0, &hash_of).expect("memory");
        index.fill(786_432, &hash_of);
        assert_eq!((index.wanted(786_432), index.wanted(786_433)), (None, Some(786_433)));
        index.begin(Table::with_capacity(1_000).expect("memory"));
        assert!(index.next.is_none(), "it is not large enough");
        index.begin(Table::with_capacity(786_433).expect("memory"));
        assert_eq!(index.wanted(786_433), None, "it is begun");
        for end in 786_433..786_433 + 786_432 / STEPS {
            index.reserve(end as usize, end - 1, &hash_of).expect("memory");
            index.insert(hash_of(end - 1).expect("it has one"), end - 1);
            index.step(end, &hash_of);
        }
        assert!(index.next.is_some(), "a few are left");
        index.fit(786_432, &hash_of);
        assert!(index.next.is_none());
    }

    /// The most buckets that a look-up goes through.
    fn longest_probe(hashes: &[u64]) -> usize {
        let mut table = Table::with_capacity(hashes.len()).expect("memory");
        (0..).zip(hashes).for_each(|(number, &hash)| table.insert(hash, number));
        let probes = (0..).zip(hashes).map(|(number, &hash)| {
            let position = table.position(hash, number).expect("it was added");
            position.wrapping_sub(table.home(hash)) & (table.buckets.len() - 1)
        });
        probes.max().unwrap_or(0)
    }

    #[test]
    fn keys_chosen_to_collide_do_not_collide_under_a_keyed_hash() {
        // A stranger who knew the keys, here those that are all zero, would send addresses with the same home.
        let known = BuildHasherDefault::<DefaultHasher>::default();
        let collides = |key: &u64| known.hash_one(key).trailing_zeros() >= 9;
        let chosen: Vec<u64> = (0..).filter(collides).take(1_000).collect();
        let probe = |keys: &dyn Fn(&u64) -> u64| longest_probe(&chosen.iter().map(keys).collect::<Vec<_>>());
        assert!(probe(&|key| known.hash_one(key)) > 200, "the attack works where the keys are known");
        let random = RandomState::new();
        let longest = probe(&|key| random.hash_one(key));
        assert!(longest < 100, "a look-up goes through {longest} buckets");
    }
}
