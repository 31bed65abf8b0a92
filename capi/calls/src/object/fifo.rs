//! Fifos.

use crate::call_macro::calls;
use crate::object::handle::{check_handle, return_handles};
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{MAX_FIFO_BYTES, ObjectType, Rights, Status, raw};

calls! {
    /// Makes a fifo.
    fn zx_fifo_create, _zx_fifo_create(
        elem_count: usize,
        elem_size: usize,
        options: u32,
        out0: UserOut<zx_handle_t>,
        out1: UserOut<zx_handle_t>,
    ) {
        if options != 0 {
            return Err(Status::INVALID_ARGS);
        }
        enter()?;
        return_handles(raw::fifo_create(elem_count, elem_size, Rights::FIFO_DEFAULT)?, out0, out1)
    }

    /// Writes elements.
    fn zx_fifo_write, _zx_fifo_write(
        handle: zx_handle_t,
        elem_size: usize,
        data: UserIn<u8>,
        count: usize,
        actual_count: UserOut<usize>,
    ) {
        enter()?;
        let bad_memory = |_| error_before_bad_memory(handle, Rights::WRITE);
        let actual_count = actual_count.check_optional().map_err(bad_memory)?;
        let bytes = data.slice(useful_bytes(elem_size, count)).map_err(bad_memory)?;
        actual_count.store(raw::fifo_write(handle, elem_size, bytes)?);
        Ok(())
    }

    /// Reads elements.
    fn zx_fifo_read, _zx_fifo_read(
        handle: zx_handle_t,
        elem_size: usize,
        data: UserOut<u8>,
        count: usize,
        actual_count: UserOut<usize>,
    ) {
        enter()?;
        let bad_memory = |_| error_before_bad_memory(handle, Rights::READ);
        let actual_count = actual_count.check_optional().map_err(bad_memory)?;
        let bytes = data.buffer(useful_bytes(elem_size, count)).map_err(bad_memory)?;
        actual_count.store(raw::fifo_read_uninit(handle, elem_size, bytes)?);
        Ok(())
    }
}

/// The bytes of so many elements that a call may use: no fifo holds more than [`MAX_FIFO_BYTES`]. None of elements that no
/// fifo has, which is OUT_OF_RANGE, as no elements at all are.
fn useful_bytes(elem_size: usize, count: usize) -> usize {
    MAX_FIFO_BYTES.checked_div(elem_size).map_or(0, |most| most.min(count) * elem_size)
}

/// The status of a call whose memory is bad. As in Zircon, errors of the handle come first.
#[cold]
fn error_before_bad_memory(handle: zx_handle_t, rights: Rights) -> Status {
    check_handle(handle, ObjectType::FIFO, rights).err().unwrap_or(Status::INVALID_ARGS)
}
