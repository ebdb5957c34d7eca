//! The options that the library initialises.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use peer_manager::ffi::options::{peer_manager_options, peer_manager_options_init};

use super::model::netgroup::Policy;

/// The file with the AS map of the model.
pub(super) const FEW_SYSTEMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/common/asmap/few.dat");
const FEW_SYSTEMS_IN_C: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/common/asmap/few.dat", "\0");

/// Sets the options that make the policy.
pub(super) fn follow(policy: Policy, options: &mut peer_manager_options) {
    options.reach = policy.reach as u32;
    options.name_groups = policy.names as u32;
    if policy.has_asmap {
        let path = CStr::from_bytes_with_nul(FEW_SYSTEMS_IN_C.as_bytes());
        options.asmap_path = path.expect("it has one NUL, at its end").as_ptr();
    }
}

pub(super) fn default_options() -> peer_manager_options {
    let mut options = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for the call, which initialises all of it.
    unsafe {
        peer_manager_options_init(options.as_mut_ptr(), size_of::<peer_manager_options>());
        options.assume_init()
    }
}
