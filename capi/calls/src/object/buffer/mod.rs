//! Buffers: bytes that are written once, and then read in place by all who have a handle. Their bytes are in `view`.

pub(crate) mod unsent;
mod view;

pub use unsent::UNINITIALIZED;
pub use view::*;

use crate::object::handle::return_handle;
use crate::process::entry::{enter, enter_unforked};
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::process::lent::{Lending, Lent};
use crate::types::{jacinth_buffer_mut_t, zx_handle_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Buffer, BufferMut, Channel, Status, Unowned};
use unsent::Contents;

/// The buffers that this process fills.
static FILLED: Lent<BufferMut> = Lent::new(3, "the buffer that is filled");

impl Lending for jacinth_buffer_mut_t {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Runs a call that makes a buffer, and stores where it is filled.
fn with_buffer(
    options: u32,
    out: UserOut<jacinth_buffer_mut_t>,
    make: impl FnOnce() -> Result<BufferMut, Status>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let contents = Contents::from_options(options)?;
        out.check().context("where the buffer goes")?;
        let mut made = make().context_with_detail("making a buffer")?;
        let (data, num_bytes) = (contents.start(made.as_raw()), made.len());
        FILLED.lend(made, out, |id| jacinth_buffer_mut_t { data, num_bytes, id })
    })
}

/// Makes a buffer, to be filled.
///
/// # Safety
/// `buffer` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_create(
    num_bytes: usize,
    options: u32,
    buffer: UserOut<jacinth_buffer_mut_t>,
) -> zx_status_t {
    with_buffer(options, buffer, || BufferMut::create(num_bytes))
}

/// Makes a buffer for a message through a channel.
///
/// # Safety
/// `buffer` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_channel_reserve_buffer(
    channel: zx_handle_t,
    num_bytes: usize,
    options: u32,
    buffer: UserOut<jacinth_buffer_mut_t>,
) -> zx_status_t {
    with_buffer(options, buffer, || Unowned::<Channel>::from_raw_handle(channel).reserve_buffer(num_bytes))
}

/// Ends the filling, and stores a handle to the buffer.
///
/// # Safety
/// `buffer` points to a structure to read and write, `out` to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_freeze(
    buffer: UserOut<jacinth_buffer_mut_t>,
    out: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        // Before the call: a bad address must not cost the buffer.
        out.check().context("where the handle goes")?;
        let filled = FILLED.take(buffer)?.ok_or(Status::BAD_HANDLE).context("no buffer that is filled")?;
        let frozen = filled.freeze().context_with_detail("freezing a buffer")?;
        return_handle(frozen.into_raw(), out).context("where the handle goes")
    })
}

/// Ends a buffer that was not frozen.
///
/// # Safety
/// `buffer` points to a structure to read and write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_discard(buffer: UserOut<jacinth_buffer_mut_t>) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        FILLED.take(buffer).map(drop)
    })
}

/// Stores the size of a buffer.
///
/// # Safety
/// `size` points to a size to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_get_size(buffer: zx_handle_t, size: UserOut<usize>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let bytes =
            Unowned::<Buffer>::from_raw_handle(buffer).size().context_with_detail("the size of a buffer")?;
        size.store(bytes).context("where the size goes")
    })
}
