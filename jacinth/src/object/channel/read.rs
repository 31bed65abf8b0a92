//! Reading messages.

use super::{Channel, ChannelReadResult, MessageBuf, MessageBufEtc};
use crate::handle::{HandleInfo, NullableHandle};
use crate::raw::{self, OnOverflow};
use crate::types::status::Status;
use jacinth_shm as shm;

impl Channel {
    /// Reads the next message, of any size.
    ///
    /// Follows `docs/syscalls/channel_read.md`. Needs [`Rights::READ`](crate::Rights::READ). The old contents of
    /// `message` are gone, also on an error.
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when there is none; [`Status::PEER_CLOSED`] when there is none and the other
    /// end is closed; [`Status::NO_RESOURCES`] when this process has no room for its handles (the message
    /// stays); [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut message = MessageBuf::new();
    /// assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT));
    /// ours.write(b"hello", &mut [])?;
    /// theirs.read(&mut message)?;
    /// assert_eq!(message.bytes(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read(&self, message: &mut MessageBuf) -> Result<(), Status> {
        message.receive(|buffer| raw::receive(self.raw_handle(), OnOverflow::Keep, buffer).0)
    }

    /// Reads the next message, and each handle with its type and rights.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"", &mut [Event::create().into()])?;
    /// let mut message = MessageBufEtc::new();
    /// theirs.read_etc(&mut message)?;
    /// assert_eq!(message.handle_infos()[0].object_type, ObjectType::EVENT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_etc(&self, message: &mut MessageBufEtc) -> Result<(), Status> {
        message.receive(|buffer| raw::receive(self.raw_handle(), OnOverflow::Keep, buffer).0)
    }

    /// Reads the next message into a vector of bytes and one of handles. Their old contents are gone.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"bytes", &mut [Event::create().into()])?;
    /// let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    /// theirs.read_split(&mut bytes, &mut handles)?;
    /// assert_eq!((bytes, handles.len()), (b"bytes".to_vec(), 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_split(&self, bytes: &mut Vec<u8>, handles: &mut Vec<NullableHandle>) -> Result<(), Status> {
        handles.clear();
        let mut received = Vec::new();
        let result = self.read_into_vectors(bytes, &mut received);
        handles.extend(received.iter().map(|handle| NullableHandle::from_raw(handle.value.0)));
        result
    }

    /// As [`read_split`](Self::read_split), with each handle's type and rights.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"bytes", &mut [Event::create().into()])?;
    /// let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    /// theirs.read_etc_split(&mut bytes, &mut handles)?;
    /// assert_eq!(handles[0].object_type, ObjectType::EVENT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_etc_split(&self, bytes: &mut Vec<u8>, handles: &mut Vec<HandleInfo>) -> Result<(), Status> {
        handles.clear();
        let mut received = Vec::new();
        let result = self.read_into_vectors(bytes, &mut received);
        handles.extend(received.into_iter().map(HandleInfo::from_received));
        result
    }

    fn read_into_vectors(&self, bytes: &mut Vec<u8>, handles: &mut Vec<raw::Received>) -> Result<(), Status> {
        raw::receive(self.raw_handle(), OnOverflow::Keep, &mut shm::VecBuf::new(bytes, handles)).0
    }

    /// Reads the next message into buffers of a fixed size. Gives how many bytes and handles it has.
    ///
    /// # Errors
    /// When the buffers cannot hold it, the sizes that are needed: the message stays, or is discarded with its handles
    /// for [`OnOverflow::Discard`]. Otherwise as [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"hello", &mut [])?;
    /// let too_small = theirs.read_into(OnOverflow::Keep, &mut [0; 4], &mut []);
    /// assert_eq!(too_small, ChannelReadResult::BufferTooSmall { bytes_avail: 5, handles_avail: 0 });
    /// let mut bytes = [0; 64];
    /// assert_eq!(theirs.read_into(OnOverflow::Keep, &mut bytes, &mut []).unwrap(), (5, 0));
    /// assert_eq!(&bytes[..5], b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read_into(
        &self,
        too_small: OnOverflow,
        bytes: &mut [u8],
        handles: &mut [NullableHandle],
    ) -> ChannelReadResult<(usize, usize)> {
        if handles.is_empty() {
            let (result, actual) = raw::channel_read(self.raw_handle(), too_small, bytes, &mut []);
            return ChannelReadResult::new(result, actual, || (actual.bytes, actual.handles));
        }
        let mut received = [None; shm::MAX_MESSAGE_HANDLES];
        let wanted = handles.len().min(received.len());
        let (result, actual) =
            raw::channel_read(self.raw_handle(), too_small, bytes, &mut received[..wanted]);
        for (place, handle) in handles.iter_mut().zip(received.into_iter().flatten()) {
            *place = NullableHandle::from_raw(handle.value.0);
        }
        ChannelReadResult::new(result, actual, || (actual.bytes, actual.handles))
    }
}
