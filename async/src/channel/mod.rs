//! Channels: messages as futures, a stream and a sink.
//!
//! Each operation is tried first, and waits only when it gave SHOULD_WAIT. An end that has waited for a message has one
//! observer from then on, for as long as it lives. One that waits for room has an observer until there is room.
//!
//! | file | contents |
//! |---|---|
//! | `end` | an end and its parts |
//! | `inbox` | replies for calls, and messages for receives, on an end that makes calls |
//! | `recv`, `send`, `call` | the futures |
//! | `messages`, `sink` | a stream of messages, and a sink |

mod call;
mod end;
mod inbox;
mod messages;
mod recv;
mod send;
mod sink;

pub use call::Call;
pub use messages::Messages;
pub use recv::{Recv, RecvInto};
pub use send::Send;
pub use sink::MessageSink;

use crate::reactor::ready::Ready;
use end::End;
use inbox::Inbox;
use jacinth::{AsHandleRef, HandleRef, MessageBuf, NullableHandle};

/// An end of a channel, for tasks. Any number of tasks may use it at once.
///
/// ```
/// use jacinth::{Config, MessageBuf, Supervisor};
/// use jacinth_async::Channel;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = jacinth::Channel::create();
/// let (ours, theirs) = (Channel::from(ours), Channel::from(theirs));
/// futures::executor::block_on(async {
///     // An echo, and a call.
///     let echo = async {
///         let message = theirs.recv().await?;
///         theirs.send(message.bytes(), &mut []).await
///     };
///     let call = ours.call(b"\0\0\0\0hello", &mut []);
///     let (_, reply) = futures::try_join!(echo, call)?;
///     assert_eq!(&reply.bytes()[4..], b"hello");
///     Ok::<(), jacinth::Status>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping an end of a channel closes it, and its peer is told"]
pub struct Channel(End);

impl Channel {
    /// The next message. It waits until there is one.
    ///
    /// Dropped, it has taken no message. A message goes to one of the futures that wait. Needs
    /// [`Rights::READ`](jacinth::Rights::READ) and [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED) when there is no message and the other end
    /// is closed; as [`jacinth::Channel::read`] and [`OnSignals::new`](crate::OnSignals::new) otherwise.
    ///
    /// ```
    /// # use jacinth::{Config, Status, Supervisor};
    /// # use jacinth_async::Channel;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create();
    /// let ours = Channel::from(ours);
    /// theirs.write(b"hello", &mut [])?;
    /// drop(theirs);
    /// futures::executor::block_on(async {
    ///     assert_eq!(ours.recv().await?.bytes(), b"hello");
    ///     assert_eq!(ours.recv().await.err(), Some(Status::PEER_CLOSED));
    ///     Ok::<(), Status>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv(&self) -> Recv<'_> {
        Recv::new(&self.0)
    }

    /// As [`recv`](Self::recv), into a buffer, which keeps its memory. The old contents of `message` are gone.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use jacinth::{Config, MessageBuf, Supervisor};
    /// # use jacinth_async::Channel;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create();
    /// let (ours, mut message) = (Channel::from(ours), MessageBuf::new());
    /// theirs.write(b"hello", &mut [])?;
    /// futures::executor::block_on(ours.recv_into(&mut message))?;
    /// assert_eq!(message.bytes(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_into<'a>(&'a self, message: &'a mut MessageBuf) -> RecvInto<'a> {
        RecvInto::new(&self.0, message)
    }

    /// Sends a message. It waits while the channel is full: backpressure.
    ///
    /// Dropped before it is ready, it has sent nothing, and the handles are still the caller's. Needs
    /// [`Rights::WRITE`](jacinth::Rights::WRITE), [`Rights::WAIT`](jacinth::Rights::WAIT), and
    /// [`Rights::TRANSFER`](jacinth::Rights::TRANSFER) on each handle.
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED); as [`jacinth::Channel::write`], but for
    /// SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{ChannelOptions, Config, Supervisor};
    /// # use jacinth_async::Channel;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create_with(ChannelOptions::new().max_pending_messages(1))?;
    /// let (ours, theirs) = (Channel::from(ours), Channel::from(theirs));
    /// futures::executor::block_on(async {
    ///     ours.send(b"fits", &mut []).await?;
    ///     // The second one waits until the first is read.
    ///     let (_, first) = futures::try_join!(ours.send(b"waits", &mut []), theirs.recv())?;
    ///     assert_eq!(first.bytes(), b"fits");
    ///     assert_eq!(theirs.recv().await?.bytes(), b"waits");
    ///     Ok::<(), jacinth::Status>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send<'a>(&'a self, bytes: &'a [u8], handles: &'a mut [NullableHandle]) -> Send<'a> {
        Send::new(&self.0, bytes, handles)
    }

    /// Sends a request and waits for its reply. The first four bytes of both are the call's id, which this function
    /// chooses: at least [`FIRST_ID`](Self::FIRST_ID), and below those of [`jacinth::Channel::call`].
    ///
    /// Any number of calls may be made at once, beside [`recv`](Self::recv), which gives the messages that are no
    /// replies. They wait in this process's memory if no task receives them. A message that begins with the id of a
    /// call that waits is its reply. The reply to a call that was dropped is discarded: those of the latest 65,536 are
    /// remembered.
    ///
    /// Dropped before the request was sent, it has sent nothing, and the handles are still the caller's.
    ///
    /// # Errors
    /// The future's errors: [`INVALID_ARGS`](jacinth::Status::INVALID_ARGS) for a request of less than four bytes; as
    /// [`send`](Self::send) and [`recv`](Self::recv).
    pub fn call<'a>(&'a self, bytes: &'a [u8], handles: &'a mut [NullableHandle]) -> Call<'a> {
        Call::new(&self.0, bytes, handles)
    }

    /// The least id of a call. Ids of a program's own are below it.
    pub const FIRST_ID: u32 = inbox::FIRST_ID;

    /// The messages, as a stream. It ends when the other end is closed and all messages were received.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Channel;
    /// use futures::StreamExt;
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create();
    /// (0..3).try_for_each(|number| theirs.write(&[number], &mut []))?;
    /// drop(theirs);
    /// let ours = Channel::from(ours);
    /// let bytes = ours.messages().map(|message| message.unwrap().into_bytes());
    /// let bytes: Vec<_> = futures::executor::block_on(bytes.collect());
    /// assert_eq!(bytes, [[0], [1], [2]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn messages(&self) -> Messages<'_> {
        Messages::new(&self.0)
    }

    /// A sink of messages. It holds one message while the channel is full.
    ///
    /// ```
    /// # use jacinth::{Config, MessageBuf, Supervisor};
    /// # use jacinth_async::Channel;
    /// use futures::SinkExt;
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create();
    /// let ours = Channel::from(ours);
    /// let message = MessageBuf::new_with(b"hello".to_vec(), Vec::new());
    /// futures::executor::block_on(ours.sink().send(message))?;
    /// let mut received = MessageBuf::new();
    /// theirs.read(&mut received)?;
    /// assert_eq!(received.bytes(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sink(&self) -> MessageSink<'_> {
        MessageSink::new(&self.0)
    }

    /// The channel, for the calls that do not wait.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Channel;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Channel::create();
    /// let koid = ours.koid()?;
    /// assert_eq!(Channel::from(ours).get_ref().koid()?, koid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_ref(&self) -> &jacinth::Channel {
        &self.0.channel
    }

    /// The channel, without its observers. Messages that [`call`](Self::call) has set aside for `recv` are lost.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Channel;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Channel::create();
    /// let ours = Channel::from(ours).into_inner();
    /// theirs.write(b"", &mut [ours.into()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(self) -> jacinth::Channel {
        let End { ready, inbox: _, channel } = self.0;
        ready.end_observers(&channel.as_handle_ref());
        channel
    }
}

impl From<jacinth::Channel> for Channel {
    fn from(channel: jacinth::Channel) -> Self {
        Self(End { ready: Ready::default(), inbox: Inbox::default(), channel })
    }
}

impl AsHandleRef for Channel {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        self.0.channel.as_handle_ref()
    }
}
