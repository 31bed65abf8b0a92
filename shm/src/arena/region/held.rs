//! Descriptors of the library, in a program that may close descriptors it does not own: by `closefrom(3)`, or by
//! closing a descriptor twice. Afterwards the number is free, or names a file of the program.
//!
//! So each `Held` remembers its file (device and inode). It uses and closes the number only while the number still
//! names that file. Sockets, pipes and memory files have inodes of their own, and so have pidfds since Linux 6.9.
//! (Before 6.9, all pidfds share one inode with all anonymous files. A thread that watches a process by a pidfd
//! therefore needs more proof than the pidfd alone.)
//!
//! Numbers are high where the process may have high ones, so such accidents are rarer.
//!
//! Another thread may still close the number between the check and the use. The library cannot prevent that; the
//! program must not close descriptors it does not own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

/// Descriptor numbers start here, if the process may have them.
const HIGH: i32 = 512;

/// An open file that the library owns.
#[derive(Debug)]
pub struct Held {
    /// `None` only while it is dropped.
    file: Option<OwnedFd>,
    id: FileId,
}

/// The identity of a file, independent of its descriptor and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The device of its file system.
    pub device: u64,
    /// Its inode on that device.
    pub inode: u64,
}

impl FileId {
    /// The identity of the file that is open under this descriptor.
    pub fn of(file: impl AsFd) -> io::Result<Self> {
        let found = rustix::fs::fstat(file)?;
        Ok(Self { device: found.st_dev, inode: found.st_ino })
    }
}

impl Held {
    /// Takes this file, under a higher number if there is one.
    pub fn new(file: OwnedFd) -> io::Result<Self> {
        let id = FileId::of(&file)?;
        let file = rustix::io::fcntl_dupfd_cloexec(&file, HIGH).unwrap_or(file);
        Ok(Self { file: Some(file), id })
    }

    /// The file, to be used at once. `None` if the number now names another file, or no file.
    pub fn get(&self) -> Option<BorrowedFd<'_>> {
        self.is_intact().then(|| self.number())
    }

    /// The number, to be polled. A result of the poll concerns the file only if it [`is_intact`](Self::is_intact).
    pub fn number(&self) -> BorrowedFd<'_> {
        self.file.as_ref().expect("it is held until it is dropped").as_fd()
    }

    /// Whether the number still names the file.
    pub fn is_intact(&self) -> bool {
        FileId::of(self.number()).is_ok_and(|id| id == self.id)
    }

    /// The identity of the file.
    pub fn id(&self) -> FileId {
        self.id
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_intact() {
            // The number is free, or names another file. Closing it would close a descriptor of the program.
            let _ = self.file.take().map(IntoRawFd::into_raw_fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, FromRawFd};

    /// Closes a number that this function does not own.
    fn close(number: i32) {
        // SAFETY: the accident that this file guards against; no other code uses the number.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }

    fn pipe() -> (Held, OwnedFd) {
        let (near, far) = rustix::pipe::pipe().unwrap();
        (Held::new(near).unwrap(), far)
    }

    #[test]
    fn a_closed_number_is_not_used() {
        let (held, far) = pipe();
        assert!(held.get().is_some());
        close(held.number().as_raw_fd());
        assert!(held.get().is_none());
        drop((held, far));
    }

    #[test]
    fn a_reused_number_is_left_open() {
        let (held, _far) = pipe();
        let number = held.number().as_raw_fd();
        close(number);
        let another = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), number).unwrap();
        assert_eq!(another.as_raw_fd(), number);
        assert!(held.get().is_none());
        drop(held);
        assert!(rustix::io::fcntl_getfd(&another).is_ok(), "it is still open");
    }

    #[test]
    fn dropping_a_file_closes_it() {
        let (held, far) = pipe();
        drop(held);
        let error = rustix::io::write(&far, b"x").unwrap_err();
        assert_eq!(error, rustix::io::Errno::PIPE);
    }
}
