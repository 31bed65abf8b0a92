//! The operations of [`Thread`] on buffers.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::handle::lookup::ResolvedHandle;
#[cfg(not(loom))]
use crate::object::buffer::BufferView;
use crate::object::buffer::{self, BufferMut};
use crate::object::channel::write::{refused, writable};
use crate::process::thread::Thread;

impl Thread {
    /// Makes a buffer of so many bytes, to be filled. Its handle, which [`freeze`](Self::freeze) gives, will have `rights`.
    ///
    /// # Errors
    /// `OutOfRange` when it is larger than the arena's `max_loan_bytes`; `NoMemory` when the arena has no memory for it, and
    /// `NoResources` when this process may have no more; also when there is no room for another object or handle.
    pub fn buffer_create(&self, len: usize, rights: Rights) -> Result<BufferMut> {
        self.take_or_close(buffer::create(self, len, rights)?, len)
    }

    /// As [`buffer_create`](Self::buffer_create), for a message through `channel`, whose handle must have `channel_rights`.
    /// If there is no memory, the channel is not WRITABLE until there is; nor, for a moment, if there is no room for another
    /// object or handle.
    ///
    /// # Errors
    /// Those of [`buffer_create`](Self::buffer_create), and of a write: `BadHandle`, `WrongType`, `AccessDenied`, `PeerClosed`.
    pub fn reserve_buffer(
        &self,
        channel: ResolvedHandle,
        channel_rights: Rights,
        len: usize,
        rights: Rights,
    ) -> Result<BufferMut> {
        writable::may_write(self, channel, channel_rights)?;
        let lines = buffer::lines_of(self, len)?;
        let keeper = match buffer::create(self, len, rights) {
            Err(error @ (Error::NoMemory { .. } | Error::NoResources(_))) => {
                refused::note_buffer_object(self, channel, lines, error);
                return Err(error);
            }
            created => created?,
        };
        let taken = self.take_or_close(keeper, len);
        match &taken {
            Ok(_) => refused::forget_buffer(self, channel)?,
            Err(error) if error.is_crash() => {}
            Err(error) => refused::note_buffer(self, channel, lines, *error),
        }
        taken
    }

    /// Gives a buffer that was just made its block, or closes it.
    fn take_or_close(&self, keeper: ResolvedHandle, len: usize) -> Result<BufferMut> {
        let taken = buffer::take_block(self, keeper, len);
        if taken.as_ref().is_err_and(|error| !error.is_crash()) {
            self.close(keeper)?;
        }
        taken
    }

    /// Ends the filling of a buffer, and gives its handle. Bytes that were not written are zero.
    pub fn freeze(&self, buffer: BufferMut) -> Result<HandleValue> {
        buffer::freeze(self, buffer)
    }

    /// Ends a buffer that was not frozen.
    pub fn discard(&self, buffer: BufferMut) -> Result<()> {
        self.close(buffer.keeper())
    }

    /// The size of a frozen buffer, in bytes. `rights` are those the handle must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no buffer; `AccessDenied`; `BadState` when it is not frozen.
    pub fn buffer_size(&self, found: ResolvedHandle, rights: Rights) -> Result<usize> {
        self.end_call(buffer::size(self, found, rights))
    }

    /// Writes the first byte of a buffer that is being filled. For models.
    #[cfg(loom)]
    pub fn buffer_fill(&self, buffer: &BufferMut, byte: u8) -> Result<()> {
        buffer::fill(self, buffer, byte)
    }

    /// The value that names the buffer once it is frozen. For models.
    #[cfg(loom)]
    pub fn buffer_value(&self, buffer: &BufferMut) -> HandleValue {
        let keeper = buffer.keeper();
        self.process.codec.encode(keeper.index, keeper.entry)
    }

    /// Looks at a frozen buffer while `meanwhile` runs: the first byte, before and after. For models.
    #[cfg(loom)]
    pub fn buffer_look(&self, found: ResolvedHandle, meanwhile: impl FnOnce()) -> Result<[u8; 2]> {
        let (keeper, before) = buffer::look(self, found, Rights::empty())?;
        meanwhile();
        let (again, after) = buffer::look(self, keeper, Rights::empty())?;
        self.close(again)?;
        self.close(keeper)?;
        Ok([before, after])
    }

    /// The bytes of a frozen buffer, in place.
    ///
    /// # Errors
    /// Those of [`buffer_size`](Self::buffer_size); `NoResources` when this process has no room for another handle.
    #[cfg(not(loom))]
    pub fn view(&self, found: ResolvedHandle, rights: Rights) -> Result<BufferView> {
        buffer::view(self, found, rights)
    }

    /// Ends a view.
    #[cfg(not(loom))]
    pub fn end_view(&self, view: BufferView) -> Result<()> {
        self.close(view.keeper())
    }
}
