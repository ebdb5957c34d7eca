//! Counts by number, for the slots and groups of one answer: most answers are short, and then looking through a list
//! is faster than hashing.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::memory;

/// Up to this many, they are looked through.
const FEW: usize = 64;

/// How often each number was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    few: SmallVec<[u32; FEW]>,
    /// How often each of the few was.
    counts: SmallVec<[u32; FEW]>,
    /// All of them, once they are more than a few.
    many: HashMap<u32, u32>,
}

impl Tally {
    /// Room for this many numbers.
    pub(super) fn with_capacity(numbers: usize) -> memory::Result<Self> {
        let mut tally = Self::default();
        if numbers > FEW {
            tally.many.try_reserve(numbers)?;
        }
        Ok(tally)
    }

    /// The counts of these numbers.
    pub(super) fn of_all(numbers: &[u32]) -> memory::Result<Self> {
        let mut tally = Self::default();
        numbers.iter().try_for_each(|&number| tally.add(number).map(drop))?;
        Ok(tally)
    }

    pub(super) fn of(&self, number: u32) -> u32 {
        if self.many.is_empty() {
            self.position(number).map_or(0, |position| self.counts[position])
        } else {
            self.many.get(&number).copied().unwrap_or(0)
        }
    }

    /// Counts a number; says how often it was counted before. Cost: constant, amortised.
    pub(super) fn add(&mut self, number: u32) -> memory::Result<u32> {
        let count = if !self.many.is_empty() {
            self.many.try_reserve(1)?;
            self.many.entry(number).or_insert(0)
        } else if let Some(position) = self.position(number) {
            &mut self.counts[position]
        } else if self.few.len() < FEW {
            self.few.push(number);
            self.counts.push(1);
            return Ok(0);
        } else {
            self.many.try_reserve(FEW + 1)?;
            self.many.extend(self.few.drain(..).zip(self.counts.drain(..)));
            self.many.entry(number).or_insert(0)
        };
        *count += 1;
        Ok(*count - 1)
    }

    /// Where a number is among the few. Most are not there, which `contains` finds out many at a time.
    fn position(&self, number: u32) -> Option<usize> {
        if !self.few.contains(&number) {
            return None;
        }
        self.few.iter().position(|&other| other == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_was_counted_as_often_as_it_was_added_whatever_the_size() {
        for capacity in [0, FEW, 10 * FEW] {
            let (mut tally, mut counts) = (Tally::with_capacity(capacity).expect("memory"), [0; 250]);
            for number in (0..200).chain(50..150).chain(100..120) {
                assert_eq!(tally.add(number), Ok(counts[number as usize]), "{number}");
                counts[number as usize] += 1;
            }
            for (number, count) in (0..).zip(counts) {
                assert_eq!(tally.of(number), count, "{number}");
            }
            assert!(tally.many.capacity() >= capacity, "what was made room for is used");
        }
    }
}
