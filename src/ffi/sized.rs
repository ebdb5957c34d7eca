//! Structs that may grow. Each begins with its size as the caller knows it.
//!
//! A caller that was compiled against an older header passes a smaller struct: the fields that it lacks have their
//! defaults. One that was compiled against a newer header passes a larger one: its tail must be zero, because this library
//! cannot do what an unknown field asks for. Either way no byte outside the caller's struct is touched.

use std::ptr;

use super::handle::{check_alignment, is_null};
use crate::error::{Error, Result};

/// No version of a struct will ever be larger; a size beyond it was never set.
const LARGEST: usize = 4096;

/// A struct that begins with `uint32_t struct_size`. Every pattern of bits must be a valid value.
pub(super) trait Growing: Copy {
    /// The C name.
    const NAME: &'static str;
    /// Its size in its first version.
    const FIRST_SIZE: usize;
    /// An initialised struct, apart from its size.
    const DEFAULT: Self;
}

/// The size of the struct as the caller knows it.
#[derive(Clone, Copy)]
pub(super) struct CallersSize(usize);

/// Reads a caller's struct, with defaults for what it lacks.
pub(super) unsafe fn read<T: Growing>(pointer: *const T, name: &str) -> Result<T> {
    // SAFETY: by contract the pointer is NULL or valid for the struct's own size.
    let CallersSize(size) = unsafe { check(pointer, name) }?;
    if size == size_of::<T>() {
        // SAFETY: by contract the pointer is valid for the struct's own size, and it is aligned.
        return Ok(unsafe { pointer.read() });
    }
    let mut value = T::DEFAULT;
    let known = size.min(size_of::<T>());
    // SAFETY: `known` bytes are valid on both sides, and any bits make a valid `T`.
    unsafe { ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut value).cast(), known) };
    Ok(value)
}

/// Checks a caller's struct that is to be written.
pub(super) unsafe fn check<T: Growing>(pointer: *const T, name: &str) -> Result<CallersSize> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    check_alignment(pointer, name)?;
    // SAFETY: by contract the pointer is valid for a struct that begins with its size, and it is aligned.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    if size < T::FIRST_SIZE {
        return Err(is_too_small(name, size, T::NAME, T::FIRST_SIZE));
    }
    if size > LARGEST {
        return Err(is_unknown(name, size, T::NAME));
    }
    for offset in size_of::<T>()..size {
        // SAFETY: by contract the struct is valid for `size` bytes.
        let byte = unsafe { pointer.cast::<u8>().add(offset) };
        // SAFETY: as above.
        if unsafe { byte.read() } != 0 {
            return Err(is_unknown(name, size, T::NAME));
        }
    }
    Ok(CallersSize(size))
}

#[cold]
#[inline(never)]
fn is_too_small(name: &str, size: usize, type_name: &str, least: usize) -> Error {
    Error::InvalidArgument(format!(
        "{name}->struct_size is {size}, but {type_name} has at least {least} bytes; initialise it with {type_name}_init"
    ))
}

#[cold]
#[inline(never)]
fn is_unknown(name: &str, size: usize, type_name: &str) -> Error {
    Error::Unsupported(format!(
        "{name} is a {type_name} of {size} bytes that uses fields which version {} does not know; update the library",
        env!("CARGO_PKG_VERSION")
    ))
}

/// Writes as much of a struct as the caller knows, except its size.
pub(super) unsafe fn write<T: Growing>(pointer: *mut T, CallersSize(size): CallersSize, value: &T) {
    let known = size.min(size_of::<T>()) - size_of::<u32>();
    let from = ptr::from_ref(value).cast::<u32>().wrapping_add(1).cast::<u8>();
    let to = pointer.cast::<u32>().wrapping_add(1).cast::<u8>();
    // SAFETY: the caller's struct is valid for `size` bytes, the size's own four among them.
    unsafe { ptr::copy_nonoverlapping(from, to, known) };
}

/// Initialises a caller's struct of any size: defaults, then zeros for what this library does not know.
///
/// It writes bytes, so the struct need not be aligned here: the call that uses it returns the error.
pub(super) unsafe fn init<T: Growing>(pointer: *mut T, size: usize) {
    let Ok(struct_size) = u32::try_from(size) else { return };
    if pointer.is_null() || size < size_of::<u32>() {
        return;
    }
    // SAFETY: by contract the pointer is valid for `size` bytes.
    unsafe { pointer.cast::<u8>().write_bytes(0, size) };
    // SAFETY: as above, and `size` holds at least the size's own four bytes.
    unsafe { write(pointer, CallersSize(size), &T::DEFAULT) };
    // SAFETY: as above.
    unsafe { pointer.cast::<u32>().write_unaligned(struct_size) };
}
