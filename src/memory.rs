//! Allocations that may fail.
//!
//! Memory that grows with the table or with a batch is allocated through these functions, before anything is changed, and a
//! failure makes the call return [`NoMemory`](Error::NoMemory). Where the standard library's collections grow by themselves,
//! a failure ends the process; that is left to allocations of a few kilobytes at most.

use std::collections::{HashSet, TryReserveError};
use std::hash::{BuildHasher, Hash};

use crate::error::Error;
use crate::system::pages::{is_large, prefer_large_pages};

/// Memory that could not be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// The result of an allocation.
pub(crate) type Result<T = ()> = std::result::Result<T, Refused>;

impl From<TryReserveError> for Refused {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

impl From<smallvec::CollectionAllocErr> for Refused {
    fn from(_: smallvec::CollectionAllocErr) -> Self {
        Self
    }
}

impl From<Refused> for Error {
    fn from(_: Refused) -> Self {
        Self::no_memory("for this call")
    }
}

/// An array with room for exactly this many values.
#[inline]
pub(crate) fn with_capacity<T>(capacity: usize) -> Result<Vec<T>> {
    let mut array = Vec::new();
    array.try_reserve_exact(capacity)?;
    prefer_large_pages(&mut array);
    Ok(array)
}

/// Makes room for this many more values. Cost: constant for each, amortised.
#[inline]
pub(crate) fn reserve<T>(array: &mut Vec<T>, more: usize) -> Result {
    if array.capacity() - array.len() >= more {
        return Ok(());
    }
    let capacity = array.len().saturating_add(more).max(array.capacity().saturating_mul(2)).max(4);
    reserve_exact(array, capacity - array.len())
}

/// Makes room for exactly this many more values.
pub(crate) fn reserve_exact<T>(array: &mut Vec<T>, more: usize) -> Result {
    let capacity = array.len().saturating_add(more);
    if is_large(capacity.saturating_mul(size_of::<T>())) {
        // The allocator would move the pages as they are, and a large page that is then aligned differently is split.
        let mut larger = with_capacity(capacity)?;
        larger.append(array);
        *array = larger;
        return Ok(());
    }
    Ok(array.try_reserve_exact(more)?)
}

/// An array of this many copies.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut array = with_capacity(len)?;
    array.resize(len, value);
    Ok(array)
}

/// Adds a value. Cost: constant, amortised.
#[inline]
pub(crate) fn push<T>(array: &mut Vec<T>, value: T) -> Result {
    array.try_reserve(1)?;
    array.push(value);
    Ok(())
}

/// Adds values.
#[inline]
pub(crate) fn extend<T>(array: &mut Vec<T>, values: impl IntoIterator<Item = T>) -> Result {
    let mut values = values.into_iter();
    let (least, most) = values.size_hint();
    array.try_reserve(least)?;
    if most == Some(least) {
        array.extend(values);
        return Ok(());
    }
    values.try_for_each(|value| push(array, value))
}

/// An array of values.
#[inline]
pub(crate) fn collect<T>(values: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    let mut array = Vec::new();
    extend(&mut array, values)?;
    Ok(array)
}

/// Adds a value to a set; returns whether it is new there.
#[inline]
pub(crate) fn insert<T: Eq + Hash, S: BuildHasher>(set: &mut HashSet<T, S>, value: T) -> Result<bool> {
    set.try_reserve(1)?;
    Ok(set.insert(value))
}

/// Arrays up to this capacity are left as they are.
pub(crate) const MIN_CAPACITY: usize = 64;

/// Shrinks an array that uses less than a quarter of its memory, if there is memory for a smaller one. Cost: constant,
/// amortised.
#[inline]
pub(crate) fn give_back<T>(array: &mut Vec<T>) {
    if array.capacity() > MIN_CAPACITY && array.len() < array.capacity() / 4 {
        shrink(array, array.len() * 2);
    }
}

/// Moves an array into one of this capacity, if there is memory for that. (`shrink_to` would end the process if not.)
pub(crate) fn shrink<T>(array: &mut Vec<T>, capacity: usize) {
    if let Ok(mut smaller) = with_capacity(capacity.max(array.len())) {
        smaller.append(array);
        *array = smaller;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_keeps_its_values_when_it_becomes_large() {
        let mut array: Vec<u64> = Vec::new();
        for value in 0..1_500_000 {
            reserve(&mut array, 1).expect("memory");
            assert!(array.capacity() <= (2 * array.len()).max(4), "{} for {value}", array.capacity());
            array.push(value);
        }
        assert!(array.iter().copied().eq(0..1_500_000));
        reserve_exact(&mut array, 7).expect("memory");
        assert_eq!(array.capacity(), 1_500_007);
    }

    #[test]
    fn more_than_there_can_be_is_refused_and_changes_nothing() {
        let mut array = vec![1_u64, 2];
        assert_eq!(reserve(&mut array, usize::MAX), Err(Refused));
        assert_eq!(reserve_exact(&mut array, isize::MAX as usize), Err(Refused));
        assert_eq!(array, [1, 2]);
    }
}
