//! Reads and calls into buffers of a fixed size that hold no values yet.

use super::io_slice::Small;
use super::write::{refuse, refuse_etc};
use super::{Channel, ChannelIoSlice, ChannelReadResult, MAX_MSG_BYTES, MAX_MSG_HANDLES};
use crate::detail;
use crate::handle::{HandleDisposition, HandleInfo, NullableHandle};
use crate::raw::{self, OnOverflow, Received};
use crate::types::status::Status;
use crate::types::time::{Deadline, MonotonicInstant};
use jacinth_shm as shm;
use std::mem::MaybeUninit;

/// The places of a message that were filled: bytes and handles.
type Filled<'b, 'h, H> = (&'b mut [u8], &'h mut [H]);

impl Channel {
    /// Reads the next message into buffers of a fixed size, which need not be initialised. Gives the parts that were
    /// filled. Handles that are not taken out of them stay open.
    ///
    /// # Errors
    /// As [`read_into`](Self::read_into): a message that does not fit stays.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// use std::mem::MaybeUninit;
    ///
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"hello", &mut [Event::create().into()])?;
    /// let mut bytes = [MaybeUninit::uninit(); 64];
    /// let mut handles = [const { MaybeUninit::uninit() }; 4];
    /// let (bytes, handles) = theirs.read_uninit(&mut bytes, &mut handles).to_result()?;
    /// assert_eq!((&*bytes, handles.len()), (&b"hello"[..], 1));
    /// let event = handles[0].take();
    /// # assert!(event.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_uninit<'b, 'h>(
        &self,
        bytes: &'b mut [MaybeUninit<u8>],
        handles: &'h mut [MaybeUninit<NullableHandle>],
    ) -> ChannelReadResult<(&'b mut [u8], &'h mut [NullableHandle])> {
        self.read_filling(bytes, handles, handle_of)
    }

    /// As [`read_uninit`](Self::read_uninit), with each handle's type and rights.
    ///
    /// # Errors
    /// Those of [`read_uninit`](Self::read_uninit).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// use std::mem::MaybeUninit;
    ///
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"", &mut [Event::create().into()])?;
    /// let mut handles = [const { MaybeUninit::uninit() }; 1];
    /// let (_, handles) = theirs.read_etc_uninit(&mut [], &mut handles).to_result()?;
    /// assert_eq!(handles[0].object_type, ObjectType::EVENT);
    /// # handles[0].handle.take();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_etc_uninit<'b, 'h>(
        &self,
        bytes: &'b mut [MaybeUninit<u8>],
        handles: &'h mut [MaybeUninit<HandleInfo>],
    ) -> ChannelReadResult<(&'b mut [u8], &'h mut [HandleInfo])> {
        self.read_filling(bytes, handles, HandleInfo::from_received)
    }

    fn read_filling<'b, 'h, H>(
        &self,
        bytes: &'b mut [MaybeUninit<u8>],
        handles: &'h mut [MaybeUninit<H>],
        make: fn(Received) -> H,
    ) -> ChannelReadResult<Filled<'b, 'h, H>> {
        let mut buffer = shm::UninitBuf::new(bytes, handles.len());
        let (result, actual) = raw::receive(self.raw_handle(), OnOverflow::Keep, &mut buffer);
        ChannelReadResult::new(result, actual, || buffer.into_received(handles, make))
    }

    /// [`call`](Self::call), with the reply in buffers of a fixed size, which need not be initialised. Gives the parts
    /// that were filled. Handles that are not taken out of them stay open.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`] when the buffers cannot hold every message, of [`MAX_MSG_BYTES`] and
    /// [`MAX_MSG_HANDLES`]: no message is sent then, and `handles` stay. Otherwise those of [`call`](Self::call).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// use std::mem::MaybeUninit;
    ///
    /// let (client, server) = Channel::create();
    /// std::thread::spawn(move || {
    ///     let mut request = MessageBuf::new();
    ///     server.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
    ///     server.read(&mut request).unwrap();
    ///     server.write(request.bytes(), &mut []).unwrap();
    /// });
    /// let mut bytes = [MaybeUninit::uninit(); MAX_MSG_BYTES];
    /// let mut handles = [const { MaybeUninit::uninit() }; MAX_MSG_HANDLES];
    /// let (reply, _) = client.call_uninit(
    ///     MonotonicInstant::INFINITE,
    ///     b"\0\0\0\0ping",
    ///     &mut [],
    ///     &mut bytes,
    ///     &mut handles,
    /// )?;
    /// assert_eq!(&reply[4..], b"ping");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_uninit<'b, 'h>(
        &self,
        deadline: impl Into<Deadline>,
        bytes: &[u8],
        handles: &mut [NullableHandle],
        reply_bytes: &'b mut [MaybeUninit<u8>],
        reply_handles: &'h mut [MaybeUninit<NullableHandle>],
    ) -> Result<(&'b mut [u8], &'h mut [NullableHandle]), Status> {
        let deadline = deadline.into().instant();
        call_filling(reply_bytes, reply_handles, handle_of, |buffer| {
            self.call_into(deadline, bytes, handles, buffer)
        })
    }

    /// [`call_uninit`](Self::call_uninit), with the bytes of `slices` one after another.
    ///
    /// # Errors
    /// Those of [`call_uninit`](Self::call_uninit) and [`callv`](Self::callv).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, _server) = Channel::create();
    /// let question = [ChannelIoSlice::new(b"\0\0\0\0"), ChannelIoSlice::new(b"?")];
    /// let too_small = client.callv_uninit(MonotonicInstant::INFINITE, &question, &mut [], &mut [], &mut []);
    /// assert_eq!(too_small, Err(Status::BUFFER_TOO_SMALL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callv_uninit<'b, 'h>(
        &self,
        deadline: impl Into<Deadline>,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [NullableHandle],
        reply_bytes: &'b mut [MaybeUninit<u8>],
        reply_handles: &'h mut [MaybeUninit<NullableHandle>],
    ) -> Result<(&'b mut [u8], &'h mut [NullableHandle]), Status> {
        let deadline: MonotonicInstant = deadline.into().instant();
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.call_uninit(deadline, &bytes, handles, reply_bytes, reply_handles),
            Err(status) => Err(refuse(handles, status).err().unwrap_or(status)),
        }
    }

    /// [`call_etc`](Self::call_etc), with the reply in buffers as [`call_uninit`](Self::call_uninit) has them.
    ///
    /// # Errors
    /// Those of both.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// use std::mem::MaybeUninit;
    ///
    /// let (client, _server) = Channel::create();
    /// let mut bytes = [MaybeUninit::uninit(); MAX_MSG_BYTES];
    /// let mut handles = [const { MaybeUninit::uninit() }; MAX_MSG_HANDLES];
    /// let now = MonotonicInstant::INFINITE_PAST;
    /// let timed_out = client.call_etc_uninit(now, b"\0\0\0\0?", &mut [], &mut bytes, &mut handles);
    /// assert_eq!(timed_out, Err(Status::TIMED_OUT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_etc_uninit<'b, 'h>(
        &self,
        deadline: impl Into<Deadline>,
        bytes: &[u8],
        handles: &mut [HandleDisposition<'_>],
        reply_bytes: &'b mut [MaybeUninit<u8>],
        reply_handles: &'h mut [MaybeUninit<HandleInfo>],
    ) -> Result<(&'b mut [u8], &'h mut [HandleInfo]), Status> {
        let deadline = deadline.into().instant();
        call_filling(reply_bytes, reply_handles, HandleInfo::from_received, |buffer| {
            self.call_etc_into(deadline, bytes, handles, buffer)
        })
    }

    /// [`call_etc_uninit`](Self::call_etc_uninit), with the bytes of `slices` one after another.
    ///
    /// # Errors
    /// Those of [`call_etc_uninit`](Self::call_etc_uninit) and [`callv_etc`](Self::callv_etc).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (client, _server) = Channel::create();
    /// let question = [ChannelIoSlice::new(b"\0\0\0\0?")];
    /// let too_small =
    ///     client.callv_etc_uninit(MonotonicInstant::INFINITE, &question, &mut [], &mut [], &mut []);
    /// assert_eq!(too_small, Err(Status::BUFFER_TOO_SMALL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callv_etc_uninit<'b, 'h>(
        &self,
        deadline: impl Into<Deadline>,
        slices: &[ChannelIoSlice<'_>],
        handles: &mut [HandleDisposition<'_>],
        reply_bytes: &'b mut [MaybeUninit<u8>],
        reply_handles: &'h mut [MaybeUninit<HandleInfo>],
    ) -> Result<(&'b mut [u8], &'h mut [HandleInfo]), Status> {
        let deadline: MonotonicInstant = deadline.into().instant();
        match ChannelIoSlice::gather(slices, &mut Small::new()) {
            Ok(bytes) => self.call_etc_uninit(deadline, &bytes, handles, reply_bytes, reply_handles),
            Err(status) => Err(refuse_etc(handles, status).err().unwrap_or(status)),
        }
    }
}

/// Runs a call whose reply goes into these buffers, if they can hold every reply: one that does not fit would be lost.
fn call_filling<'b, 'h, H>(
    bytes: &'b mut [MaybeUninit<u8>],
    handles: &'h mut [MaybeUninit<H>],
    make: fn(Received) -> H,
    call: impl FnOnce(&mut shm::UninitBuf<'_>) -> Result<(), Status>,
) -> Result<Filled<'b, 'h, H>, Status> {
    // Before the request is sent: a reply that did not fit would come too late for an error without effect.
    if bytes.len() < MAX_MSG_BYTES || handles.len() < MAX_MSG_HANDLES {
        return Err(detail::because(Status::BUFFER_TOO_SMALL, "a reply may be as long as a message may be"));
    }
    let mut buffer = shm::UninitBuf::new(bytes, handles.len());
    call(&mut buffer)?;
    Ok(buffer.into_received(handles, make))
}

fn handle_of(received: Received) -> NullableHandle {
    NullableHandle::from_raw(received.value.0)
}
