//! A message that is read where it lies.

use super::Channel;
use crate::attachment::current_thread::{self, with_any_thread, with_thread};
use crate::attachment::dropped::Dropped;
use crate::handle::{HandleInfo, HandleRef};
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::marker::PhantomData;

/// A message that is read where it lies.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write(b"large", &mut [Event::create().into()])?;
/// let message = theirs.read_in_place()?;
/// let mut last = [0; 2];
/// message.read_at(3, &mut last)?;
/// assert_eq!((&last, message.len(), message.n_handles()), (b"ge", 5, 1));
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
    fn new(message: shm::InPlace) -> Self {
        Self { message: Some(message), channel: PhantomData }
    }

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
        self.as_raw().len()
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
        self.as_raw().is_empty()
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
        self.as_raw().handle_count()
    }

    /// Copies bytes out, from `offset` on.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when they reach past the end; [`Status::BAD_HANDLE`] when the channel has been closed
    /// or handed on meanwhile, and the message with it; [`Status::BAD_STATE`] in a forked child, and in a signal handler
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
        with_thread(|_| self.as_raw().read_at(offset, bytes))
    }

    /// The mechanism's view. Its `as_slice` gives the bytes themselves; it is unsafe because the sender could still write
    /// to the message that it has sent.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"large", &mut [Event::create().into()])?;
    /// let message = theirs.read_in_place()?;
    /// assert_eq!(message.as_raw().len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_raw(&self) -> &shm::InPlace {
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
                thread.finish(&message, &mut |handle| handles.push(HandleInfo::from_received(handle)))
            }
            None => Ok(()),
        })?;
        Ok(handles)
    }
}

impl Drop for InPlace<'_> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            current_thread::release(Dropped::Message(message));
        }
    }
}

impl Channel {
    /// Reads the next message where it lies. It is consumed when the result is dropped or finished; other reads
    /// go on with the messages after it.
    ///
    /// Needs [`Rights::READ`].
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
        with_thread(|thread| {
            let message = thread
                .receive_in_place(thread.lookup(shm::HandleValue(self.raw_handle()))?, Rights::READ.into())?;
            Ok(InPlace::new(message))
        })
    }
}
