//! Files, as far as `std::fs` does not reach.

use std::fs::File;
use std::io;

/// Where the first data at or after `offset` begin, which skips the holes of a sparse file; None if there are none up to
/// its end. Where the system cannot say, that is `offset` itself: a hole is read like zeros then.
///
/// Moves the position of `file`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn next_data(file: &File, offset: u64) -> io::Result<Option<u64>> {
    use std::os::fd::AsRawFd as _;

    // More than a file can be long.
    let Ok(from) = libc::off_t::try_from(offset) else { return Ok(None) };
    // SAFETY: the call takes numbers only, and the descriptor is open as long as `file` is borrowed.
    let at = unsafe { libc::lseek(file.as_raw_fd(), from, libc::SEEK_DATA) };
    if let Ok(at) = u64::try_from(at) {
        return Ok(Some(at));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENXIO) => Ok(None),
        // An old file system, or one of the network's.
        Some(libc::EINVAL | libc::EOPNOTSUPP) => Ok(Some(offset)),
        _ => Err(error),
    }
}

/// Where the first data at or after `offset` begin, which skips the holes of a sparse file. This system is not asked, so
/// that is `offset` itself: a hole is read like zeros.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that can say")]
pub(crate) fn next_data(_: &File, offset: u64) -> io::Result<Option<u64>> {
    Ok(Some(offset))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::next_data;

    #[test]
    fn holes_are_skipped_and_what_is_behind_them_is_found() {
        const FAR: u64 = 1 << 36;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.seek(SeekFrom::Start(FAR)).unwrap();
        file.write_all(&[2; 4096]).unwrap();
        file.set_len(FAR * 2).unwrap();
        assert_eq!(next_data(&file, 0).unwrap(), Some(0));
        let found = next_data(&file, 1 << 20).unwrap().unwrap();
        if found == 1 << 20 {
            println!("skipped: this file system does not tell where its holes are");
            return;
        }
        // File systems keep data in blocks of different sizes.
        assert!(found <= FAR && found > FAR - (1 << 20), "{found}");
        assert_eq!(next_data(&file, FAR + (1 << 20)).unwrap(), None);
        assert_eq!(next_data(&file, FAR * 4).unwrap(), None);
    }
}
