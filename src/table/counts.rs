//! Counts by number, for the netgroups of one answer: most answers are short, and then looking through a list is
//! faster than hashing.

use smallvec::SmallVec;

use super::number_map::NumberMap;
use crate::memory;

/// Up to this many numbers are looked through.
const FEW: usize = 64;

/// Up to this many take no memory of their own.
const VERY_FEW: usize = 8;

/// How often each number was counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    few: SmallVec<[u32; VERY_FEW]>,
    /// How often each of the few was counted.
    times: SmallVec<[u32; VERY_FEW]>,
    /// All counts, once they are more than a few.
    many: NumberMap,
}

impl Counts {
    /// How often a number was counted.
    pub(super) fn of(&self, number: u32) -> u32 {
        if self.many.is_empty() {
            self.position(number).map_or(0, |position| self.times[position])
        } else {
            self.many.get(number).unwrap_or(0)
        }
    }

    /// Counts a number, and returns how often it was counted before. Cost: constant, amortised.
    pub(super) fn add(&mut self, number: u32) -> memory::Result<u32> {
        let count = if !self.many.is_empty() {
            self.many.entry(number, 0)?
        } else if let Some(position) = self.position(number) {
            &mut self.times[position]
        } else if self.few.len() < FEW {
            if self.few.len() == VERY_FEW {
                self.few.try_reserve_exact(FEW - VERY_FEW)?;
                self.times.try_reserve_exact(FEW - VERY_FEW)?;
            }
            self.few.push(number);
            self.times.push(1);
            return Ok(0);
        } else {
            for (number, times) in self.few.drain(..).zip(self.times.drain(..)) {
                self.many.entry(number, times)?;
            }
            self.many.entry(number, 0)?
        };
        *count += 1;
        Ok(*count - 1)
    }

    /// Where a number is among the few. Most are not there, and `contains` compares many at a time.
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
    fn a_number_was_counted_as_often_as_it_was_added() {
        let (mut counts, mut expected) = (Counts::default(), [0; 250]);
        for number in (0..200).chain(50..150).chain(100..120) {
            assert_eq!(counts.add(number), Ok(expected[number as usize]), "{number}");
            expected[number as usize] += 1;
        }
        for (number, count) in (0..).zip(expected) {
            assert_eq!(counts.of(number), count, "{number}");
        }
    }
}
