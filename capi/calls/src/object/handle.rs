//! Handles: closing, duplicating, replacing.

use crate::call_macro::calls;
use crate::process::entry::enter;
use crate::types::{zx_handle_t, zx_rights_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};
use std::ops::Range;

calls! {
    /// Closes a handle.
    fn zx_handle_close, _zx_handle_close(handle: zx_handle_t) {
        enter()?;
        raw::close(handle)
    }

    /// Closes every handle of a list, also when some are bad.
    fn zx_handle_close_many, _zx_handle_close_many(handles: UserIn<zx_handle_t>, num_handles: usize) {
        enter()?;
        // None is closed if the list cannot be read.
        handles.check(num_handles)?;
        close_listed(handles, 0..num_handles, raw::close)
    }

    /// Makes another handle to the same object.
    fn zx_handle_duplicate, _zx_handle_duplicate(
        handle: zx_handle_t,
        rights: zx_rights_t,
        out: UserOut<zx_handle_t>,
    ) {
        enter()?;
        return_handle(raw::duplicate(handle, Rights::from_bits_retain(rights))?, out)
    }

    /// Replaces a handle by one with other rights.
    fn zx_handle_replace, _zx_handle_replace(
        handle: zx_handle_t,
        rights: zx_rights_t,
        out: UserOut<zx_handle_t>,
    ) {
        enter()?;
        return_handle(raw::replace(handle, Rights::from_bits_retain(rights))?, out)
    }
}

/// Closes each handle of this part of a list by `close`, also when some are bad. Gives the last error.
pub(crate) fn close_listed(
    handles: UserIn<zx_handle_t>,
    part: Range<usize>,
    close: impl Fn(zx_handle_t) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut result = Ok(());
    for index in part {
        result = handles.element(index).load().and_then(&close).and(result);
    }
    result
}

/// Checks that a handle has this type (NONE: any type) and these rights.
///
/// # Errors
/// BAD_HANDLE, WRONG_TYPE or ACCESS_DENIED, in this order.
#[cold]
pub(crate) fn check_handle(
    handle: zx_handle_t,
    object_type: ObjectType,
    rights: Rights,
) -> Result<(), Status> {
    let known = raw::basic(handle)?;
    if object_type != ObjectType::NONE && u32::from(known.class.number()) != object_type.into_raw() {
        return Err(Status::WRONG_TYPE);
    }
    if Rights::from(known.rights).contains(rights) { Ok(()) } else { Err(Status::ACCESS_DENIED) }
}

/// Stores a new handle for the caller. Closes it if it cannot be stored.
#[inline]
pub(crate) fn return_handle(handle: zx_handle_t, out: UserOut<zx_handle_t>) -> Result<(), Status> {
    out.store(handle).inspect_err(|_| {
        let _ = raw::close(handle);
    })
}

/// Stores both handles of a new pair. Closes both if one cannot be stored.
#[inline]
pub(crate) fn return_handles(
    (first, second): (zx_handle_t, zx_handle_t),
    out0: UserOut<zx_handle_t>,
    out1: UserOut<zx_handle_t>,
) -> Result<(), Status> {
    // `out0` is written last, so a refused call leaves it as it was.
    let stored = out0.check().and_then(|()| out1.store(second)).and_then(|()| out0.store(first));
    stored.inspect_err(|_| {
        let _ = raw::close_many(&[first, second]);
    })
}
