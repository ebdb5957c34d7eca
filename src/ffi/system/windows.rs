//! Windows: which file a path leads to, and the structs of Winsock.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::AsRawHandle as _;
use std::path::Path;

use super::files::{Identity, Status};

/// Makes `CreateFile` open a directory too.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// Makes `CreateFile` open a link itself.
pub(crate) const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// Makes the system delete the file when its last handle is closed, also when that is because its process was killed.
pub(crate) const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;

/// What another program has open in a manner that rules ours out.
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;

/// `BY_HANDLE_FILE_INFORMATION`. A time is two numbers, as everything in it that has 64 bits.
#[repr(C)]
#[derive(Default)]
struct FileInformation {
    attributes: u32,
    times: [[u32; 2]; 3],
    volume: u32,
    length_high: u32,
    length_low: u32,
    links: u32,
    index_high: u32,
    index_low: u32,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetFileInformationByHandle(file: *mut std::ffi::c_void, information: *mut FileInformation) -> i32;
    fn SetLastError(error: u32);
}

/// The status of what has this path; a symbolic link is not followed. Opening it like this does not get in the way of other
/// programs, and closing it again drops no lock, unlike on Unix.
pub(crate) fn status(path: &Path) -> io::Result<Status> {
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    // No access but to the file's status, and the standard library shares everything.
    status_of(&OpenOptions::new().access_mode(0).custom_flags(flags).open(path)?)
}

fn status_of(file: &File) -> io::Result<Status> {
    let mut information = FileInformation::default();
    // SAFETY: the handle is open, and the struct is the one that the function fills in.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle().cast(), &raw mut information) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let wide = |high, low| u64::from(high) << 32 | u64::from(low);
    Ok(Status {
        identity: Identity {
            device: u64::from(information.volume),
            inode: wide(information.index_high, information.index_low),
        },
        links: u64::from(information.links),
    })
}

/// Clears this thread's last error, so that the next one seen is not an old one.
pub(crate) fn forget_last_error() {
    // SAFETY: the function takes a number.
    unsafe { SetLastError(0) };
}

/// Whether something failed because another program, or another handle of this one, has the file open.
pub(crate) fn is_in_use(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Winsock's structs, by the names that Unix has for them (`ws2def.h`, `ws2ipdef.h`).
#[cfg(all(feature = "ffi", not(test)))]
#[expect(non_camel_case_types, reason = "the names are those of C")]
pub(crate) mod winsock {
    pub(crate) const AF_INET: i32 = 2;
    pub(crate) const AF_INET6: i32 = 23;

    pub(crate) type sa_family_t = u16;

    /// Any socket address, as far as all have the same.
    #[repr(C)]
    pub struct sockaddr {
        pub(crate) sa_family: sa_family_t,
        sa_data: [u8; 14],
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(crate) struct in_addr {
        pub(crate) s_addr: u32,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(crate) struct sockaddr_in {
        pub(crate) sin_family: sa_family_t,
        pub(crate) sin_port: u16,
        pub(crate) sin_addr: in_addr,
        sin_zero: [u8; 8],
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(crate) struct in6_addr {
        pub(crate) s6_addr: [u8; 16],
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(crate) struct sockaddr_in6 {
        pub(crate) sin6_family: sa_family_t,
        pub(crate) sin6_port: u16,
        sin6_flowinfo: u32,
        pub(crate) sin6_addr: in6_addr,
        pub(crate) sin6_scope_id: u32,
    }

    /// Room for any socket address.
    #[repr(C, align(8))]
    pub struct sockaddr_storage {
        ss_family: sa_family_t,
        rest: [u8; 126],
    }

    const _: () = assert!(size_of::<sockaddr>() == 16 && size_of::<sockaddr_in>() == 16);
    const _: () = assert!(size_of::<sockaddr_in6>() == 28 && size_of::<sockaddr_storage>() == 128);
}
