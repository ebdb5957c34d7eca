//! Sorting numbers of things: one copy of the code for all, because each sort of the standard library takes some ten
//! kilobytes of the library.

use std::cmp::Ordering;

/// Sorts without asking for memory; what compares as equal may change places.
pub(crate) fn sort(numbers: &mut [u32], order: &mut dyn FnMut(u32, u32) -> Ordering) {
    numbers.sort_unstable_by(|&a, &b| order(a, b));
}
