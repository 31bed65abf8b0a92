//! Limits of a process (`getrlimit(2)`) that are too low for an arena, and the remedy for each.

use rustix::process::{Resource, getrlimit};
use std::{fmt, io};

/// A limit that can be too low for an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The limit of a file's size.
    FileSize,
    /// The limit of all mappings together.
    AddressSpace,
    /// The limit of locked memory, in a process that has called `mlockall(MCL_FUTURE)`.
    LockedMemory,
}

/// A limit of this process is too low for an arena to be created or mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    limit: Limit,
    limit_bytes: u64,
    arena_bytes: u64,
}

impl Limit {
    /// Its name for `getrlimit` and for the shell.
    const fn name(self) -> &'static str {
        match self {
            Self::FileSize => "RLIMIT_FSIZE (ulimit -f)",
            Self::AddressSpace => "RLIMIT_AS (ulimit -v)",
            Self::LockedMemory => "RLIMIT_MEMLOCK (ulimit -l)",
        }
    }

    /// Its value in bytes; `None`: unlimited.
    fn value(self) -> Option<u64> {
        getrlimit(match self {
            Self::FileSize => Resource::Fsize,
            Self::AddressSpace => Resource::As,
            Self::LockedMemory => Resource::Memlock,
        })
        .current
    }

    /// Checks that an arena of this size alone is within the limit.
    pub(crate) fn check(self, arena_bytes: usize) -> Result<(), Limited> {
        let arena_bytes = arena_bytes as u64;
        match self.value() {
            Some(limit_bytes) if limit_bytes < arena_bytes => {
                Err(Limited { limit: self, limit_bytes, arena_bytes })
            }
            _ => Ok(()),
        }
    }
}

impl Limited {
    /// The limit for which the system refused to map `arena_bytes`; `None` if the system had another reason.
    pub(crate) fn behind(error: &io::Error, arena_bytes: usize) -> Option<Self> {
        let limit = match error.raw_os_error()? {
            libc::EAGAIN => Limit::LockedMemory,
            libc::ENOMEM => Limit::AddressSpace,
            _ => return None,
        };
        Some(Self { limit, limit_bytes: limit.value()?, arena_bytes: arena_bytes as u64 })
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, limit_bytes, arena_bytes } = self;
        let name = limit.name();
        let (what, more) = match limit {
            Limit::FileSize => ("is a file, sparse, of", ""),
            Limit::AddressSpace => ("takes address space, not memory, of", ""),
            Limit::LockedMemory => (
                "has",
                ", or unlock what is mapped from now on (this process has called mlockall(MCL_FUTURE))",
            ),
        };
        write!(
            f,
            "the arena {what} {arena_bytes} bytes, and {name} is {limit_bytes}: raise that limit{more}, or create the \
             arena with a smaller Config (vmo_pool_bytes and pool_bytes, above all)"
        )
    }
}

impl std::error::Error for Limited {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_limit_and_remedy() {
        let limited = Limited { limit: Limit::AddressSpace, limit_bytes: 1000, arena_bytes: 2000 };
        let text = limited.to_string();
        for part in ["2000 bytes", "RLIMIT_AS (ulimit -v) is 1000", "pool_bytes"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn small_arenas_are_within_limits() {
        assert_eq!(Limit::FileSize.check(0), Ok(()));
        assert_eq!(Limited::behind(&io::Error::from_raw_os_error(libc::EACCES), 1), None);
    }
}
