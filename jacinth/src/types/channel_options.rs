//! Options of a channel, given at its creation.

use jacinth_shm as shm;

/// The options of a channel, for [`Channel::create_with`](crate::Channel::create_with). Both ends have the
/// same options, and keep them wherever they are sent. Zircon has none of these.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let options = ChannelOptions::new().max_pending_messages(4).discard_late_replies(true);
/// let (ours, theirs) = Channel::create_with(options)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[must_use]
pub struct ChannelOptions {
    max_pending_messages: u32,
    discard_late_replies: bool,
}

impl ChannelOptions {
    /// Those of every channel.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ChannelOptions::new(), ChannelOptions::default());
    /// ```
    pub const fn new() -> Self {
        Self { max_pending_messages: 0, discard_late_replies: false }
    }

    /// How many messages may be pending in each direction before a write gives
    /// [`Status::SHOULD_WAIT`](crate::Status::SHOULD_WAIT). The most, and the default, is
    /// [`Config::max_pending_messages`](crate::Config); 0 is the default too.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let few = ChannelOptions::new().max_pending_messages(2);
    /// let (ours, _theirs) = Channel::create_with(few)?;
    /// assert_eq!((0..3).filter(|_| ours.write(b"", &mut []).is_ok()).count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn max_pending_messages(self, messages: u32) -> Self {
        Self { max_pending_messages: messages, ..self }
    }

    /// Whether a reply that comes after its call has timed out is discarded, with its handles, and not left as an
    /// ordinary message. The next operation of the end's process on the
    /// end discards it: a read, a call, a wait.
    ///
    /// A message counts as such a reply when its first four bytes are the id of a call that this end has made since it
    /// came to its process, and no thread waits for that id any more.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, server) = Channel::create_with(ChannelOptions::new().discard_late_replies(true))?;
    /// let mut message = MessageBuf::new();
    /// let called = client.call(MonotonicInstant::INFINITE_PAST, b"\0\0\0\0?", &mut [], &mut message);
    /// assert_eq!(called, Err(Status::TIMED_OUT));
    /// server.read(&mut message)?;
    /// server.write(message.bytes(), &mut [])?;
    /// assert_eq!(client.read(&mut message), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn discard_late_replies(self, discard: bool) -> Self {
        Self { discard_late_replies: discard, ..self }
    }

    pub(crate) fn to_mechanism(self) -> shm::ChannelOptions {
        let Self { max_pending_messages, discard_late_replies } = self;
        shm::ChannelOptions { max_pending_messages, discard_late_replies }
    }
}
