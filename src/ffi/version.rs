//! Versions.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use super::boundary;

/// The version as a C string, so that it can be static.
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"unknown",
};

/// Returns the version of the loaded library, which may be newer than the header that the program was compiled with.
/// @return major * 1000000 + minor * 1000 + patch, to be compared with PEER_MANAGER_VERSION_NUMBER
#[unsafe(no_mangle)]
pub extern "C" fn peer_manager_version_number() -> u32 {
    boundary::answer("peer_manager_version_number", 0, || {
        let number = |text: &str| text.parse::<u32>().unwrap_or(0);
        number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
            + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
            + number(env!("CARGO_PKG_VERSION_PATCH"))
    })
}

/// Returns the version of the loaded library as text, such as "0.1.0".
/// @return static text, never NULL
#[unsafe(no_mangle)]
pub extern "C" fn peer_manager_version_string() -> *const c_char {
    boundary::answer("peer_manager_version_string", c"unknown".as_ptr(), || VERSION.as_ptr())
}

/// Describes how the loaded library was built: its version, the version of SQLite and whether it is bundled or the
/// system's, and the target platform.
/// @return static text in one line, for logs and bug reports, never NULL
#[unsafe(no_mangle)]
pub extern "C" fn peer_manager_build_info() -> *const c_char {
    static BUILD_INFO: OnceLock<CString> = OnceLock::new();
    boundary::answer("peer_manager_build_info", c"unknown".as_ptr(), || {
        let build_info = || {
            let origin = if cfg!(feature = "bundled") { "bundled" } else { "system" };
            let text = format!(
                "peer_manager {}, SQLite {} ({origin}), {}",
                env!("CARGO_PKG_VERSION"),
                rusqlite::version(),
                env!("PEER_MANAGER_TARGET")
            );
            CString::new(text).unwrap_or_default()
        };
        BUILD_INFO.get_or_init(build_info).as_ptr()
    })
}
