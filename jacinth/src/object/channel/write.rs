//! Writing messages.

use super::io_slice::Small;
use super::{Channel, ChannelIoSlice, MAX_MSG_HANDLES};
use crate::handle::{HandleDisposition, HandleOp, NullableHandle};
use crate::raw;
use crate::types::status::Status;
use arrayvec::ArrayVec;

/// One handle more than a message may have. It stands for every list that is too long: the call refuses it.
const TOO_MANY: usize = MAX_MSG_HANDLES + 1;

impl Channel {
    /// Writes a message.
    ///
    /// Follows `docs/syscalls/channel_write.md`. Needs [`Rights::WRITE`], and [`Rights::TRANSFER`] on each
    /// handle. The places in `handles` are invalid afterwards, on success (the handles are in the message) and on every
    /// error (they are closed) but two: after [`Status::SHOULD_WAIT`] and [`Status::NO_RESOURCES`] no handle was
    /// consumed. After SHOULD_WAIT the write may be tried again when the other side has read something
    /// ([`Signals::CHANNEL_WRITABLE`](crate::Signals::CHANNEL_WRITABLE)). (Zircon has neither error, and consumes the
    /// handles always.)
    ///
    /// After NO_RESOURCES or NO_MEMORY, or SHOULD_WAIT while loans hold the last places, CHANNEL_WRITABLE is not asserted until a
    /// write of that size can succeed; the memory that the write needs is then kept for it. A thread that waits for the signal looks
    /// for room every 20 ms, also at a port ([`wait_async`](Self::wait_async)), and at once when a loan of this end comes back.
    ///
    /// In a channel that is nearly full, or has many large messages pending, with a reader that is reading, a write may take
    /// some microseconds, or as long as some of those messages take to read: it lets the reader make room for many messages
    /// before it looks again.
    ///
    /// # Errors
    /// [`Status::PEER_CLOSED`]; [`Status::SHOULD_WAIT`] at the channel's limit of pending messages;
    /// [`Status::NO_RESOURCES`] when this process has as many messages pending, in all its channels, or as much
    /// memory in blocks of that size, as [`Config`](crate::Config) lets one process have, or this channel alone so
    /// much of the memory that only a ninth of it is left;
    /// [`Status::OUT_OF_RANGE`] for more than 65,536 bytes or 64 handles; [`Status::NOT_SUPPORTED`] when this
    /// channel is among the handles; [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`];
    /// [`Status::WRONG_TYPE`]; [`Status::NO_MEMORY`] when the arena's pools are exhausted (or, while the end of a channel
    /// was on its way, other threads took the rest of this process's share); [`Status::BAD_STATE`] when a channel among the
    /// handles has [loans](crate::Loan) or messages that are being [read in place](Self::read_in_place): no handle is consumed
    /// then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut handles = [Event::create().into(), Event::create().into()];
    /// ours.write(b"two events", &mut handles)?;
    /// assert!(handles.iter().all(NullableHandle::is_invalid));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Rights::WRITE`]: crate::Rights::WRITE
    /// [`Rights::TRANSFER`]: crate::Rights::TRANSFER
    #[inline]
    pub fn write(&self, bytes: &[u8], handles: &mut [NullableHandle]) -> Result<(), Status> {
        if handles.is_empty() {
            return raw::channel_write(self.raw_handle(), bytes, &[]);
        }
        consume(handles, |values| raw::channel_write(self.raw_handle(), bytes, values))
    }

    /// Writes a message of the bytes of `slices`, one after another. They are gathered first: a message that is made in
    /// one piece costs a copy less.
    ///
    /// # Errors
    /// As [`write`](Self::write); [`Status::OUT_OF_RANGE`] also for more than
    /// [`MAX_MSG_IOVEC`](crate::MAX_MSG_IOVEC) slices.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.writev(&[ChannelIoSlice::new(b"head, "), ChannelIoSlice::new(b"body")], &mut [])?;
    /// let mut message = MessageBuf::new();
    /// theirs.read(&mut message)?;
    /// assert_eq!(message.bytes(), b"head, body");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writev(
        &self,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [NullableHandle],
    ) -> Result<(), Status> {
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.write(&bytes, handles),
            Err(status) => refuse(handles, status),
        }
    }

    /// Writes a message with handles that are moved or duplicated, each with a check of its type and with fewer rights
    /// if so asked.
    ///
    /// Late-2018 Zircon has no such call; it follows today's `zx_channel_write_etc`. Needs [`Rights::WRITE`], and on
    /// each handle [`Rights::TRANSFER`], and [`Rights::DUPLICATE`] if it is to be duplicated. The moved handles are
    /// consumed as by [`write`](Self::write); the end of a channel that stays because of SHOULD_WAIT or NO_RESOURCES
    /// may have fewer rights already.
    ///
    /// # Errors
    /// As [`write`](Self::write). The `result` of each disposition says whether it was at fault: [`Status::BAD_HANDLE`],
    /// [`Status::WRONG_TYPE`] when the object is of another type than was said, [`Status::ACCESS_DENIED`],
    /// [`Status::INVALID_ARGS`] when the rights are no subset of the handle's.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Channel::create();
    /// let event = HandleOp::Move(Event::create().into());
    /// let mut handles = [HandleDisposition::new(event, ObjectType::CHANNEL, Rights::SAME_RIGHTS, Status::OK)];
    /// assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::WRONG_TYPE));
    /// assert_eq!(handles[0].result, Status::WRONG_TYPE);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Rights::WRITE`]: crate::Rights::WRITE
    /// [`Rights::TRANSFER`]: crate::Rights::TRANSFER
    /// [`Rights::DUPLICATE`]: crate::Rights::DUPLICATE
    pub fn write_etc(&self, bytes: &[u8], handles: &mut [HandleDisposition<'_>]) -> Result<(), Status> {
        consume_etc(handles, |raw| raw::channel_write_etc(self.raw_handle(), bytes, raw))
    }

    /// [`write_etc`](Self::write_etc), with the bytes of `slices` one after another, as [`writev`](Self::writev) has
    /// them.
    ///
    /// # Errors
    /// Those of both.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let event = HandleOp::Move(Event::create().into());
    /// let mut handles = [HandleDisposition::new(event, ObjectType::EVENT, Rights::WAIT, Status::OK)];
    /// ours.writev_etc(&[ChannelIoSlice::new(b"head, "), ChannelIoSlice::new(b"body")], &mut handles)?;
    /// let mut message = MessageBufEtc::new();
    /// theirs.read_etc(&mut message)?;
    /// assert_eq!((message.bytes(), message.handle_infos()[0].rights), (&b"head, body"[..], Rights::WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writev_etc(
        &self,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [HandleDisposition<'_>],
    ) -> Result<(), Status> {
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.write_etc(&bytes, handles),
            Err(status) => refuse_etc(handles, status),
        }
    }
}

/// Whether a call that gave this result has left the handles alone.
fn is_unsent(result: Result<(), Status>) -> bool {
    // BAD_STATE: the process is not attached, or the call interrupts another, or memory of a channel among the handles is
    // lent: it was refused before it began.
    matches!(result, Err(Status::SHOULD_WAIT | Status::NO_RESOURCES | Status::BAD_STATE))
}

/// Runs a call that takes handles by value, and takes them from their owners unless they are unsent.
pub(super) fn consume(
    handles: &mut [NullableHandle],
    call: impl FnOnce(&[u32]) -> Result<(), Status>,
) -> Result<(), Status> {
    let values: ArrayVec<u32, TOO_MANY> =
        handles.iter().take(TOO_MANY).map(NullableHandle::raw_handle).collect();
    let result = call(&values);
    if !is_unsent(result) {
        let (given, rest) = handles.split_at_mut(values.len());
        for handle in given {
            // The call has sent or closed it. Its owner must not close a value that may name another handle by now.
            let _gone = std::mem::take(handle).into_raw();
        }
        // The call has refused the list for its length, without these. As in Zircon, a refused write closes all of
        // them.
        rest.iter_mut().for_each(|handle| drop(handle.take()));
    }
    result
}

/// As [`consume`], for dispositions.
pub(super) fn consume_etc(
    handles: &mut [HandleDisposition<'_>],
    call: impl FnOnce(&mut [raw::Disposition]) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut raw: ArrayVec<raw::Disposition, TOO_MANY> =
        handles.iter().take(TOO_MANY).map(HandleDisposition::to_raw).collect();
    let result = call(&mut raw);
    let stays = is_unsent(result);
    let (given, rest) = handles.split_at_mut(raw.len());
    if !stays {
        rest.iter_mut().for_each(|handle| drop(handle.take_op()));
    }
    for (handle, raw) in given.iter_mut().zip(&raw) {
        handle.result = raw.result;
        if let HandleOp::Move(moved) = handle.operation_mut() {
            // The call has closed it, sent it, or put another in its place.
            let _gone = std::mem::take(moved).into_raw();
            if stays {
                *moved = NullableHandle::from_raw(raw.handle);
            }
        }
    }
    result
}

/// Closes the handles of a message that cannot be.
pub(super) fn refuse(handles: &mut [NullableHandle], status: Status) -> Result<(), Status> {
    handles.iter_mut().for_each(|handle| drop(handle.take()));
    Err(status)
}

/// As [`refuse`], for dispositions.
pub(super) fn refuse_etc(handles: &mut [HandleDisposition<'_>], status: Status) -> Result<(), Status> {
    handles.iter_mut().for_each(|handle| drop(handle.take_op()));
    Err(status)
}
