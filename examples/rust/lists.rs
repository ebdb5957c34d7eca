//! Lists of addresses, one per line: how they are read and written. All languages' examples read and write the same.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use peer_manager::{PeerAddress, PeerManager, StoredPeerType};

const DEFAULT_PORT: u16 = 11_625;

/// What came of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// How many addresses there were; `bad` lines were not addresses.
    pub(crate) read: usize,
    /// Those that were new.
    pub(crate) added: usize,
    pub(crate) bad: usize,
}

/// Adds the addresses of a text file; the first of them become preferred peers. A line that is no address is reported
/// and skipped.
pub(crate) fn import_peers(
    manager: &PeerManager,
    path: &Path,
    preferred: usize,
    report: &mut dyn Write,
) -> Result<Imported, Box<dyn Error>> {
    let text = fs::read(path).map_err(|error| failure("read", path, &error))?;
    let mut addresses = Vec::new();
    let mut bad = 0;
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match PeerAddress::parse(line, Some(DEFAULT_PORT)) {
            Ok(address) => addresses.push(address),
            Err(reason) => {
                bad += 1;
                // If even this cannot be written, nothing can.
                let _ = writeln!(report, "{}:{number}: {reason}", path.display());
            }
        }
    }
    let added = manager.ensure_exists_many(&addresses)?;
    for address in addresses.iter().take(preferred) {
        manager.update_type(address, StoredPeerType::Preferred, true)?;
    }
    Ok(Imported { read: addresses.len(), added, bad })
}

/// Writes the addresses of all peers, sorted. It writes a file next to the one that is wanted, which then takes its place
/// at once: whatever happens meanwhile, no reader finds half a list.
pub(crate) fn export_peers(manager: &PeerManager, path: &Path) -> Result<(), Box<dyn Error>> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let reason = io::Error::other("it is there and no regular file; give another path");
        return Err(failure("write", path, &reason));
    }
    let mut lines: Vec<String> =
        manager.get_all_peers()?.iter().map(|record| format!("{}\n", record.address)).collect();
    lines.sort_unstable();
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".tmp-{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    write_new_file(&temporary, lines.concat().as_bytes()).and_then(|()| fs::rename(&temporary, path)).map_err(
        |error| {
            if error.kind() != ErrorKind::AlreadyExists {
                let _ = fs::remove_file(&temporary); // which may not be there
            }
            failure("write", path, &error)
        },
    )
}

fn write_new_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Why a list could not be read or written, in one line.
fn failure(what: &str, path: &Path, error: &io::Error) -> Box<dyn Error> {
    format!("cannot {what} \"{}\": {error}", path.display()).into()
}
