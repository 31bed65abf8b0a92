//! Calls: a message, and the message that answers it.

use super::io_slice::Small;
use super::write::{consume, consume_etc, refuse, refuse_etc};
use super::{Channel, ChannelIoSlice, MessageBuf, MessageBufEtc};
use crate::handle::{HandleDisposition, NullableHandle};
use crate::raw::{self, RecvBuf};
use crate::types::status::Status;
use crate::types::time::{Deadline, MonotonicInstant};

impl Channel {
    /// Writes a message with its first four bytes replaced by a transaction id, and waits until the message
    /// that carries it back arrives, into `reply`. Many threads of a process may call on one end at once, and
    /// replies may come in any order; other messages stay for [`read`](Self::read).
    ///
    /// Follows `docs/syscalls/channel_call.md`. Needs [`Rights::READ`] and [`Rights::WRITE`], and
    /// [`Rights::TRANSFER`] on each handle. `handles` is consumed as by [`write`](Self::write).
    ///
    /// A reply that comes after its call has timed out is an ordinary message, as in Zircon: it stays, with its handles,
    /// until it is read. On an end that only calls, late replies pile up, and at the limit of pending messages
    /// the other side cannot write any more: read them, or make the channel with
    /// [`ChannelOptions::discard_late_replies`].
    ///
    /// # Errors
    /// Those of [`write`](Self::write); [`Status::INVALID_ARGS`] for fewer than four bytes;
    /// [`Status::NO_RESOURCES`] also when this process has no room for the reply's handles: the message was sent then,
    /// the places in `handles` are invalid, and the reply stays for [`read`](Self::read);
    /// [`Status::TIMED_OUT`]: the reply, should it come, is an ordinary message (see above); [`Status::CANCELED`] when
    /// another thread closes or transfers this end meanwhile.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, server) = Channel::create();
    /// std::thread::spawn(move || {
    ///     let mut request = MessageBuf::new();
    ///     server.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
    ///     server.read(&mut request).unwrap();
    ///     server.write(request.bytes(), &mut []).unwrap(); // The id comes first in both.
    /// });
    /// let mut reply = MessageBuf::new();
    /// client.call(MonotonicInstant::INFINITE, b"\0\0\0\0ping", &mut [], &mut reply)?;
    /// assert_eq!(&reply.bytes()[4..], b"ping");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Rights::READ`]: crate::Rights::READ
    /// [`Rights::WRITE`]: crate::Rights::WRITE
    /// [`Rights::TRANSFER`]: crate::Rights::TRANSFER
    /// [`ChannelOptions::discard_late_replies`]: crate::ChannelOptions::discard_late_replies
    pub fn call(
        &self,
        deadline: impl Into<Deadline>,
        bytes: &[u8],
        handles: &mut [NullableHandle],
        reply: &mut MessageBuf,
    ) -> Result<(), Status> {
        let deadline = deadline.into().instant();
        reply.receive(|buffer| self.call_into(deadline, bytes, handles, buffer))
    }

    /// [`call`](Self::call), with the bytes of `slices` one after another, as [`writev`](Self::writev) has them.
    ///
    /// # Errors
    /// Those of both.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, server) = Channel::create();
    /// let question = [&b"\0\0\0\0"[..], b"how ", b"late?"].map(ChannelIoSlice::new);
    /// let mut message = MessageBuf::new();
    /// let now = MonotonicInstant::INFINITE_PAST;
    /// assert_eq!(client.callv(now, &question, &mut [], &mut message), Err(Status::TIMED_OUT));
    /// server.read(&mut message)?;
    /// assert_eq!(&message.bytes()[4..], b"how late?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callv(
        &self,
        deadline: impl Into<Deadline>,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [NullableHandle],
        reply: &mut MessageBuf,
    ) -> Result<(), Status> {
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.call(deadline, &bytes, handles, reply),
            Err(status) => refuse(handles, status),
        }
    }

    /// [`call`](Self::call), with handles as [`write_etc`](Self::write_etc) sends them and
    /// [`read_etc`](Self::read_etc) receives them.
    ///
    /// # Errors
    /// Those of all three.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, _server) = Channel::create();
    /// let event = Event::create();
    /// let lent = HandleOp::Duplicate(event.as_handle_ref());
    /// let mut handles = [HandleDisposition::new(lent, ObjectType::EVENT, Rights::SIGNAL, Status::OK)];
    /// let mut reply = MessageBufEtc::new();
    /// let now = MonotonicInstant::INFINITE_PAST;
    /// assert_eq!(client.call_etc(now, b"\0\0\0\0?", &mut handles, &mut reply), Err(Status::TIMED_OUT));
    /// assert_eq!(event.count_info()?.handle_count, 2); // The question waits, with its duplicate.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_etc(
        &self,
        deadline: impl Into<Deadline>,
        bytes: &[u8],
        handles: &mut [HandleDisposition<'_>],
        reply: &mut MessageBufEtc,
    ) -> Result<(), Status> {
        let deadline = deadline.into().instant();
        reply.receive(|buffer| self.call_etc_into(deadline, bytes, handles, buffer))
    }

    /// [`call_etc`](Self::call_etc), with the bytes of `slices` one after another, as [`writev`](Self::writev) has them.
    ///
    /// # Errors
    /// Those of both.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, server) = Channel::create();
    /// let question = [ChannelIoSlice::new(b"\0\0\0\0"), ChannelIoSlice::new(b"?")];
    /// let (now, mut reply) = (MonotonicInstant::INFINITE_PAST, MessageBufEtc::new());
    /// assert_eq!(client.callv_etc(now, &question, &mut [], &mut reply), Err(Status::TIMED_OUT));
    /// server.read_etc(&mut reply)?;
    /// assert_eq!(&reply.bytes()[4..], b"?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callv_etc(
        &self,
        deadline: impl Into<Deadline>,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [HandleDisposition<'_>],
        reply: &mut MessageBufEtc,
    ) -> Result<(), Status> {
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.call_etc(deadline, &bytes, handles, reply),
            Err(status) => refuse_etc(handles, status),
        }
    }
}

impl Channel {
    /// The call itself, for every form of the buffers that take the reply.
    pub(super) fn call_into(
        &self,
        deadline: MonotonicInstant,
        bytes: &[u8],
        handles: &mut [NullableHandle],
        buffer: &mut impl RecvBuf,
    ) -> Result<(), Status> {
        let mut finished = Ok(());
        consume(handles, |values| {
            let (sent, received) = raw::call(self.raw_handle(), deadline, bytes, values, buffer);
            finished = received;
            sent
        })?;
        finished
    }

    /// As [`call_into`](Self::call_into), for handles that are moved or duplicated.
    pub(super) fn call_etc_into(
        &self,
        deadline: MonotonicInstant,
        bytes: &[u8],
        handles: &mut [HandleDisposition<'_>],
        buffer: &mut impl RecvBuf,
    ) -> Result<(), Status> {
        let mut finished = Ok(());
        consume_etc(handles, |dispositions| {
            let (sent, received) = raw::call_etc(self.raw_handle(), deadline, bytes, dispositions, buffer);
            finished = received;
            sent
        })?;
        finished
    }
}
