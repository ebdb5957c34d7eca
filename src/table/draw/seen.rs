//! The slots that were drawn for an answer: a bit for each slot of the table, or, where that would be far more than the answer, a
//! hash table.

use smallvec::SmallVec;

use crate::memory;
use crate::table::number_map::SlotSet;

/// Bits are used up to this many words of 64 for each slot of the answer: setting as many to zero takes less time than looking
/// for a slot in a hash table, where it is as good as random whether the first place is the right one.
const WORDS_A_SLOT: usize = 8;

/// See the [module](self).
pub(super) enum Seen {
    Bits(SmallVec<[u64; 16]>),
    Set(SlotSet),
}

impl Default for Seen {
    fn default() -> Self {
        Self::Set(SlotSet::default())
    }
}

impl Seen {
    /// An empty set with room for this many of the slots of a table.
    pub(super) fn with_room(wanted: usize, slots: usize) -> memory::Result<Self> {
        let words = slots.div_ceil(64);
        if words <= wanted.saturating_mul(WORDS_A_SLOT) {
            let mut bits = SmallVec::new();
            bits.try_reserve_exact(words)?;
            bits.resize(words, 0);
            return Ok(Self::Bits(bits));
        }
        let mut set = SlotSet::default();
        set.reserve(wanted)?;
        Ok(Self::Set(set))
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        match self {
            Self::Bits(bits) => bits[slot as usize / 64] >> (slot % 64) & 1 == 1,
            Self::Set(set) => set.contains(slot),
        }
    }

    /// Adds a slot; returns whether it is new.
    pub(super) fn insert(&mut self, slot: u32) -> bool {
        match self {
            Self::Bits(bits) => {
                let (word, bit) = (&mut bits[slot as usize / 64], 1 << (slot % 64));
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            }
            Self::Set(set) => set.insert(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn bits_and_hash_table_have_what_was_inserted_and_nothing_else() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        for (wanted, slots, has_bits) in
            [(2, 1_024, true), (2, 1_025, false), (50, 25_600, true), (50, 900_000, false)]
        {
            let mut seen = Seen::with_room(wanted, slots).expect("memory");
            assert_eq!(matches!(seen, Seen::Bits(_)), has_bits, "{wanted} of {slots}");
            let mut expected = HashSet::new();
            for _ in 0..wanted {
                let slot = rng.random_range(0..u32::try_from(slots).expect("few"));
                assert_eq!(seen.insert(slot), expected.insert(slot));
                assert!(seen.contains(slot) && !seen.insert(slot));
            }
            for slot in 0..u32::try_from(slots).expect("few") {
                assert_eq!(seen.contains(slot), expected.contains(&slot), "{slot} of {slots}");
            }
        }
    }
}
