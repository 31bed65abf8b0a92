//! What can go wrong, in the mechanism's words. `jacinth` gives each its Zircon status.

use thiserror::Error;

/// The result of an operation on the arena.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation on the arena did not happen. Each variant says what the caller still owns, where that is
/// not everything it had.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The value names no live handle of this process: never given out, closed, moved, or another process's.
    #[error("the value names no live handle of this process")]
    BadHandle,
    /// The object is of another kind than the operation works on.
    #[error("the object is of another kind than the operation works on")]
    WrongType,
    /// The handle lacks some of the rights that the operation asks for.
    #[error("the handle lacks rights {missing:#x}")]
    AccessDenied {
        /// The rights that were asked for and are not there.
        missing: u32,
    },
    /// An argument makes no sense, whatever the state of the arena.
    #[error("invalid argument: {0}")]
    InvalidArgs(&'static str),
    /// A size is past what can ever be sent or stored.
    #[error("{what} is {value}, and at most {most}")]
    OutOfRange {
        /// What it is the size of.
        what: &'static str,
        /// The size.
        value: u64,
        /// The limit.
        most: u64,
    },
    /// The operation does not exist for this object.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// A table of the arena is full. Everything stays usable; close something, or configure a larger arena.
    #[error("{0} exhausted: close some, or create the arena with a larger limit")]
    NoResources(&'static str),
    /// The arena's block pools have no block of the size asked for.
    #[error("no free block of {bytes} bytes: read pending messages, or create the arena with larger pools")]
    NoMemory {
        /// The size that was needed, in bytes.
        bytes: usize,
    },
    /// Nothing to read, or no room to write, for now. Nothing was consumed.
    #[error("nothing to read, or no room to write, for now")]
    ShouldWait,
    /// The other side is closed.
    #[error("the other side is closed")]
    PeerClosed,
    /// The handle was closed or transferred during the wait.
    #[error("the handle was closed or transferred during the wait")]
    Canceled,
    /// The deadline passed.
    #[error("the deadline passed")]
    TimedOut,
    /// A signal handler ran during a wait that ends then.
    #[error("a signal handler ran during the wait")]
    Interrupted,
    /// The buffers given are smaller than the message.
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
    /// This process may not touch the arena: it was forked from an attached one, or re-entered an operation.
    #[error("{0}")]
    BadState(&'static str),
    /// The modelled process died at a crash point. Only the loom models produce it.
    #[error("died at a crash point")]
    Died,
}

impl Error {
    /// `OutOfRange`, of sizes in memory.
    pub fn out_of_range(what: &'static str, value: usize, most: usize) -> Self {
        Self::OutOfRange { what, value: value as u64, most: most as u64 }
    }
}
