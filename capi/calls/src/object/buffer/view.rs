//! The bytes of a buffer, in place.

use crate::process::entry::enter_unforked;
use crate::process::error_text::{Context, with_error_text};
use crate::process::lent::{Lending, Lent};
use crate::types::{jacinth_buffer_view_t, zx_handle_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Buffer, BufferView, Unowned};

/// The views that this process has.
static VIEWS: Lent<BufferView> = Lent::new(4, "the view of a buffer");

impl Lending for jacinth_buffer_view_t {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Stores where the bytes of a buffer are.
///
/// # Safety
/// `view` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_view(
    buffer: zx_handle_t,
    view: UserOut<jacinth_buffer_view_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        view.check().context("where the view goes")?;
        let made =
            Unowned::<Buffer>::from_raw_handle(buffer).view().context_with_detail("viewing a buffer")?;
        let (data, num_bytes) = (made.as_ptr().into(), made.len());
        VIEWS.lend(made, view, |id| jacinth_buffer_view_t { data, num_bytes, id })
    })
}

/// Ends a view.
///
/// # Safety
/// `view` points to a structure to read and write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_buffer_view_release(view: UserOut<jacinth_buffer_view_t>) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        VIEWS.take(view).map(drop)
    })
}
