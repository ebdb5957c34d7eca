//! Which autonomous system announces an address, from a map in the format of Bitcoin Core's `asmap.dat`.
//!
//! An operator of many prefixes is one autonomous system (AS) all the same, so an AS is a better netgroup than a prefix.
//!
//! # The format
//!
//! A map is a program for a machine that reads the 128 bits of an address, first bit first ([`code`] has the encoding). It has
//! four instructions, without gaps between them and without regard to bytes:
//!
//! - RETURN: the address belongs to this AS.
//! - JUMP: the next bit of the address chooses between the code that follows, for 0, and the code at some distance, for 1.
//! - MATCH: the next one to eight bits of the address must be these. Otherwise the address belongs to the default AS.
//! - DEFAULT: the default AS is this one from now on. At first there is none.
//!
//! All jumps go forwards, so the program is a binary tree, each node followed by its two branches. A map that does not have
//! that shape, or that says something in a longer way than needed, is refused when it is read ([`check`]); the rules are
//! Bitcoin Core's, so that both take the same files. An IPv4 address is looked up as `::ffff:a.b.c.d`.

mod check;
mod code;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::error::{Error, Quoted, Result};
use crate::memory;
use code::{Code, Instruction};

/// The largest file that is read: ten times the size of a map of the whole Internet in 2026.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// A map whose code was checked.
pub(crate) struct AsMap {
    code: Vec<u8>,
}

impl AsMap {
    /// Reads and checks a file. Never waits for another process, as opening a FIFO would.
    ///
    /// Cost: linear in the size of the file, which is at most [`MAX_BYTES`]; its bytes stay in memory.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let refused = |reason: &dyn fmt::Display| {
            Error::InvalidArgument(format!(
                "asmap_path {} cannot be used: {reason}; give the path of a map like Bitcoin Core's asmap.dat, or none",
                Quoted(&path.to_string_lossy())
            ))
        };
        let file = open(path).map_err(|error| refused(&error))?;
        let metadata = file.metadata().map_err(|error| refused(&error))?;
        if !metadata.is_file() {
            return Err(refused(&"it is not a regular file"));
        }
        if metadata.len() > MAX_BYTES {
            let len = metadata.len();
            return Err(refused(&format_args!("it has {len} bytes, and a map at most {MAX_BYTES}")));
        }
        let no_memory = |_| Error::no_memory("for the AS map");
        let mut code = memory::with_capacity(usize::try_from(metadata.len()).unwrap_or(usize::MAX))
            .map_err(no_memory)?;
        // No more than that, even if the file grows meanwhile.
        file.take(metadata.len()).read_to_end(&mut code).map_err(|error| refused(&error))?;
        Self::parse(code).map_err(|flaw| refused(&flaw))
    }

    /// Checks the bytes of a file.
    ///
    /// Cost: one pass over them.
    fn parse(code: Vec<u8>) -> std::result::Result<Self, check::Flaw> {
        check::check(&code)?;
        Ok(Self { code })
    }

    /// The AS of an IPv6 address, or of an IPv4 address as `::ffff:a.b.c.d`; `None` if the map does not know it.
    ///
    /// Cost: at most 257 instructions, because each but RETURN and DEFAULT reads a bit of the address and no DEFAULT is followed
    /// by another or by RETURN. No allocation.
    pub(crate) fn lookup(&self, ip: [u8; 16]) -> Option<u32> {
        let mut code = Code::new(&self.code);
        let mut ip = Unread { bits: u128::from_be_bytes(ip), len: 128 };
        let mut default = None;
        // Checked code always has a next instruction, and there are bits left for it.
        loop {
            match code.next()? {
                Instruction::Return(asn) => return Some(asn),
                Instruction::Jump(distance) => {
                    if ip.take(1)? == 1 {
                        code.skip(distance);
                    }
                }
                Instruction::Match(pattern) => {
                    if ip.take(pattern.len)? != pattern.bits {
                        return default;
                    }
                }
                Instruction::Default(asn) => default = Some(asn),
            }
        }
    }
}

impl fmt::Debug for AsMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsMap({} bytes)", self.code.len())
    }
}

/// The bits of an address that have not been looked at yet, from the highest on.
struct Unread {
    bits: u128,
    len: u32,
}

impl Unread {
    /// The next bits, at most eight, as a number.
    fn take(&mut self, len: u32) -> Option<u32> {
        self.len = self.len.checked_sub(len)?;
        let [first, ..] = self.bits.to_be_bytes();
        self.bits <<= len;
        Some(u32::from(first) >> (8 - len))
    }
}

/// Opens a file for reading, without waiting for a writer if it is a FIFO.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    // Windows refuses to open a directory as if that were forbidden.
    if path.is_dir() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

#[cfg(test)]
mod tests;
