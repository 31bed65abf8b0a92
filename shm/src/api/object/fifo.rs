//! The operations of [`Thread`] on fifos.

use crate::api::object::as_uninit;
use crate::arena::error::Result;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::handle::lookup::HandleName;
use crate::lifecycle::create;
use crate::object::ObjectClass;
use crate::object::fifo;
use crate::object::stream::write;
use crate::process::thread::Thread;
use core::mem::MaybeUninit;

impl Thread {
    /// Makes a fifo that holds so many elements of so many bytes in each direction, with a handle of `rights` to each side.
    ///
    /// # Errors
    /// `OutOfRange` unless the number is a power of two, the size is not 0, and the product is at most
    /// [`MAX_FIFO_BYTES`](fifo::MAX_FIFO_BYTES). `NoMemory`, `NoResources`: the rings find no memory, or there is no room
    /// for another object or handle.
    pub fn fifo_create(
        &self,
        elements: usize,
        element_bytes: usize,
        rights: Rights,
    ) -> Result<(HandleValue, HandleValue)> {
        let geometry = fifo::geometry(elements, element_bytes)?;
        let created =
            create::create(self, ObjectClass::Fifo, rights, |slot| fifo::initialize(self, slot, geometry))?;
        let handles = (created.0, created.1.expect("a fifo has two sides"));
        let values = [handles.0, handles.1];
        let prepared = values.iter().try_for_each(|value| write::prepare(self, self.lookup(*value)?));
        if let Err(error) = prepared {
            if !error.is_crash() {
                for value in values {
                    self.close(self.lookup(value)?)?;
                }
            }
            return Err(error);
        }
        Ok(handles)
    }

    /// Writes as many whole elements of `bytes` as there is room for, and returns how many. `rights` are those the handle
    /// must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no fifo; `AccessDenied`; `PeerClosed`; `OutOfRange` when `element_bytes`
    /// is not the fifo's, or `bytes` has no element; `ShouldWait` when there is no room. At a side that has had several
    /// handles, `NoMemory` or `NoResources` when there is no memory for the elements.
    #[inline]
    pub fn fifo_write(
        &self,
        fifo: impl Into<HandleName>,
        rights: Rights,
        element_bytes: usize,
        bytes: &[u8],
    ) -> Result<usize> {
        fifo::write(self, fifo.into(), rights, element_bytes, bytes)
    }

    /// Reads as many whole elements as there are and as `buffer` has room for, and returns how many.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no fifo; `AccessDenied`; `OutOfRange` as for
    /// [`fifo_write`](Self::fifo_write); `ShouldWait` when there is no element, `PeerClosed` when there will be none.
    #[inline]
    pub fn fifo_read(
        &self,
        fifo: impl Into<HandleName>,
        rights: Rights,
        element_bytes: usize,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<usize> {
        fifo::read(self, fifo.into(), rights, element_bytes, buffer)
    }

    /// As [`fifo_read`](Self::fifo_read), into memory that is initialised.
    ///
    /// # Errors
    /// Those of [`fifo_read`](Self::fifo_read).
    #[inline]
    pub fn fifo_read_bytes(
        &self,
        fifo: impl Into<HandleName>,
        rights: Rights,
        element_bytes: usize,
        buffer: &mut [u8],
    ) -> Result<usize> {
        fifo::read(self, fifo.into(), rights, element_bytes, as_uninit(buffer))
    }
}
