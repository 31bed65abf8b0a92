//! The errors of creating an arena and of attaching to one.

/// The reason why an arena cannot be created, or a file cannot be attached to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The file does not start with an arena's magic number.
    #[error("not an arena: the file does not start with an arena's magic number")]
    NotAnArena,
    /// The arena was made by a version of this library that has another layout.
    #[error("the arena is of version {found}, this program speaks version {expected}: rebuild the older one")]
    AnotherVersion {
        /// The arena's version.
        found: u64,
        /// The version this build speaks.
        expected: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("the file has {actual_bytes} bytes, the arena needs {expected_bytes}")]
    Truncated {
        /// The file's size.
        actual_bytes: u64,
        /// The size that its header asks for.
        expected_bytes: u64,
    },
    /// A number in the header, or a limit of the `Config`, is out of its range.
    #[error("a limit is out of range: {0}")]
    OutOfRange(#[from] crate::arena::config::OutOfRange),
    /// The header's numbers do not match the layout that they describe.
    #[error("the header's numbers do not match the layout that they describe")]
    LayoutMismatch,
    /// The file can still be resized, so touching it could fault.
    #[error("the file is not sealed against resizing")]
    NotSealed,
    /// The file belongs to another user.
    #[error("the arena belongs to user {owner}, this process runs as {user}")]
    AnotherUser {
        /// The user id of the file's owner.
        owner: u32,
        /// This process's effective user id.
        user: u32,
    },
    /// A limit of this process is too low. The text names the limit and the remedy.
    #[cfg(not(loom))]
    #[error("{0}")]
    Limited(#[from] crate::arena::region::Limited),
    /// Mapping the file failed.
    #[error("the arena cannot be mapped: {0}")]
    Map(#[source] std::io::Error),
    /// A system call failed.
    #[error("a system call failed: {0}")]
    System(#[from] rustix::io::Errno),
}
