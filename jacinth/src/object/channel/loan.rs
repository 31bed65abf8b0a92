//! A message that is filled where it will lie.

use super::Channel;
use crate::attachment::current_thread::{self, with_thread};
use crate::attachment::dropped::Dropped;
use crate::handle::HandleRef;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::marker::PhantomData;

/// Room for a message, to be filled in place. Dropped unsent, it goes back to the channel.
///
/// The memory counts as uninitialised. Bytes that were not written are zero when the message is sent. Filling all of it
/// avoids the cost of the zeros: from the front with [`write_at`](Self::write_at), or in any order through
/// [`as_raw`](Self::as_raw).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let mut loan = ours.reserve(6)?;
/// loan.write_at(2, b"rest")?;
/// assert_eq!(loan.len(), 6);
/// loan.commit()?;
/// let mut message = MessageBuf::new();
/// theirs.read(&mut message)?;
/// assert_eq!(message.bytes(), b"\0\0rest");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a loan sends nothing, and gives its memory back"]
#[derive(Debug)]
pub struct Loan<'a> {
    /// There until it is sent.
    loan: Option<shm::Loan>,
    channel: PhantomData<HandleRef<'a>>,
}

impl Loan<'_> {
    fn new(loan: shm::Loan) -> Self {
        Self { loan: Some(loan), channel: PhantomData }
    }

    fn loan(&self) -> &shm::Loan {
        self.loan.as_ref().expect("a loan is there until it is sent")
    }

    /// Its size in bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(5)?;
    /// assert_eq!(loan.len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.loan().len()
    }

    /// Whether it has no bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(5)?;
    /// assert!(!loan.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loan().is_empty()
    }

    /// Copies `bytes` in at `offset`. Bytes before `offset` that were not written are zero from then on.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when they reach past the end; [`Status::BAD_HANDLE`] when the channel has been closed
    /// or handed on meanwhile; [`Status::BAD_STATE`] in a forked child, and in a signal handler within a call. No byte is
    /// written then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(5)?;
    /// loan.write_at(0, b"large")?;
    /// assert_eq!(loan.write_at(4, b"ge"), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Status> {
        with_thread(|_| self.as_raw().write_at(offset, bytes))
    }

    /// The mechanism's loan. Its `as_uninit_mut` gives the memory itself; it is unsafe because the channel must not be sent
    /// away meanwhile. Its `assume_init` says that all of the memory has been written.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create();
    /// let mut loan = ours.reserve(100_000)?;
    /// assert_eq!(loan.as_raw().len(), 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_raw(&mut self) -> &mut shm::Loan {
        self.loan.as_mut().expect("a loan is there until it is sent")
    }

    /// Sends the message.
    ///
    /// # Errors
    /// As [`Channel::write`](crate::Channel::write); the loan is given back then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(5)?;
    /// loan.write_at(0, b"large")?;
    /// loan.commit()?;
    /// let mut message = MessageBuf::new();
    /// theirs.read(&mut message)?;
    /// assert_eq!(message.bytes(), b"large");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(mut self) -> Result<(), Status> {
        // Taken inside the call: one that is refused at the door leaves the loan to be given back.
        with_thread(|thread| match self.loan.take() {
            Some(loan) => thread.commit(loan),
            None => Ok(()),
        })
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if self.loan.is_some() {
            current_thread::release(Dropped::Loan(self.loan.take()));
        }
    }
}

impl Channel {
    /// Room for a message of `len_bytes`, to be filled in place and sent without a copy. Bytes that are not filled are zero when
    /// it is sent. Up to the arena's
    /// `max_loan_bytes` (16 MiB by default), which is more than [`write`](Self::write) takes.
    ///
    /// Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] beyond that; otherwise as [`write`](Self::write).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(1 << 20)?;
    /// loan.write_at(0, b"first")?;
    /// loan.commit()?;
    ///
    /// let message = theirs.read_in_place()?;
    /// let mut start = [0; 5];
    /// message.read_at(0, &mut start)?;
    /// assert_eq!((message.len(), &start), (1 << 20, b"first"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, len_bytes: usize) -> Result<Loan<'_>, Status> {
        with_thread(|thread| {
            let loan = thread.reserve(
                thread.lookup(shm::HandleValue(self.raw_handle()))?,
                Rights::WRITE.into(),
                len_bytes,
            )?;
            Ok(Loan::new(loan))
        })
    }
}
