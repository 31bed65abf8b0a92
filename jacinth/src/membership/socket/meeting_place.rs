//! From an arena's name to the path of its socket.
//!
//! ```text
//!  $XDG_RUNTIME_DIR/jacinth/NAME.socket             or, without the variable, $TMPDIR/jacinth-user-UID/NAME.socket
//!                           NAME.socket.next        the files of every arena: see `path`
//!                           NAME.socket.lock
//! ```
//!
//! The endings differ, so no file of one name is a file of another name.

use crate::membership::socket::address::NAME_BYTES;
use crate::membership::socket::folder;
use crate::membership::socket::names::NEXT_SUFFIX;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

const SUFFIX: &str = ".socket";

/// The bytes that a name may have: the limit of a socket's address, less the endings. The folder's length does not count.
pub const MAX_NAME_BYTES: usize = NAME_BYTES - SUFFIX.len() - NEXT_SUFFIX.len();

/// Why the name is none for an arena; `None` for a good name.
pub(crate) fn fault_of(name: &OsStr) -> Option<String> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        Some("it is empty".into())
    } else if bytes.len() > MAX_NAME_BYTES {
        Some(format!(
            "it has {} bytes, and may have {MAX_NAME_BYTES}: a socket's address has no room for more",
            bytes.len()
        ))
    } else if bytes.contains(&b'/') {
        Some("it contains a slash: a name is no path (`attach` takes a path)".into())
    } else if bytes.contains(&0) {
        Some("it contains a NUL".into())
    } else {
        None
    }
}

/// The path of the socket of this user's arena with this name, in a folder that only this user can enter. An error has the
/// folder that cannot be used.
pub(crate) fn path_of(name: &OsStr) -> Result<PathBuf, (PathBuf, io::Error)> {
    let mut file = name.to_owned();
    file.push(SUFFIX);
    Ok(folder::of_named_arenas()?.join(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::socket::names::{beside, lock_file_of};
    use std::path::Path;

    #[test]
    fn bad_names_have_a_fault() {
        let long = "n".repeat(MAX_NAME_BYTES + 1);
        let bad = [
            ("", "empty"),
            ("a/b", "slash"),
            ("/", "slash"),
            ("a\0b", "NUL"),
            (&*long, "53 bytes, and may have 52"),
        ];
        for (name, fault) in bad {
            assert!(fault_of(name.as_ref()).is_some_and(|text| text.contains(fault)), "{name:?}");
        }
        for name in ["a", ".", "..", "with space", "\n", "ärger", &long[1..]] {
            assert_eq!(fault_of(name.as_ref()), None, "{name:?}");
        }
        assert_eq!(fault_of(OsStr::from_bytes(b"\xff")), None);
    }

    #[test]
    fn no_two_names_share_a_file() {
        let files = |name: &str| {
            let path = Path::new("/run").join(format!("{name}{SUFFIX}"));
            [lock_file_of(&path), beside(&path, NEXT_SUFFIX), path]
        };
        let names = ["a", "a.socket", "a.socket.lock", "a.socket.next", "a.lock", "a.next"];
        for (index, name) in names.iter().enumerate() {
            for other in &names[..index] {
                assert!(files(name).iter().all(|file| !files(other).contains(file)), "{name} {other}");
            }
        }
    }
}
