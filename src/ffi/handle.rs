//! The only place that turns a caller's pointers into references and values.
//!
//! Every function is `unsafe` for one reason, the contract of the [module above](super): a pointer that is not
//! NULL, and has the alignment of its type, is valid. NULL and alignment are checked here: a reference that is not
//! aligned is undefined behaviour in Rust, even on processors that do not mind. No reference to an input is used after an
//! output is written, so inputs may share memory with outputs; outputs are not read as references, so they may be
//! uninitialised.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

use crate::error::{Error, Result};

/// An argument that must not be NULL.
pub(super) unsafe fn input<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { optional(pointer, name) }?.ok_or_else(|| is_null(name))
}

/// An argument that may be NULL.
pub(super) unsafe fn optional<'a, T>(pointer: *const T, name: &str) -> Result<Option<&'a T>> {
    check_alignment(pointer, name)?;
    // SAFETY: by contract the pointer is NULL or valid, and it is aligned.
    Ok(unsafe { pointer.as_ref() })
}

/// An argument of a function that cannot fail: nothing for NULL and for a pointer that is not aligned.
pub(super) unsafe fn any<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: by contract the pointer is NULL or valid, and it is aligned.
    if pointer.is_aligned() { unsafe { pointer.as_ref() } } else { None }
}

/// An array of arguments; NULL with a count of 0 is an empty one.
pub(super) unsafe fn inputs<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    check_count::<T>(count, name)?;
    check_alignment(pointer, name)?;
    match NonNull::new(pointer.cast_mut()) {
        None if count == 0 => Ok(&[]),
        None => Err(is_null(name)),
        // SAFETY: by contract the pointer is valid for `count` elements, it is aligned, and their size does not
        // overflow.
        Some(first) => Ok(unsafe { std::slice::from_raw_parts(first.as_ptr(), count) }),
    }
}

/// A NUL-terminated text in UTF-8.
pub(super) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: by contract the pointer is valid up to a NUL.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| is_not_utf8(name))
}

#[cold]
#[inline(never)]
fn is_not_utf8(name: &str) -> Error {
    Error::InvalidArgument(format!("{name} is not UTF-8; pass UTF-8 text"))
}

/// The bytes of C characters, which are signed on some platforms.
pub(super) fn bytes(characters: &[c_char]) -> &[u8] {
    // SAFETY: a `c_char` is a byte, and every byte is valid.
    unsafe { std::slice::from_raw_parts(characters.as_ptr().cast(), characters.len()) }
}

/// As [`bytes`], to be written.
pub(super) fn bytes_mut(characters: &mut [c_char]) -> &mut [u8] {
    // SAFETY: as above, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(characters.as_mut_ptr().cast(), characters.len()) }
}

/// Where one result is written.
pub(super) struct Output<T>(NonNull<T>);

/// A result that must not be NULL.
pub(super) unsafe fn output<T>(pointer: *mut T, name: &str) -> Result<Output<T>> {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { optional_output(pointer, name) }?.ok_or_else(|| is_null(name))
}

/// A result that may be NULL. It is checked before the call does anything, because its alignment may be refused.
pub(super) unsafe fn optional_output<T>(pointer: *mut T, name: &str) -> Result<Option<Output<T>>> {
    check_alignment(pointer, name)?;
    Ok(NonNull::new(pointer).map(Output))
}

/// A struct of C that is plain data.
///
/// # Safety
/// All zeros is a value of it.
pub(super) unsafe trait Plain {}

impl<T: Plain> Output<T> {
    /// Sets the caller's struct to zeros and then fills it in from values of our own: inputs are no longer used,
    /// because they may be the same memory.
    pub(super) fn fill(mut self, fill_in: impl FnOnce(&mut T)) {
        // SAFETY: by the contract of the function that made it, the pointer is valid for one `T`, and it is aligned.
        unsafe { self.0.write_bytes(0, 1) };
        // SAFETY: as above, all zeros is a value, and inputs are not used any more, so the reference is the only one.
        fill_in(unsafe { self.0.as_mut() });
    }
}

impl<T> Output<T> {
    pub(super) fn write(self, value: T) {
        // SAFETY: by the contract of the function that made it, the pointer is valid for one `T`, and it is aligned.
        unsafe { self.0.write(value) }
    }
}

/// Where up to `capacity` results are written.
pub(super) struct Outputs<T> {
    first: NonNull<T>,
    capacity: usize,
}

/// An array of results; NULL with a capacity of 0 is fine.
pub(super) unsafe fn outputs<T>(pointer: *mut T, capacity: usize, name: &str) -> Result<Outputs<T>> {
    check_count::<T>(capacity, name)?;
    check_alignment(pointer, name)?;
    match NonNull::new(pointer) {
        None if capacity == 0 => Ok(Outputs { first: NonNull::dangling(), capacity }),
        None => Err(is_null(name)),
        Some(first) => Ok(Outputs { first, capacity }),
    }
}

impl<T> Outputs<T> {
    /// Writes as many values as there are, at most the capacity.
    pub(super) fn write(self, values: impl Iterator<Item = T>) {
        self.zip(values).for_each(|(output, value)| output.write(value));
    }

    /// The places, each with one of the values, as long as there are both.
    pub(super) fn zip<V>(self, values: impl Iterator<Item = V>) -> impl Iterator<Item = (Output<T>, V)> {
        values.take(self.capacity).enumerate().map(move |(index, value)| {
            // SAFETY: by the contract of the function that made it, the pointer is valid for `capacity` elements,
            // and `index` is less; each element is aligned if the first one is.
            (Output(unsafe { self.first.add(index) }), value)
        })
    }
}

/// Gives a value to the caller, who frees it with [`free`].
pub(super) fn into_handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Drops what [`into_handle`] returned. Ignores NULL, and a pointer that is not aligned, which it cannot have returned.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() && handle.is_aligned() {
        // SAFETY: by contract the handle came from `into_handle` and was not freed.
        drop(unsafe { Box::from_raw(handle) });
    }
}

/// The error of one element of a batch, with its position.
#[cold]
#[inline(never)]
pub(super) fn at_index(error: Error, name: &str, index: usize) -> Error {
    match error {
        Error::InvalidAddress { text, reason, .. } => {
            Error::InvalidAddress { text, reason, element: Some(format!("{name}[{index}]")) }
        }
        Error::InvalidArgument(message) => Error::InvalidArgument(format!("{name}[{index}]: {message}")),
        other => other,
    }
}

fn check_count<T>(count: usize, name: &str) -> Result<()> {
    match count.checked_mul(size_of::<T>()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(is_too_many(count, name)),
    }
}

#[cold]
#[inline(never)]
fn is_too_many(count: usize, name: &str) -> Error {
    Error::InvalidArgument(format!(
        "{name} has {count} elements, which is more than memory can hold; pass the right count"
    ))
}

/// Refuses a pointer that does not have the alignment of its type; NULL has it.
pub(super) fn check_alignment<T>(pointer: *const T, name: &str) -> Result<()> {
    if pointer.is_aligned() { Ok(()) } else { Err(is_not_aligned(name)) }
}

#[cold]
#[inline(never)]
fn is_not_aligned(name: &str) -> Error {
    Error::InvalidArgument(format!(
        "{name} is not aligned; pass a pointer to a variable of its type, or memory from malloc"
    ))
}

#[cold]
#[inline(never)]
pub(super) fn is_null(name: &str) -> Error {
    Error::InvalidArgument(format!("{name} is NULL; pass a valid pointer"))
}

/// The error for a number that is no enumerator.
#[cold]
#[inline(never)]
pub(super) fn unknown(number: u32, name: &str, known: &str) -> Error {
    Error::InvalidArgument(format!("{name} is {number}, which is none of its values; use {known}"))
}
