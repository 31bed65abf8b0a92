//! Channels: messages of bytes and handles, in order, both ways.
//!
//! The calls are sorted by purpose: `write`, `read` and `call`; `batch` has many messages at once, `loan` and
//! `in_place` have messages without a copy; `uninit` has buffers that hold no values yet.

mod batch;
mod call;
mod in_place;
mod io_slice;
mod loan;
mod message_buf;
mod read;
mod read_result;
mod uninit;
mod write;

pub use batch::Batch;
pub use in_place::InPlace;
pub use io_slice::ChannelIoSlice;
pub use loan::Loan;
pub use message_buf::{MessageBuf, MessageBufEtc};
pub use read_result::ChannelReadResult;

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::channel_options::ChannelOptions;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::sys;
use jacinth_shm as shm;

/// The most bytes of a message (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MSG_BYTES: usize = shm::MAX_MESSAGE_BYTES;
/// The most handles of a message (`ZX_CHANNEL_MAX_MSG_HANDLES`).
pub const MAX_MSG_HANDLES: usize = shm::MAX_MESSAGE_HANDLES;
/// The most slices of one message (`ZX_CHANNEL_MAX_MSG_IOVEC`).
pub const MAX_MSG_IOVEC: usize = sys::ZX_CHANNEL_MAX_MSG_IOVEC as usize;

/// One end of a channel. Follows `docs/objects/channel.md`.
///
/// An end belongs to one process at a time and cannot be duplicated; it can be sent through another channel.
/// In steady state a write and a read make no system call.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let event = Event::create();
/// ours.write(b"an event for you", &mut [event.into()])?;
///
/// let mut message = MessageBuf::new();
/// theirs.read(&mut message)?;
/// assert_eq!(message.bytes(), b"an event for you");
/// let event = Event::from(message.take_handle(0).unwrap());
/// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
/// assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an end of a channel closes it, and its peer is told"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Channel(pub(super) NullableHandle);

impl Channel {
    /// Makes a channel, each end with [`Rights::CHANNEL_DEFAULT`].
    ///
    /// Follows `docs/syscalls/channel_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// assert_eq!(ours.basic_info()?.related_koid, theirs.koid()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> (Self, Self) {
        Self::try_create().expect("a channel is created")
    }

    /// Makes a channel, each end with [`Rights::CHANNEL_DEFAULT`].
    ///
    /// # Errors
    /// As [`Event::try_create`](crate::Event::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Channel::try_create().is_err()); // There is no arena.
    /// ```
    pub fn try_create() -> Result<(Self, Self), Status> {
        Self::create_with(ChannelOptions::new())
    }

    /// Makes a channel that differs from others by its options.
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create_with(ChannelOptions::new().max_pending_messages(1))?;
    /// ours.write(b"fits", &mut [])?;
    /// assert_eq!(ours.write(b"must wait", &mut []), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_with(options: ChannelOptions) -> Result<(Self, Self), Status> {
        let (first, second) = raw::channel_create(Rights::CHANNEL_DEFAULT, options)?;
        Ok((Self::from_value(first), Self::from_value(second)))
    }

    /// Makes a channel with this name at both ends, and handles with [`Rights::PROPERTY`] beside the default
    /// rights; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create_named(&Name::new("log")?)?;
    /// assert_eq!((ours.get_name()?, theirs.get_name()?), (Name::new("log")?, Name::new("log")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(name: &Name) -> Result<(Self, Self), Status> {
        let rights = Rights::CHANNEL_DEFAULT | Rights::PROPERTY;
        let (first, second) = raw::channel_create(rights, ChannelOptions::new())?;
        let (first, second) = (Self::from_value(first), Self::from_value(second));
        first.set_name(name)?;
        second.set_name(name)?;
        Ok((first, second))
    }
}

impl AsRef<Channel> for Channel {
    fn as_ref(&self) -> &Self {
        self
    }
}
