//! Channels: creating, writing and reading. Calls over a channel are in `call`, messages that are filled and read where they lie
//! in `loan` and `in_place`.

mod call;
mod in_place;
mod loan;
mod message;

pub use call::*;
pub use in_place::*;
pub use loan::*;

use crate::call_macro::calls;
use crate::object::handle::{check_handle, return_handles};
use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{zx_handle_info_t, zx_handle_t, zx_status_t};
use crate::user_memory::{CheckedOut, UserIn, UserOut};
use jacinth::{ChannelOptions, ObjectType, OnOverflow, Rights, Status, raw};
use message::{
    Buffers, Handles, ReceivedHandle, close_beyond, close_unsent, error_before_bad_memory, message_bytes,
};

/// `ZX_CHANNEL_READ_MAY_DISCARD`.
const MAY_DISCARD: u32 = 1;

/// `JACINTH_CHANNEL_DISCARD_LATE_REPLIES`.
pub const DISCARD_LATE_REPLIES: u32 = 1;

calls! {
    /// Makes a channel.
    fn zx_channel_create, _zx_channel_create(
        options: u32,
        out0: UserOut<zx_handle_t>,
        out1: UserOut<zx_handle_t>,
    ) {
        if options != 0 {
            return Err(Status::INVALID_ARGS);
        }
        enter()?;
        let ends = raw::create(ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT)?;
        return_handles(ends, out0, out1)
    }

    /// Reads the next message.
    fn zx_channel_read, _zx_channel_read(
        handle: zx_handle_t,
        options: u32,
        bytes: UserOut<u8>,
        handles: UserOut<zx_handle_t>,
        num_bytes: u32,
        num_handles: u32,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let sizes = ActualSizes::check(handle, actual_bytes, actual_handles)?;
        read(handle, options, Buffers::new(bytes, num_bytes, handles, num_handles), sizes)
    }

    /// Reads the next message; each handle comes with its type and rights.
    fn zx_channel_read_etc, _zx_channel_read_etc(
        handle: zx_handle_t,
        options: u32,
        bytes: UserOut<u8>,
        handles: UserOut<zx_handle_info_t>,
        num_bytes: u32,
        num_handles: u32,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let sizes = ActualSizes::check(handle, actual_bytes, actual_handles)?;
        read(handle, options, Buffers::new(bytes, num_bytes, handles, num_handles), sizes)
    }

    /// Writes a message.
    fn zx_channel_write, _zx_channel_write(
        handle: zx_handle_t,
        options: u32,
        bytes: UserIn<u8>,
        num_bytes: u32,
        handles: UserIn<zx_handle_t>,
        num_handles: u32,
    ) {
        enter()?;
        let bad_memory = |_| error_before_bad_memory(handle, Rights::WRITE, num_bytes, num_handles);
        // The frequent case: without handles there are none to close after an error.
        if num_handles == 0 && options == 0 {
            return raw::channel_write(handle, message_bytes(bytes, num_bytes).map_err(bad_memory)?, &[]);
        }
        let mut loaded = Handles::new();
        handles.load_into(num_handles as usize, &mut loaded).map_err(bad_memory)?;
        // From here on the call consumes the handles, also when it fails.
        let options = if options == 0 { Ok(()) } else { Err(Status::INVALID_ARGS) };
        let bytes = options.and_then(|()| message_bytes(bytes, num_bytes).map_err(bad_memory));
        let bytes = bytes.inspect_err(|_| close_unsent(&loaded));
        let written = bytes.and_then(|bytes| raw::channel_write(handle, bytes, &loaded));
        close_beyond(&loaded, handles, num_handles);
        written
    }
}

/// Makes a channel with options that Zircon does not have.
///
/// # Safety
/// `out0` and `out1` are NULL or point to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_channel_create(
    options: u32,
    max_pending_messages: u32,
    out0: UserOut<zx_handle_t>,
    out1: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_error_text(|| {
        if options & !DISCARD_LATE_REPLIES != 0 {
            return Err(Status::INVALID_ARGS).context("the options");
        }
        enter().map_err(CallError::no_arena)?;
        let options = ChannelOptions::new()
            .max_pending_messages(max_pending_messages)
            .discard_late_replies(options & DISCARD_LATE_REPLIES != 0);
        let ends = raw::channel_create(Rights::CHANNEL_DEFAULT, options);
        ends.and_then(|ends| return_handles(ends, out0, out1)).context("making a channel")
    })
}

/// The optional outputs of a read: the sizes of the message.
#[derive(Clone, Copy)]
struct ActualSizes {
    bytes: CheckedOut<u32>,
    handles: CheckedOut<u32>,
}

impl ActualSizes {
    #[inline]
    fn check(handle: zx_handle_t, bytes: UserOut<u32>, handles: UserOut<u32>) -> Result<Self, Status> {
        let bad_memory = |_| error_before_bad_memory(handle, Rights::READ, 0, 0);
        // Checked before the read, because a bad pointer must not cost a message.
        let bytes = bytes.check_optional().map_err(bad_memory)?;
        Ok(Self { bytes, handles: handles.check_optional().map_err(bad_memory)? })
    }

    #[inline]
    fn store(self, actual: raw::Actual) {
        // A message has at most 65,536 bytes and 64 handles.
        self.bytes.store(actual.bytes as u32);
        self.handles.store(actual.handles as u32);
    }
}

#[inline]
fn read<H: ReceivedHandle>(
    handle: zx_handle_t,
    options: u32,
    mut buffers: Buffers<H>,
    sizes: ActualSizes,
) -> Result<(), Status> {
    if options & !MAY_DISCARD != 0 {
        return check_handle(handle, ObjectType::CHANNEL, Rights::READ).and(Err(Status::NOT_SUPPORTED));
    }
    let (result, actual) = raw::receive(handle, OnOverflow::Keep, &mut buffers);
    match result {
        Ok(()) => sizes.store(actual),
        Err(Status::BUFFER_TOO_SMALL) => return read_too_large(handle, options, buffers, actual, sizes),
        Err(_) => {}
    }
    result
}

/// Ends a read whose message does not fit, or fits into bad memory. A bad pointer must not cost a message. So the first read
/// always keeps the message, and a second read discards it only if it is really too large.
#[cold]
fn read_too_large<H: ReceivedHandle>(
    handle: zx_handle_t,
    options: u32,
    mut buffers: Buffers<H>,
    mut actual: raw::Actual,
    sizes: ActualSizes,
) -> Result<(), Status> {
    let mut result = Err(Status::BUFFER_TOO_SMALL);
    if options & MAY_DISCARD != 0 && !buffers.has_bad_memory() {
        // Another thread may have read that message by now. This reads the next one then.
        (result, actual) = raw::receive(handle, OnOverflow::Discard, &mut buffers);
    }
    match result {
        Err(Status::BUFFER_TOO_SMALL) if buffers.has_bad_memory() => return Err(Status::INVALID_ARGS),
        Ok(()) | Err(Status::BUFFER_TOO_SMALL) => sizes.store(actual),
        Err(_) => {}
    }
    result
}
