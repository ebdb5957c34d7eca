//! For this project's own tests: panics in a place that an environment variable names.

/// Panics if the environment variable `PEER_MANAGER_PANIC_IN` names this place.
///
/// The environment is read again only if it had the variable at the first call, so that benchmarks, which are built with
/// the tests' features, do not pay for it.
#[cfg(feature = "panic-injection")]
pub(crate) fn inject_panic(place: &str) {
    static IS_ASKED_FOR: std::sync::LazyLock<bool> =
        std::sync::LazyLock::new(|| std::env::var_os("PEER_MANAGER_PANIC_IN").is_some());
    if !*IS_ASKED_FOR {
        return;
    }
    let named = std::env::var_os("PEER_MANAGER_PANIC_IN");
    assert!(named.is_none_or(|named| named != place), "injected");
}

/// Does nothing: only a library built for tests panics on request.
#[cfg(not(feature = "panic-injection"))]
pub(crate) fn inject_panic(_place: &str) {}
