//! Messages that are read where they lie.

use crate::process::entry::enter_unforked;
use crate::process::error_text::{Context, with_error_text};
use crate::process::lent::{Lending, Lent};
use crate::types::{jacinth_message_t, zx_handle_info_t, zx_handle_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{HandleInfo, InPlace, Status};
use zerocopy::IntoBytes;

/// The messages that this process reads in place.
static HELD: Lent<InPlace<'static>> = Lent::new(2, "the message that is read in place");

impl Lending for jacinth_message_t {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads the next message where it lies.
///
/// # Safety
/// `message` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_channel_read_in_place(
    channel: zx_handle_t,
    options: u32,
    message: UserOut<jacinth_message_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        if options != 0 {
            return Err(Status::INVALID_ARGS).context("the options");
        }
        // Before the read: a bad address must not cost the message its order.
        message.check().context("where the message goes")?;
        let held = InPlace::of_channel(channel).context_unless_waiting("reading in place")?;
        let (data, num_bytes) = (held.as_ptr().into(), held.len());
        // A message has at most 64 handles.
        let num_handles = held.n_handles() as u32;
        HELD.lend(held, message, |id| jacinth_message_t { data, num_bytes, num_handles, unused: 0, id })
    })
}

/// Consumes a message, and stores its handles.
///
/// # Safety
/// `message` points to a structure to read and write, and `handles` to so many handles to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_message_finish(
    message: UserOut<jacinth_message_t>,
    handles: UserOut<zx_handle_t>,
    num_handles: u32,
) -> zx_status_t {
    finish(message, handles, num_handles, |info| info.handle.into_raw())
}

/// Consumes a message, and stores its handles, each with its type and rights.
///
/// # Safety
/// As that of [`jacinth_message_finish`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_message_finish_etc(
    message: UserOut<jacinth_message_t>,
    handles: UserOut<zx_handle_info_t>,
    num_handles: u32,
) -> zx_status_t {
    finish(message, handles, num_handles, HandleInfo::into)
}

/// Consumes a message, and closes its handles.
///
/// # Safety
/// `message` points to a structure to read and write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_message_release(message: UserOut<jacinth_message_t>) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        HELD.take(message).map(drop)
    })
}

fn finish<H: IntoBytes>(
    message: UserOut<jacinth_message_t>,
    handles: UserOut<H>,
    num_handles: u32,
    form: impl Fn(HandleInfo) -> H,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let held = HELD.take_if(message, |held| match held.n_handles() {
            0 => Ok(()),
            count if count > num_handles as usize => Err(Status::BUFFER_TOO_SMALL),
            count if !handles.is_writable(count) => Err(Status::INVALID_ARGS),
            _ => Ok(()),
        })?;
        let held = held.ok_or(Status::BAD_HANDLE).context("no message that is read in place")?;
        let received = held.finish().context_with_detail("the handles of a message")?;
        for (index, info) in received.into_iter().enumerate() {
            // Checked above; only another thread can have unmapped it since.
            let _ = handles.element(index).store(form(info));
        }
        Ok(())
    })
}
