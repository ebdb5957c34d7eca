//! Host names, each held once: peers that differ only in the port share the text.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

/// The names in use, numbered. A number is free again when the last peer with that name is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    texts: Vec<Option<Name>>,
    free: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Clone, Debug)]
struct Name {
    text: Arc<str>,
    uses: u32,
}

impl Names {
    /// The number of a name that is in use.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(text), |&number| self.is(number, text)).copied()
    }

    /// The number of a name, given to it now if it has none, for one more peer.
    pub(super) fn acquire(&mut self, text: &Arc<str>) -> u32 {
        let number = self.find(text).unwrap_or_else(|| self.add(text));
        if let Some(name) = &mut self.texts[number as usize] {
            name.uses += 1;
        }
        number
    }

    fn add(&mut self, text: &Arc<str>) -> u32 {
        let name = Some(Name { text: text.clone(), uses: 0 });
        let number = if let Some(number) = self.free.pop() {
            self.texts[number as usize] = name;
            number
        } else {
            self.texts.push(name);
            super::slot_number(self.texts.len() - 1)
        };
        let (texts, hasher) = (&self.texts, &self.hasher);
        let hash = hasher.hash_one(&**text);
        self.numbers.insert_unique(hash, number, |&other| hash_of(texts, hasher, other));
        number
    }

    /// Counts one peer less with this name, and forgets the name with the last.
    pub(super) fn release(&mut self, number: u32) {
        let Some(name) = &mut self.texts[number as usize] else { return };
        name.uses -= 1;
        if name.uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&*name.text);
        if let Ok(occupied) = self.numbers.find_entry(hash, |&other| other == number) {
            occupied.remove();
        }
        self.texts[number as usize] = None;
        self.free.push(number);
    }

    /// How many numbers are free.
    pub(super) fn unused(&self) -> usize {
        self.free.len()
    }

    /// Numbers the names anew, without gaps, and gives the memory of those that are gone back. Says the new number
    /// of each old one.
    pub(super) fn renumber(&mut self) -> Vec<u32> {
        let old = std::mem::take(self);
        self.texts.reserve_exact(old.numbers.len());
        let renumbered = old.texts.into_iter().map(|name| match name {
            Some(Name { text, uses }) => {
                let number = self.add(&text);
                if let Some(name) = &mut self.texts[number as usize] {
                    name.uses = uses;
                }
                number
            }
            // Nobody asks for it.
            None => 0,
        });
        renumbered.collect()
    }

    /// The text of a name that is in use.
    pub(super) fn text(&self, number: u32) -> Arc<str> {
        self.texts[number as usize].as_ref().map_or_else(|| Arc::from(""), |name| name.text.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    fn is(&self, number: u32, text: &str) -> bool {
        self.texts[number as usize].as_ref().is_some_and(|name| &*name.text == text)
    }
}

fn hash_of(texts: &[Option<Name>], hasher: &RandomState, number: u32) -> u64 {
    texts[number as usize].as_ref().map_or(0, |name| hasher.hash_one(&*name.text))
}
