//! Sorting by index: one copy of the code for all uses, because each instance of the standard library's sort adds some
//! ten kilobytes to this library.

use std::cmp::Ordering;

/// Sorts without allocating; unstable: equal elements may be reordered.
#[inline(never)]
pub(crate) fn sort(numbers: &mut [u32], order: &mut dyn FnMut(u32, u32) -> Ordering) {
    numbers.sort_unstable_by(|&a, &b| order(a, b));
}
