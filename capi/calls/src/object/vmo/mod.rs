//! VM objects, and the address space that they are mapped into.

mod vmar;

pub use vmar::*;

use crate::call_macro::calls;
use crate::object::handle::{check_handle, return_handle};
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

calls! {
    /// Makes a VM object.
    fn zx_vmo_create, _zx_vmo_create(size: u64, options: u32, out: UserOut<zx_handle_t>) {
        enter()?;
        return_handle(raw::vmo_create(size, options, Rights::VMO_DEFAULT)?, out)
    }

    /// Reads bytes.
    fn zx_vmo_read, _zx_vmo_read(
        handle: zx_handle_t,
        buffer: UserOut<u8>,
        offset: u64,
        buffer_size: usize,
    ) {
        enter()?;
        check_range(handle, Rights::READ, offset, buffer_size)?;
        let bytes = buffer.buffer(buffer_size)?;
        raw::vmo_read_uninit(handle, bytes, offset)
    }

    /// Writes bytes.
    fn zx_vmo_write, _zx_vmo_write(
        handle: zx_handle_t,
        buffer: UserIn<u8>,
        offset: u64,
        buffer_size: usize,
    ) {
        enter()?;
        check_range(handle, Rights::WRITE, offset, buffer_size)?;
        let bytes = buffer.slice(buffer_size)?;
        raw::vmo_write(handle, bytes, offset)
    }

    /// Makes a clone.
    fn zx_vmo_clone, _zx_vmo_clone(
        handle: zx_handle_t,
        options: u32,
        offset: u64,
        size: u64,
        out: UserOut<zx_handle_t>,
    ) {
        enter()?;
        return_handle(raw::vmo_clone(handle, options, offset, size)?, out)
    }

    /// Gives the size.
    fn zx_vmo_get_size, _zx_vmo_get_size(handle: zx_handle_t, size: UserOut<u64>) {
        enter()?;
        size.store(raw::vmo_get_size(handle)?)
    }

    /// Sets the size.
    fn zx_vmo_set_size, _zx_vmo_set_size(handle: zx_handle_t, size: u64) {
        enter()?;
        raw::vmo_set_size(handle, size)
    }

    /// Does an operation on a range. The buffer is not used.
    fn zx_vmo_op_range, _zx_vmo_op_range(
        handle: zx_handle_t,
        op: u32,
        offset: u64,
        size: u64,
        _buffer: UserOut<u8>,
        _buffer_size: usize,
    ) {
        enter()?;
        raw::vmo_op_range(handle, op, offset, size)
    }
}

/// The errors that come before those of the memory: also, a range that the object does not have must not make the call look at
/// so much memory.
fn check_range(handle: zx_handle_t, rights: Rights, offset: u64, len: usize) -> Result<(), Status> {
    check_handle(handle, ObjectType::VMO, rights)?;
    let size = raw::vmo_get_size(handle)?;
    let is_within = offset.checked_add(len as u64).is_some_and(|end| end <= size);
    if is_within { Ok(()) } else { Err(Status::OUT_OF_RANGE) }
}
