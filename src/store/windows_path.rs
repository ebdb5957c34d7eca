//! Paths on Windows. Internally and in results, they have the form that people write: `C:\\node\\peers.db`. Only what has no
//! other name, such as a directory `a.` or a file `aux`, keeps the prefix `\\\\?\\`, which takes a path literally.
//!
//! The standard library puts that prefix before long paths by itself. SQLite does not, so the prefix is added here, with the
//! file system layer that accepts it.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf, Prefix};

/// A longer path needs the prefix. Windows takes 260 characters with the final NUL, for directories 12 fewer; the names of
/// SQLite's own files are up to 8 longer than the database's.
const LONGEST_PLAIN_PATH: usize = 247;

/// SQLite's file system layer for paths that have the prefix.
const LONG_PATHS: &str = "win32-longpath";

/// An absolute path as Windows understands it: dots and spaces at its end do not count, and `aux` is a device.
pub(super) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// The same path without the prefix that [`canonicalize`](std::fs::canonicalize) puts before it, if it leads to the same
/// file then.
pub(super) fn plain(path: PathBuf) -> PathBuf {
    let mut components = path.components();
    let start = match components.next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::VerbatimDisk(letter) => OsString::from(format!("{}:", char::from(letter))),
            Prefix::VerbatimUNC(server, share) => {
                let mut start = OsString::from(r"\\");
                start.push(server);
                start.push(r"\");
                start.push(share);
                start
            }
            _ => return path,
        },
        _ => return path,
    };
    let mut plain = start;
    plain.push(components.as_path());
    let plain = PathBuf::from(plain);
    let is_the_same =
        std::path::absolute(&plain).is_ok_and(|absolute| absolute.as_os_str() == plain.as_os_str());
    if is_the_same { plain } else { path }
}

/// What SQLite is given for an absolute path: the path, and its file system layer if that is not the usual one.
pub(super) fn for_sqlite(path: &Path) -> (PathBuf, Option<&'static str>) {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return (path.to_owned(), None) };
    if prefix.kind().is_verbatim() {
        return (path.to_owned(), Some(LONG_PATHS));
    }
    if path.as_os_str().encode_wide().count() <= LONGEST_PLAIN_PATH {
        return (path.to_owned(), None);
    }
    let rest = path.as_os_str().to_string_lossy();
    let verbatim = match prefix.kind() {
        Prefix::Disk(_) => format!(r"\\?\{rest}"),
        Prefix::UNC(..) => format!(r"\\?\UNC\{}", rest.trim_start_matches('\\')),
        _ => return (path.to_owned(), None),
    };
    (verbatim.into(), Some(LONG_PATHS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_plain(path: &str, expected: &str) {
        assert_eq!(plain(PathBuf::from(path)).as_os_str(), expected);
    }

    #[test]
    fn a_path_loses_its_prefix_unless_it_would_lead_elsewhere() {
        assert_plain(r"\\?\C:\node\peers.db", r"C:\node\peers.db");
        assert_plain(r"\\?\UNC\server\share\peers.db", r"\\server\share\peers.db");
        assert_plain(r"\\?\C:\node.\peers.db", r"\\?\C:\node.\peers.db");
        assert_plain(r"\\?\C:\node\peers.db ", r"\\?\C:\node\peers.db ");
        assert_plain(r"\\?\Volume{1}\peers.db", r"\\?\Volume{1}\peers.db");
        assert_plain(r"C:\node\peers.db", r"C:\node\peers.db");
    }

    #[test]
    fn sqlite_gets_long_paths_with_the_prefix() {
        let name = "n".repeat(250);
        for (path, expected) in [
            (r"C:\node\peers.db".to_owned(), None),
            (format!(r"C:\{name}\peers.db"), Some(format!(r"\\?\C:\{name}\peers.db"))),
            (format!(r"\\server\share\{name}"), Some(format!(r"\\?\UNC\server\share\{name}"))),
            (r"\\?\C:\node.\peers.db".to_owned(), Some(r"\\?\C:\node.\peers.db".to_owned())),
        ] {
            let (given, layer) = for_sqlite(Path::new(&path));
            assert_eq!(given.to_str().unwrap(), expected.as_deref().unwrap_or(&path));
            assert_eq!(layer.is_some(), expected.is_some(), "{path}");
        }
    }
}
