//! Descriptors of the library's own, in a program that may close what is not its own: by `closefrom(3)`, or by closing
//! something twice. Then the number is nobody's, or names a file of the program's.
//!
//! So each remembers which file it is of (device and inode), and is used, and closed, only while its number still names
//! that. Sockets, pipes and memory files have inodes of their own, and so have pidfds since Linux 6.9. (Before, pidfds
//! share one with all anonymous files. Whoever watches a process by one asks for more than its word.)
//!
//! Numbers are high where that can be had, which makes such accidents rarer.
//!
//! Between a look and the use another thread may still close the number: nothing helps against that but the program's
//! leaving alone what is not its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

/// Numbers from here on, if the process may have them.
const HIGH: i32 = 512;

/// An open file of the library's own.
#[derive(Debug)]
pub struct Held {
    /// `None` only while it is dropped.
    file: Option<OwnedFd>,
    id: FileId,
}

/// Which file it is, whatever its number or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Of its file system.
    pub device: u64,
    /// On that.
    pub inode: u64,
}

impl FileId {
    /// Of what is open under this number.
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

    /// The file, to be used at once; `None` if the number names another by now, or nothing.
    pub fn get(&self) -> Option<BorrowedFd<'_>> {
        self.is_intact().then(|| self.number())
    }

    /// The number, to be polled: what comes of that says something about the file only if it
    /// [`is_intact`](Self::is_intact).
    pub fn number(&self) -> BorrowedFd<'_> {
        self.file.as_ref().expect("it is held until it is dropped").as_fd()
    }

    /// Whether the number still names the file.
    pub fn is_intact(&self) -> bool {
        FileId::of(self.number()).is_ok_and(|id| id == self.id)
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_intact() {
            // The number is nobody's, or somebody else's, by now.
            let _ = self.file.take().map(IntoRawFd::into_raw_fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, FromRawFd};

    /// Closes a number that is not this function's to close.
    fn close(number: i32) {
        // SAFETY: an accident of the kind that this file is about; nobody else uses the number.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }

    fn pipe() -> (Held, OwnedFd) {
        let (near, far) = rustix::pipe::pipe().unwrap();
        (Held::new(near).unwrap(), far)
    }

    #[test]
    fn a_file_whose_number_is_gone_is_not_used() {
        let (held, far) = pipe();
        assert!(held.get().is_some());
        close(held.number().as_raw_fd());
        assert!(held.get().is_none());
        drop((held, far));
    }

    #[test]
    fn a_number_that_names_another_file_is_left_alone() {
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
    fn a_file_that_is_dropped_is_closed() {
        let (held, far) = pipe();
        drop(held);
        let error = rustix::io::write(&far, b"x").unwrap_err();
        assert_eq!(error, rustix::io::Errno::PIPE);
    }
}
