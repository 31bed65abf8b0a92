//! A message that is read where it lies.

use super::Channel;
use crate::attachment::current_thread::{self, with_any_thread, with_thread};
use crate::attachment::dropped::Dropped;
use crate::handle::{HandleInfo, HandleRef};
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::marker::PhantomData;
use std::ops::Deref;

/// A message that is read where it lies: a slice of bytes.
///
/// No process writes to the bytes while it exists: the message keeps its place in the channel, and the channel's handle can be
/// neither closed nor replaced nor sent by value meanwhile ([`Status::BAD_STATE`]). (All of this library rests on the trust that no
/// process writes to the arena on its own. [`Channel::read`] copies, and needs less of that trust.) The bytes begin at a multiple
/// of 8; those of a [`Loan`](crate::Loan) at one of 64.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write(b"large", &mut [Event::create().into()])?;
/// let message = theirs.read_in_place()?;
/// assert_eq!((&message[3..], message.n_handles()), (&b"ge"[..], 1));
/// let handles = message.finish()?; // The message is consumed.
/// assert_eq!(handles[0].object_type, ObjectType::EVENT);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it takes the message out of the channel, and closes its handles"]
#[derive(Debug)]
pub struct InPlace<'a> {
    /// There until it is consumed.
    message: Option<shm::InPlace>,
    channel: PhantomData<HandleRef<'a>>,
}

impl InPlace<'_> {
    /// The message's size in bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert_eq!(message.len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.message().len()
    }

    /// Whether it has no bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert!(!message.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.message().is_empty()
    }

    /// How many handles it carries.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert_eq!(message.n_handles(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn n_handles(&self) -> usize {
        self.message().handle_count()
    }

    /// Copies bytes out, from `offset` on.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when they reach past the end; [`Status::BAD_STATE`] in a forked child, and in a signal handler
    /// within a call.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// let mut last = [0; 2];
    /// message.read_at(3, &mut last)?;
    /// assert_eq!(&last, b"ge");
    /// assert_eq!(message.read_at(4, &mut last), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) -> Result<(), Status> {
        with_thread(|_| self.message().read_at(offset, bytes))
    }

    fn message(&self) -> &shm::InPlace {
        self.message.as_ref().expect("a message is there until it is consumed")
    }

    /// Consumes the message and gives its handles.
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when this process has no room for them: the message goes back to the channel,
    /// as its next one. [`Status::BAD_STATE`] in a signal handler within a call: the message is consumed when that call is
    /// over, and its handles are closed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert_eq!(message.finish()?.len(), 1);
    /// assert!(matches!(theirs.read_in_place(), Err(Status::SHOULD_WAIT)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish(mut self) -> Result<Vec<HandleInfo>, Status> {
        let mut handles = Vec::new();
        // Taken inside the call: one that is refused at the door leaves the message to be dropped.
        with_any_thread(|thread| match self.message.take() {
            Some(message) => {
                thread.finish(message, &mut |handle| handles.push(HandleInfo::from_received(handle)))
            }
            // The first try was refused with this error. This is the second try, by a thread that has given its row back
            // meanwhile. The message is the channel's again.
            None => Err(shm::Error::NoResources("room for the handles of the message")),
        })?;
        Ok(handles)
    }
}

impl InPlace<'static> {
    /// The next message of the channel that a value names. The message itself keeps the channel open, not a borrow.
    ///
    /// # Errors
    /// As [`Channel::read_in_place`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"hello", &mut [])?;
    /// assert_eq!(&InPlace::of_channel(theirs.raw_handle())?[..], b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_channel(value: u32) -> Result<Self, Status> {
        with_thread(|thread| {
            thread.receive_in_place(thread.lookup(shm::HandleValue(value))?, Rights::READ.into())
        })
        .map(|message| Self { message: Some(message), channel: PhantomData })
    }
}

/// The bytes.
///
/// # Panics
/// In a forked child, which has no arena.
impl Deref for InPlace<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.message().bytes()
    }
}

impl AsRef<[u8]> for InPlace<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for InPlace<'_> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            current_thread::release(Dropped::Message(Some(message)));
        }
    }
}

impl Channel {
    /// Reads the next message where it lies. It is consumed when the result is dropped or finished; other reads
    /// go on with the messages after it.
    ///
    /// Needs [`Rights::READ`](crate::Rights::READ).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// drop(message); // It is consumed.
    /// assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_in_place(&self) -> Result<InPlace<'_>, Status> {
        InPlace::of_channel(self.raw_handle())
    }
}
