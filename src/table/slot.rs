//! Slots: indexes into the slab, four bytes each.

/// The most peers that slots can number: a quarter of the numbers is left to the key index, which needs the space.
pub(super) const MAX_SLOTS: usize = 3 << 30;

/// In place of a slot, where there is none.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// An index into the slab, or into an array that is never longer than the slab, as a number of four bytes.
#[expect(clippy::cast_possible_truncation, reason = "the bounds keep the table below MAX_SLOTS")]
pub(super) fn slot_number(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok(), "the bounds keep the table below MAX_SLOTS");
    index as u32
}
