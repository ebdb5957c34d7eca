//! The options that the library initialises.

use std::mem::MaybeUninit;

use peer_manager::ffi::options::{peer_manager_options, peer_manager_options_init};

pub(super) fn default_options() -> peer_manager_options {
    let mut options = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for the call, which initialises all of it.
    unsafe {
        peer_manager_options_init(options.as_mut_ptr(), size_of::<peer_manager_options>());
        options.assume_init()
    }
}
