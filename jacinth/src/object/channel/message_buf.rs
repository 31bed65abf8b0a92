//! Buffers that a message is read into.

use crate::handle::{HandleInfo, NullableHandle};
use crate::types::status::Status;
use jacinth_shm as shm;

/// Writes a buffer for messages with handles of one type.
macro_rules! message_buf {
    (
        $(#[$doc:meta])* $Buf:ident of $Item:ty:
        $field:ident, $count:ident, $take:ident, $take_all:ident, $ensure:ident, $from_received:expr, $none:expr, $is_none:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $Buf {
            bytes: Vec<u8>,
            $field: Vec<$Item>,
            /// Where a read leaves the handles. Kept for its memory.
            received: Vec<shm::Received>,
        }

        impl $Buf {
            /// An empty buffer.
            ///
            /// ```
            /// # use jacinth::*;
            /// assert!(MessageBuf::new().bytes().is_empty());
            /// ```
            pub fn new() -> Self {
                Self::default()
            }

            /// A buffer of these.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert_eq!((message.bytes(), message.n_handles()), (&b"bytes"[..], 1));
            /// ```
            pub fn new_with(bytes: Vec<u8>, handles: Vec<$Item>) -> Self {
                Self { bytes, $field: handles, received: Vec::new() }
            }

            /// The bytes and the handles.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// let (bytes, handles) = message.split();
            /// assert_eq!((bytes.len(), handles.len()), (5, 1));
            /// ```
            pub fn split(self) -> (Vec<u8>, Vec<$Item>) {
                (self.bytes, self.$field)
            }

            /// The bytes and the handles, to be changed.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// let (bytes, handles) = message.split_mut();
            /// bytes.push(b'!');
            /// handles.clear();
            /// assert_eq!((message.bytes(), message.n_handles()), (&b"bytes!"[..], 0));
            /// ```
            pub fn split_mut(&mut self) -> (&mut Vec<u8>, &mut Vec<$Item>) {
                (&mut self.bytes, &mut self.$field)
            }

            /// The bytes. Handles that were not taken are closed.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert_eq!(message.into_bytes(), b"bytes");
            /// ```
            pub fn into_bytes(self) -> Vec<u8> {
                self.bytes
            }

            /// The bytes of the message.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert_eq!(message.bytes(), b"bytes");
            /// ```
            pub fn bytes(&self) -> &[u8] {
                &self.bytes
            }

            /// The handles. One that was taken has left an invalid one behind.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert!(message.handles()[0].is_invalid());
            /// ```
            pub fn $field(&self) -> &[$Item] {
                &self.$field
            }

            /// How many handles the message carried, those already taken included.
            ///
            /// ```
            /// # use jacinth::*;
            /// let message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert_eq!(message.n_handles(), 1);
            /// ```
            pub fn $count(&self) -> usize {
                self.$field.len()
            }

            /// Takes a handle out; `None` when there is no such handle, or it was taken before.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert!(message.take_handle(0).is_none()); // An invalid handle is none.
            /// ```
            pub fn $take(&mut self, index: usize) -> Option<$Item> {
                let place = self.$field.get_mut(index)?;
                let is_none: fn(&$Item) -> bool = $is_none;
                (!is_none(place)).then(|| std::mem::replace(place, $none))
            }

            /// Takes all handles out that were not taken before, in the order of the message.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// assert!(message.take_handles().is_empty());
            /// ```
            pub fn $take_all(&mut self) -> Vec<$Item> {
                let is_none: fn(&$Item) -> bool = $is_none;
                let left = self.$field.iter_mut().filter(|place| !is_none(place));
                left.map(|place| std::mem::replace(place, $none)).collect()
            }

            /// Makes room for this many bytes, so that reading so many does not allocate.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// message.ensure_capacity_bytes(MAX_MSG_BYTES);
            /// assert!(message.split_mut().0.capacity() >= MAX_MSG_BYTES);
            /// ```
            pub fn ensure_capacity_bytes(&mut self, bytes: usize) {
                self.bytes.reserve(bytes.saturating_sub(self.bytes.len()));
            }

            /// Makes room for this many handles.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// message.ensure_capacity_handles(MAX_MSG_HANDLES);
            /// assert!(message.split_mut().1.capacity() >= MAX_MSG_HANDLES);
            /// ```
            pub fn $ensure(&mut self, handles: usize) {
                self.$field.reserve(handles.saturating_sub(self.$field.len()));
                self.received.reserve(handles);
            }

            /// Adds zeros until there are this many bytes.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// message.ensure_initialized_bytes(7);
            /// assert_eq!(message.bytes(), b"bytes\0\0");
            /// ```
            pub fn ensure_initialized_bytes(&mut self, bytes: usize) {
                if bytes > self.bytes.len() {
                    self.bytes.resize(bytes, 0);
                }
            }

            /// Gives memory back that the bytes do not need.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// message.ensure_capacity_bytes(MAX_MSG_BYTES);
            /// message.shrink_bytes_to_fit();
            /// assert!(message.split_mut().0.capacity() < MAX_MSG_BYTES);
            /// ```
            pub fn shrink_bytes_to_fit(&mut self) {
                self.bytes.shrink_to_fit();
            }

            /// Empties the buffer. Handles that were not taken are closed.
            ///
            /// ```
            /// # use jacinth::*;
            /// let mut message = MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::invalid()]);
            /// message.clear();
            /// assert_eq!((message.bytes().len(), message.n_handles()), (0, 0));
            /// ```
            pub fn clear(&mut self) {
                self.bytes.clear();
                self.$field.clear();
            }

            pub(super) fn receive(
                &mut self,
                receive: impl FnOnce(&mut shm::VecBuf<'_>) -> Result<(), Status>,
            ) -> Result<(), Status> {
                self.$field.clear();
                let result = receive(&mut shm::VecBuf::new(&mut self.bytes, &mut self.received));
                // After the call, so that no owner of a handle can be dropped inside it.
                if !self.received.is_empty() {
                    self.$field.extend(self.received.drain(..).map($from_received));
                }
                result
            }
        }
    };
}

message_buf! {
    /// A message that was read: its bytes and its handles. Reused from read to read, it allocates only to grow.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"two", &mut [Event::create().into(), Event::create().into()])?;
    /// let mut message = MessageBuf::new();
    /// theirs.read(&mut message)?;
    /// let first = Event::from(message.take_handle(0).unwrap());
    /// assert_eq!((message.take_handles().len(), message.n_handles()), (1, 2));
    /// assert_eq!(message.into_bytes(), b"two");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MessageBuf of NullableHandle:
    handles, n_handles, take_handle, take_handles, ensure_capacity_handles,
    |handle| NullableHandle::from_raw(handle.value.0), NullableHandle::invalid(), NullableHandle::is_invalid
}

message_buf! {
    /// As [`MessageBuf`], with the type and the rights of each handle.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"", &mut [Event::create().into()])?;
    /// let mut message = MessageBufEtc::new();
    /// theirs.read_etc(&mut message)?;
    /// let info = message.take_handle_info(0).unwrap();
    /// assert_eq!((info.object_type, info.rights), (ObjectType::EVENT, Rights::EVENT_DEFAULT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MessageBufEtc of HandleInfo:
    handle_infos, n_handle_infos, take_handle_info, take_handle_infos, ensure_capacity_handle_infos,
    HandleInfo::from_received, HandleInfo::none(), |info| info.handle.is_invalid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> MessageBuf {
        MessageBuf::new_with(b"bytes".to_vec(), vec![NullableHandle::from_raw(4), NullableHandle::invalid()])
    }

    #[test]
    fn a_handle_is_taken_once() {
        let mut message = two();
        assert_eq!(message.take_handle(0).map(NullableHandle::into_raw), Some(4));
        assert_eq!(
            (message.take_handle(0), message.take_handle(1), message.take_handle(2)),
            (None, None, None)
        );
        assert_eq!(message.n_handles(), 2);
        assert!(message.take_handles().is_empty());
    }

    #[test]
    fn room_is_made_ahead() {
        let mut message = MessageBufEtc::new();
        message.ensure_capacity_bytes(100);
        message.ensure_capacity_handle_infos(3);
        message.ensure_initialized_bytes(8);
        assert_eq!(message.bytes(), [0; 8]);
        message.ensure_initialized_bytes(4);
        let (bytes, handles) = message.split_mut();
        assert_eq!(bytes.len(), 8);
        assert!(bytes.capacity() >= 100 && handles.capacity() >= 3);
        message.shrink_bytes_to_fit();
        assert_eq!(message.into_bytes(), [0; 8]);
    }
}
