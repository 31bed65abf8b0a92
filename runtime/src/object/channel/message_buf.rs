//! A buffer that a message is read into.

use crate::handle::{Handle, HandleInfo};
use crate::types::status::Status;
use jacinth_shm as shm;

/// A message that was read: its bytes, and its handles with their types and rights. Reused from read to read,
/// it allocates only to grow.
#[derive(Debug, Default)]
pub struct MessageBuf {
    bytes: Vec<u8>,
    received: Vec<shm::Received>,
    handles: Vec<Option<HandleInfo>>,
}

impl MessageBuf {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of the message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many handles the message carried, those already taken included.
    pub fn n_handles(&self) -> usize {
        self.handles.len()
    }

    /// Takes a handle out; `None` when there is no such handle, or it was taken before.
    pub fn take_handle(&mut self, index: usize) -> Option<Handle> {
        self.take_handle_info(index).map(|info| info.handle)
    }

    /// Takes a handle out, with its type and rights as `zx_channel_read_etc` gives them.
    pub fn take_handle_info(&mut self, index: usize) -> Option<HandleInfo> {
        self.handles.get_mut(index)?.take()
    }

    /// What is known of the handles that are still here.
    pub fn handle_infos(&self) -> impl Iterator<Item = &HandleInfo> {
        self.handles.iter().flatten()
    }

    /// Empties the buffer. Handles that were not taken are closed.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.handles.clear();
    }

    pub(super) fn receive(
        &mut self,
        receive: impl FnOnce(&mut shm::Growing<'_>) -> Result<(), Status>,
    ) -> Result<(), Status> {
        self.handles.clear();
        let result = receive(&mut shm::Growing::new(&mut self.bytes, &mut self.received));
        self.handles.extend(self.received.drain(..).map(HandleInfo::from_received));
        result
    }
}
