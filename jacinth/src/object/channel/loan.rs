//! A message that is filled where it will lie.

use super::Channel;
use super::write::consume;
use crate::attachment::current_thread::{self, with_thread};
use crate::attachment::dropped::Dropped;
use crate::handle::{HandleRef, NullableHandle};
use crate::object::buffer::unsent::unsent_bytes;
use crate::raw;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::marker::PhantomData;

/// Room for a message, to be filled in place. Dropped unsent, it goes back to the channel.
///
/// It is a slice of bytes, and a [`Write`](std::io::Write) that appends. Bytes that were not written are zero when the message is
/// sent. Its use as a slice zeroes them first; [`copy_from_slice`](Self::copy_from_slice), [`fill`](Self::fill),
/// [`write_at`](Self::write_at) from the front, and `Write` avoid that cost.
///
/// A loan holds a place for its message in the channel. While the loan exists, the channel's handle can be neither closed nor
/// replaced nor sent by value ([`Status::BAD_STATE`]). A [`Channel`] that is dropped meanwhile is closed when all its memory is
/// back. So a loan that is forgotten keeps its channel until the process ends.
///
/// ```
/// # use jacinth::*;
/// # use std::io::Write;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let mut loan = ours.reserve(12)?;
/// loan[8..].copy_from_slice(b"tail");
/// loan[..4].copy_from_slice(b"head");
/// loan.commit()?;
/// assert_eq!(&theirs.read_in_place()?[..], b"head\0\0\0\0tail");
///
/// let mut loan = ours.reserve(12)?;
/// write!(loan, "{:>5}{:>7}", 1, 2)?;
/// loan.commit()?;
/// assert_eq!(&theirs.read_in_place()?[..], b"    1      2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a loan sends nothing, and gives its memory back"]
#[derive(Debug)]
pub struct Loan<'a> {
    /// There until it is sent.
    loan: Option<shm::Loan>,
    channel: PhantomData<HandleRef<'a>>,
}

unsent_bytes!(Loan<'a>, "ours.reserve(5)?");

impl Loan<'_> {
    fn loan(&self) -> &shm::Loan {
        self.loan.as_ref().expect("a loan is there until it is sent")
    }

    fn unsent(&self) -> &shm::UnsentBytes {
        self.loan().unsent()
    }

    fn unsent_mut(&mut self) -> shm::UnsentBytesMut<'_> {
        self.loan.as_mut().expect("a loan is there until it is sent").unsent_mut()
    }

    /// How many handles can be sent with it.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create();
    /// assert_eq!(ours.reserve_with_handles(5, 3)?.most_handles(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn most_handles(&self) -> usize {
        self.loan().most_handles()
    }

    /// Sends the message.
    ///
    /// # Errors
    /// [`Status::PEER_CLOSED`]; [`Status::NO_MEMORY`] or [`Status::NO_RESOURCES`] when the channel needs a larger ring for it
    /// and there is no memory. The loan is given back to the channel then. There is no SHOULD_WAIT: the loan has kept the
    /// message's place.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(5)?;
    /// loan.copy_from_slice(b"large");
    /// loan.commit()?;
    /// let mut message = MessageBuf::new();
    /// theirs.read(&mut message)?;
    /// assert_eq!(message.bytes(), b"large");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(self) -> Result<(), Status> {
        self.commit_raw(&[])
    }

    /// Sends the message with handles, at most as many as it was [reserved for](Channel::reserve_with_handles).
    ///
    /// Needs [`Rights::TRANSFER`](crate::Rights::TRANSFER) on each handle. As with [`Channel::write`], the places in `handles` are
    /// invalid afterwards, on success and on every error but [`Status::NO_RESOURCES`] and [`Status::BAD_STATE`].
    ///
    /// # Errors
    /// Those of [`commit`](Self::commit); [`Status::OUT_OF_RANGE`] for more handles than it was reserved for; and those of
    /// [`Channel::write`] for the handles.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve_with_handles(100_000, 1)?;
    /// loan.fill(7);
    /// loan.commit_with_handles(&mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert_eq!((message.len(), message[99_999], message.n_handles()), (100_000, 7, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_with_handles(self, handles: &mut [NullableHandle]) -> Result<(), Status> {
        consume(handles, |values| self.commit_raw(values))
    }

    /// As [`commit_with_handles`](Self::commit_with_handles), by the values of the handles.
    ///
    /// # Errors
    /// As that.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.reserve_with_handles(100, 1)?.commit_raw(&[Event::create().into_raw()])?;
    /// assert_eq!(theirs.read_in_place()?.n_handles(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_raw(mut self, handles: &[u32]) -> Result<(), Status> {
        // Taken inside the call: one that is refused at the door leaves the loan to be given back.
        with_thread(|thread| match self.loan.take() {
            Some(loan) => {
                thread.commit(loan, shm::HandleValue::from_raw_slice(handles), Rights::TRANSFER.into())
            }
            None => Ok(()),
        })
    }
}

impl Loan<'static> {
    /// A loan of the channel that a value names, with room for `most_handles` handles. The loan itself keeps the channel open, not
    /// a borrow.
    ///
    /// # Errors
    /// As [`Channel::reserve_with_handles`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (one, other) = raw::channel_create(Rights::CHANNEL_DEFAULT, ChannelOptions::new())?;
    /// let mut loan = Loan::of_channel(one, 5, 0)?;
    /// loan.copy_from_slice(b"hello");
    /// assert_eq!(raw::close(one), Err(Status::BAD_STATE), "some of its memory is lent");
    /// loan.commit()?;
    /// assert_eq!(&InPlace::of_channel(other)?[..], b"hello");
    /// raw::close_many(&[one, other])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_channel(value: u32, len_bytes: usize, most_handles: usize) -> Result<Self, Status> {
        with_thread(|thread| {
            let found = raw::channel_with(thread, value, Rights::WRITE)?;
            thread.reserve(found, Rights::WRITE.into(), len_bytes, most_handles)
        })
        .map(|loan| Self { loan: Some(loan), channel: PhantomData })
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
    /// Room for a message of `len_bytes`, to be filled in place and sent without a copy. Up to the arena's
    /// `max_loan_bytes` (16 MiB by default), which is more than [`write`](Self::write) takes.
    ///
    /// Needs [`Rights::WRITE`](crate::Rights::WRITE). After NO_MEMORY and NO_RESOURCES the channel is not WRITABLE until it can
    /// give a loan of that size, so a program may wait for that signal.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] beyond `max_loan_bytes`; otherwise as [`write`](Self::write).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut loan = ours.reserve(1 << 20)?;
    /// loan[..5].copy_from_slice(b"first");
    /// loan.commit()?;
    ///
    /// let message = theirs.read_in_place()?;
    /// assert_eq!((message.len(), &message[..5]), (1 << 20, &b"first"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, len_bytes: usize) -> Result<Loan<'_>, Status> {
        self.reserve_with_handles(len_bytes, 0)
    }

    /// As [`reserve`](Self::reserve), with room for up to `most_handles` handles. Each takes 8 bytes of `max_loan_bytes`.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve); [`Status::OUT_OF_RANGE`] also for more than 64 handles.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create();
    /// let loan = ours.reserve_with_handles(100, 2)?;
    /// let mut three = [(); 3].map(|()| Event::create().into());
    /// assert_eq!(loan.commit_with_handles(&mut three), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_with_handles(&self, len_bytes: usize, most_handles: usize) -> Result<Loan<'_>, Status> {
        Loan::of_channel(self.raw_handle(), len_bytes, most_handles)
    }
}
