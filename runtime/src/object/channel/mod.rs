//! Channels: messages of bytes and handles, in order, both ways.

mod batch;
mod in_place;
mod loan;
mod message_buf;

pub use batch::Batch;
pub use in_place::InPlace;
pub use loan::Loan;
pub use message_buf::MessageBuf;

use crate::attachment::current_thread::with_thread;
use crate::handle::{AsHandleRef, Handle, HandleInfo, Name, owned};
use crate::raw::{self, TooSmall};
use crate::types::channel_options::ChannelOptions;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;
use smallvec::SmallVec;

/// The most bytes of a message (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MSG_BYTES: usize = shm::MAX_MESSAGE_BYTES;
/// The most handles of a message (`ZX_CHANNEL_MAX_MSG_HANDLES`).
pub const MAX_MSG_HANDLES: usize = shm::MAX_MESSAGE_HANDLES;

/// One end of a channel. Follows `docs/objects/channel.md`.
///
/// An end belongs to one process at a time and cannot be duplicated; it can be sent through another channel.
/// In steady state a write and a read make no system call.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create()?;
/// let event = Event::create()?;
/// ours.write(b"an event for you", &mut vec![event.into()])?;
///
/// let mut message = MessageBuf::new();
/// theirs.read(&mut message)?;
/// assert_eq!(message.bytes(), b"an event for you");
/// let event: Event = message.take_handle(0).unwrap().into();
/// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
/// assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an end of a channel closes it, and its peer is told"]
#[derive(Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Channel(pub(super) Handle);

/// How many messages are published together at most.
const BATCH: usize = 64;

impl Channel {
    /// Makes a channel, each end with [`Rights::CHANNEL_DEFAULT`].
    ///
    /// Follows `docs/syscalls/channel_create.md`.
    ///
    /// # Errors
    /// As [`Event::create`](crate::Event::create).
    pub fn create() -> Result<(Self, Self), Status> {
        let (first, second) = raw::create(shm::Shape::Channel, ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT)?;
        Ok((owned(first)?, owned(second)?))
    }

    /// Makes a channel that differs from others by its options.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create_with(ChannelOptions::new().max_pending_messages(1))?;
    /// ours.write(b"fits", &mut Vec::new())?;
    /// assert_eq!(ours.write(b"must wait", &mut Vec::new()), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_with(options: ChannelOptions) -> Result<(Self, Self), Status> {
        let (first, second) = raw::channel_create(Rights::CHANNEL_DEFAULT, options)?;
        Ok((owned(first)?, owned(second)?))
    }

    /// Makes a channel whose ends both have this name, and handles with [`Rights::PROPERTY`] beside the default
    /// rights; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_named(name: &Name) -> Result<(Self, Self), Status> {
        let rights = Rights::CHANNEL_DEFAULT | Rights::PROPERTY;
        let (first, second) = raw::create(shm::Shape::Channel, ObjectType::CHANNEL, rights)?;
        let (first, second): (Self, Self) = (owned(first)?, owned(second)?);
        first.set_name(name)?;
        second.set_name(name)?;
        Ok((first, second))
    }

    /// Writes a message.
    ///
    /// Follows `docs/syscalls/channel_write.md`. Needs [`Rights::WRITE`], and [`Rights::TRANSFER`] on each
    /// handle. `handles` is empty afterwards, on success (they are in the message) and on every error (they are
    /// closed) but [`Status::SHOULD_WAIT`] and [`Status::NO_RESOURCES`]: then nothing was consumed. After SHOULD_WAIT
    /// the write may be tried again when the other side has read something
    /// ([`Signals::CHANNEL_WRITABLE`](crate::Signals::CHANNEL_WRITABLE)).
    ///
    /// After NO_RESOURCES or NO_MEMORY, CHANNEL_WRITABLE is not asserted until a write of that size can succeed; what it
    /// needs is then kept for it. A wait for that looks for memory every 20 ms, and when the other side reads.
    ///
    /// In a channel that is nearly full, with a reader that is reading, a write may take some microseconds: it lets the
    /// reader make room for many messages before it looks again.
    ///
    /// # Errors
    /// [`Status::PEER_CLOSED`]; [`Status::SHOULD_WAIT`] at the channel's limit of pending messages;
    /// [`Status::NO_RESOURCES`] when this process has as many messages pending, in all its channels, or as much
    /// memory in blocks of that size, as [`Config`](crate::Config) lets one process have, or this channel alone so
    /// much of the memory that only a ninth of it is left;
    /// [`Status::OUT_OF_RANGE`] for more than 65,536 bytes or 64 handles; [`Status::NOT_SUPPORTED`] when this
    /// channel is among the handles; [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`];
    /// [`Status::WRONG_TYPE`]; [`Status::NO_MEMORY`] when the arena's pools are exhausted (or, while the end of a channel
    /// was on its way, other threads took what was left of this process's share).
    #[inline]
    pub fn write(&self, bytes: &[u8], handles: &mut Vec<Handle>) -> Result<(), Status> {
        if handles.is_empty() {
            return raw::channel_write(self.raw_handle(), bytes, &[]);
        }
        consume(handles, |values| raw::channel_write(self.raw_handle(), bytes, values))
    }

    /// Writes as many of `messages` as there is room for, and publishes up to 64 at a time together (fewer where the
    /// channel's queue has just grown). Gives how many were written; the others are still the caller's. `messages` is asked
    /// for 64 before the first of them is written, and so on: it may have given up to 64 more than were written.
    ///
    /// # Errors
    /// As [`write`](Self::write), when not even the first could be written.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create()?;
    /// let words = ["three", "short", "messages"];
    /// assert_eq!(ours.write_batch(words.iter().map(|word| word.as_bytes()))?, 3);
    /// let mut batch = Batch::new();
    /// theirs.read_batch(32, &mut batch)?;
    /// assert!(batch.iter().eq(words.iter().map(|word| word.as_bytes())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_batch<'m>(&self, messages: impl IntoIterator<Item = &'m [u8]>) -> Result<usize, Status> {
        let mut messages = messages.into_iter().fuse();
        let mut sent = 0;
        loop {
            // Before the call: the iterator is the caller's code, which may do anything.
            let group: SmallVec<[&[u8]; BATCH]> = messages.by_ref().take(BATCH).collect();
            let fitting = group.iter().position(|bytes| bytes.len() > MAX_MSG_BYTES).unwrap_or(group.len());
            let wrote = with_thread(|thread| {
                let found = thread.find(self.raw_handle())?;
                let wrote = thread.send_batch(found, Rights::WRITE.bits(), &group[..fitting])?;
                if fitting == 0 && !group.is_empty() {
                    return Err(shm::Error::out_of_range(
                        "the number of bytes",
                        group[0].len(),
                        MAX_MSG_BYTES,
                    ));
                }
                Ok(wrote)
            });
            match wrote {
                Ok(wrote) => sent += wrote,
                Err(status) if sent == 0 => return Err(status),
                Err(_) => return Ok(sent),
            }
            // A group that ends early says that there is no room; one that is short, that there is no more.
            if wrote != Ok(BATCH) {
                return Ok(sent);
            }
        }
    }

    /// Reads the next message, whatever its size.
    ///
    /// Follows `docs/syscalls/channel_read.md`. Needs [`Rights::READ`]. What `message` held is gone, also on
    /// an error.
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when there is none; [`Status::PEER_CLOSED`] when there is none and the other
    /// end is closed; [`Status::NO_RESOURCES`] when this process has no room for its handles (the message
    /// stays); [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`].
    #[inline]
    pub fn read(&self, message: &mut MessageBuf) -> Result<(), Status> {
        message.receive(|sink| raw::receive(self.raw_handle(), TooSmall::Keep, sink).0)
    }

    /// Reads the next message into buffers of a fixed size. Gives its sizes, also when it did not fit.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`]: the message stays, or is discarded with its handles for
    /// [`TooSmall::Discard`]. Otherwise as [`read`](Self::read).
    #[inline]
    pub fn read_raw(
        &self,
        too_small: TooSmall,
        bytes: &mut [u8],
        handles: &mut [Option<HandleInfo>],
    ) -> (Result<(), Status>, raw::Actual) {
        if handles.is_empty() {
            return raw::channel_read(self.raw_handle(), too_small, bytes, &mut []);
        }
        let mut received = [None; shm::MAX_MESSAGE_HANDLES];
        let wanted = handles.len().min(received.len());
        let (result, actual) =
            raw::channel_read(self.raw_handle(), too_small, bytes, &mut received[..wanted]);
        for (place, handle) in handles.iter_mut().zip(received.into_iter().take(actual.handles)) {
            *place = handle.and_then(HandleInfo::from_received);
        }
        (result, actual)
    }

    /// Reads up to `most` messages without handles and consumes them together. Gives how many; `batch` loses
    /// what it held. Stops before a message with handles.
    ///
    /// # Errors
    /// [`Status::NOT_SUPPORTED`] when the next message carries handles: [`read`](Self::read) it.
    /// [`Status::SHOULD_WAIT`] while calls of this process are under way on this end and no message is free to
    /// read. Otherwise as [`read`](Self::read).
    pub fn read_batch(&self, most: usize, batch: &mut Batch) -> Result<usize, Status> {
        let Batch { bytes, ends } = batch;
        bytes.clear();
        ends.clear();
        with_thread(|thread| {
            let found = thread.find(self.raw_handle())?;
            thread.receive_batch(found, Rights::READ.bits(), most, bytes, ends)
        })
    }

    /// Writes a message whose first four bytes are replaced by a transaction id, and waits until the message
    /// that carries it back arrives, into `reply`. Many threads of a process may call on one end at once, and
    /// replies may come in any order; other messages stay for [`read`](Self::read).
    ///
    /// Follows `docs/syscalls/channel_call.md`. Needs [`Rights::READ`] and [`Rights::WRITE`], and
    /// [`Rights::TRANSFER`] on each handle. `handles` is consumed as by [`write`](Self::write).
    ///
    /// A reply that comes after its call has timed out is an ordinary message, as in Zircon: it stays, with its handles,
    /// until somebody reads it. On an end that only calls, late replies pile up, and at the limit of pending messages
    /// the other side cannot write any more: read them, or make the channel with
    /// [`ChannelOptions::discard_late_replies`].
    ///
    /// # Errors
    /// Those of [`write`](Self::write); [`Status::INVALID_ARGS`] for fewer than four bytes;
    /// [`Status::NO_RESOURCES`] also when this process has no room for the reply's handles: the message was sent then,
    /// `handles` is empty, and the reply stays for [`read`](Self::read);
    /// [`Status::TIMED_OUT`]: the reply, should it come, is an ordinary message (see above); [`Status::CANCELED`] when
    /// another thread closes or transfers this end meanwhile.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, server) = Channel::create()?;
    /// std::thread::spawn(move || {
    ///     let mut request = MessageBuf::new();
    ///     server.wait(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
    ///     server.read(&mut request).unwrap();
    ///     server.write(request.bytes(), &mut Vec::new()).unwrap(); // The id comes first in both.
    /// });
    /// let mut reply = MessageBuf::new();
    /// client.call(MonotonicInstant::INFINITE, b"\0\0\0\0ping", &mut Vec::new(), &mut reply)?;
    /// assert_eq!(&reply.bytes()[4..], b"ping");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call(
        &self,
        deadline: MonotonicInstant,
        bytes: &[u8],
        handles: &mut Vec<Handle>,
        reply: &mut MessageBuf,
    ) -> Result<(), Status> {
        reply.receive(|sink| {
            let mut finished = Ok(());
            consume(handles, |values| {
                let (sent, received) = raw::call(self.raw_handle(), deadline, bytes, values, sink);
                finished = received;
                sent
            })?;
            finished
        })
    }

    /// Room for a message of `len_bytes`, to be filled in place and sent without a copy. What is not filled is zero when it
    /// is sent. Up to the arena's
    /// `max_loan_bytes` (16 MiB by default), which is beyond what [`write`](Self::write) takes.
    ///
    /// Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] beyond that; otherwise as [`write`](Self::write).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create()?;
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
            let loan = thread.reserve(thread.find(self.raw_handle())?, Rights::WRITE.bits(), len_bytes)?;
            Ok(Loan::new(loan))
        })
    }

    /// Reads the next message where it lies. It is consumed when the result is dropped or finished; other reads
    /// go on with the messages after it.
    ///
    /// Needs [`Rights::READ`].
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_in_place(&self) -> Result<InPlace<'_>, Status> {
        with_thread(|thread| {
            let message = thread.receive_in_place(thread.find(self.raw_handle())?, Rights::READ.bits())?;
            Ok(InPlace::new(message))
        })
    }
}

/// Runs a call that takes handles by value, and takes them from their owner unless it says SHOULD_WAIT or
/// NO_RESOURCES.
fn consume(handles: &mut Vec<Handle>, call: impl FnOnce(&[u32]) -> Result<(), Status>) -> Result<(), Status> {
    // A message seldom has more: the values are on the stack, then.
    let values: SmallVec<[u32; 8]> = handles.iter().map(AsHandleRef::raw_handle).collect();
    let result = call(&values);
    // BAD_STATE: this process, or this moment, is one in which nothing can be done, so nothing was.
    if !matches!(result, Err(Status::SHOULD_WAIT | Status::NO_RESOURCES | Status::BAD_STATE)) {
        for handle in handles.drain(..) {
            let _gone = handle.into_raw();
        }
    }
    result
}
