//! Host names, each held once: peers that differ only in the port share its text.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use crate::memory;
use crate::table::hash_index::HashIndex;
use crate::table::slot::slot_number;

/// The names in use, each with a number. A number is free again once the last peer with that name is removed.
#[derive(Debug)]
pub(super) struct Names {
    texts: Texts,
    /// The first of the list of free numbers, and how many there are.
    free: u32,
    unused: usize,
    numbers: HashIndex,
    hasher: RandomState,
}

/// The text of each number.
#[derive(Clone, Debug, Default)]
pub(in crate::table) struct Texts(Vec<Name>);

#[derive(Clone, Debug)]
enum Name {
    Used {
        text: Arc<str>,
        uses: u32,
    },
    /// The list of free numbers runs through the free places, so removing a peer takes no memory.
    Free {
        next: u32,
    },
}

/// The end of the list of free numbers.
const NONE: u32 = u32::MAX;

impl Texts {
    /// The text of a name that is in use.
    pub(in crate::table) fn text(&self, number: u32) -> Arc<str> {
        match self.0.get(number as usize) {
            Some(Name::Used { text, .. }) => text.clone(),
            _ => Arc::from(""),
        }
    }

    /// The same, borrowed.
    pub(super) fn get(&self, number: u32) -> &str {
        match self.0.get(number as usize) {
            Some(Name::Used { text, .. }) => text,
            _ => "",
        }
    }

    pub(in crate::table) fn try_clone(&self) -> memory::Result<Self> {
        memory::collect(self.0.iter().cloned()).map(Self)
    }

    fn is(&self, number: u32, text: &str) -> bool {
        matches!(&self.0[number as usize], Name::Used { text: other, .. } if **other == *text)
    }

    /// The hash of each number that is in use.
    fn hash_of(&self, hasher: &RandomState) -> impl Fn(u32) -> Option<u64> {
        |number| match self.0.get(number as usize) {
            Some(Name::Used { text, .. }) => Some(hasher.hash_one(&**text)),
            _ => None,
        }
    }

    /// The numbers are those below this.
    fn end(&self) -> u32 {
        slot_number(self.0.len())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            texts: Texts::default(),
            free: NONE,
            unused: 0,
            numbers: HashIndex::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Names {
    pub(super) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The number of a name that is in use.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(text), |number| self.texts.is(number, text))
    }

    /// Whether `names` more names fit without memory.
    pub(super) fn has_room(&self, names: usize) -> bool {
        self.unused + self.texts.0.capacity() - self.texts.0.len() >= names
            && self.numbers.has_room(self.texts.0.len() + names)
    }

    /// Asks for memory for `names` more names. Cost: constant for each, amortised.
    pub(super) fn reserve(&mut self, names: usize) -> memory::Result {
        self.texts.0.try_reserve(names.saturating_sub(self.unused))?;
        let end = self.texts.end();
        self.numbers.reserve(end as usize + names, end, &self.texts.hash_of(&self.hasher))
    }

    /// Counts one more peer with this name, and returns the name's number. Requires room for a name that is new.
    pub(super) fn acquire(&mut self, text: &Arc<str>) -> u32 {
        let number = self.find(text).unwrap_or_else(|| self.add(text));
        if let Name::Used { uses, .. } = &mut self.texts.0[number as usize] {
            *uses += 1;
        }
        number
    }

    fn add(&mut self, text: &Arc<str>) -> u32 {
        let name = Name::Used { text: text.clone(), uses: 0 };
        let number = if let Some(free) = self.texts.0.get_mut(self.free as usize) {
            let number = self.free;
            if let Name::Free { next } = std::mem::replace(free, name) {
                self.free = next;
            }
            self.unused -= 1;
            number
        } else {
            self.texts.0.push(name);
            slot_number(self.texts.0.len() - 1)
        };
        self.numbers.insert(self.hasher.hash_one(&**text), number);
        self.numbers.step(self.texts.end(), &self.texts.hash_of(&self.hasher));
        number
    }

    /// Counts one peer fewer with this name; the last one takes the name with it.
    pub(super) fn release(&mut self, number: u32) {
        let Name::Used { text, uses } = &mut self.texts.0[number as usize] else { return };
        *uses -= 1;
        if *uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&**text);
        self.numbers.remove(hash, number, &self.texts.hash_of(&self.hasher));
        self.texts.0[number as usize] = Name::Free { next: self.free };
        self.free = number;
        self.unused += 1;
    }

    /// How many numbers are free.
    pub(super) fn unused(&self) -> usize {
        self.unused
    }

    /// Numbers the names anew, without gaps, which gives back the memory of those that are gone. Returns the new number of
    /// each old one; without memory for that, nothing is done and nothing returned.
    pub(super) fn renumber(&mut self) -> Option<Vec<u32>> {
        let texts = &mut self.texts.0;
        // The new numbers of free ones are never read.
        let mut numbers = memory::filled(0, texts.len()).ok()?;
        let mut used = 0;
        for (old, number) in numbers.iter_mut().enumerate() {
            if matches!(texts[old], Name::Used { .. }) {
                *number = slot_number(used);
                texts.swap(old, used);
                used += 1;
            }
        }
        texts.truncate(used);
        memory::shrink(texts, used);
        (self.free, self.unused) = (NONE, 0);
        self.numbers.fill(self.texts.end(), &self.texts.hash_of(&self.hasher));
        Some(numbers)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.0.len() - self.unused
    }
}

const _: () =
    assert!(size_of::<Name>() == size_of::<(Arc<str>, u32)>(), "a free number takes no room of its own");
