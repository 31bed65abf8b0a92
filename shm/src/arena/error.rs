//! The errors of the mechanism. `jacinth` maps each to its Zircon status.

use crate::arena::word::handle::Rights;
use thiserror::Error;

/// The result of an operation on the arena.
pub type Result<T> = core::result::Result<T, Error>;

/// The reason why an operation on the arena failed. Each variant says which of its arguments the caller still owns, if
/// not all of them.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The value names no live handle of this process: it was never given out, is closed or moved, or is another
    /// process's.
    #[error("the value names no live handle of this process")]
    BadHandle,
    /// The object is not of the class that the operation works on.
    #[error("the object is not of the class that the operation works on")]
    WrongType,
    /// The handle lacks some of the rights that the operation asks for.
    #[error("the handle lacks rights {missing:#x}")]
    AccessDenied {
        /// The requested rights that the handle lacks.
        missing: Rights,
    },
    /// The object has no cookie, or one of another scope, or its peer is closed.
    #[error("the object has no cookie of this scope")]
    WrongScope,
    /// An argument is invalid in every state of the arena.
    #[error("invalid argument: {0}")]
    InvalidArgs(&'static str),
    /// A size exceeds the maximum that can ever be sent or stored.
    #[error("{what} is {value}, and at most {most}")]
    OutOfRange {
        /// The quantity that has this size.
        what: &'static str,
        /// The size.
        value: u64,
        /// The limit.
        most: u64,
    },
    /// The operation does not exist for this object.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// The object does not permit the operation, with any handle.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// A table of the arena is full. Everything stays usable: close something, or configure a larger arena.
    #[error("{0} exhausted: close some, or create the arena with a larger limit")]
    NoResources(&'static str),
    /// The arena's block pools have no block of the size asked for.
    #[error("no free block of {bytes} bytes: read pending messages, or create the arena with larger pools")]
    NoMemory {
        /// The size that was needed, in bytes.
        bytes: usize,
    },
    /// No message to read, or no room to write, for now. The operation consumed none of its arguments.
    #[error("no message to read, or no room to write, for now")]
    ShouldWait,
    /// No listener has the name.
    #[error("no listener has the name")]
    NotFound,
    /// Another listener has the name.
    #[error("another listener has the name")]
    AlreadyExists,
    /// The other side is closed.
    #[error("the other side is closed")]
    PeerClosed,
    /// The handle was closed or transferred during the wait.
    #[error("the handle was closed or transferred during the wait")]
    Canceled,
    /// The deadline passed.
    #[error("the deadline passed")]
    TimedOut,
    /// A signal handler ran during a wait that ends on signals.
    #[error("a signal handler ran during the wait")]
    Interrupted,
    /// The caller's buffers are smaller than the message.
    #[error("the message needs {bytes} bytes and {handles} handles")]
    BufferTooSmall {
        /// The message's size in bytes.
        bytes: usize,
        /// How many handles the message carries.
        handles: usize,
    },
    /// A word of the arena has a value that no operation writes. The arena is damaged.
    #[error("the arena is damaged: {0}")]
    Corrupt(&'static str),
    /// This process may not touch the arena: it was forked from an attached process, or it re-entered an operation.
    #[error("{0}")]
    BadState(&'static str),
    /// The modelled process died at a crash point. Only the loom models produce it.
    #[error("died at a crash point")]
    #[cfg(loom)]
    Died,
}

/// The death of a modelled thread. Outside the models there is none, so a result that has no other error takes no space and no
/// test.
#[cfg(not(loom))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Died {}

/// The death of a modelled thread.
#[cfg(loom)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Died;

/// The result of a step that cannot fail.
pub(crate) type UnlessDied = core::result::Result<(), Died>;

impl From<Died> for Error {
    fn from(died: Died) -> Self {
        #[cfg(not(loom))]
        match died {}
        #[cfg(loom)]
        {
            let Died = died;
            Self::Died
        }
    }
}

impl Error {
    /// Whether a modelled process has died at a crash point. Outside the models no process does.
    #[inline(always)]
    pub(crate) const fn is_crash(&self) -> bool {
        #[cfg(loom)]
        return matches!(self, Self::Died);
        #[cfg(not(loom))]
        false
    }

    /// Discards an error that is no concern of the caller, such as damage that an evaluation meets for another thread. The
    /// death of a modelled thread is every caller's concern.
    #[inline(always)]
    pub(crate) fn only_crash<T>(result: Result<T>) -> UnlessDied {
        match result {
            #[cfg(loom)]
            Err(Self::Died) => Err(Died),
            _ => Ok(()),
        }
    }

    /// [`Error::OutOfRange`] for a size in memory.
    pub fn out_of_range(what: &'static str, value: usize, most: usize) -> Self {
        Self::OutOfRange { what, value: value as u64, most: most as u64 }
    }
}
