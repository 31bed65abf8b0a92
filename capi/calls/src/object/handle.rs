//! Handles: closing, duplicating, replacing.

use crate::arena::enter;
use crate::types::{zx_handle_t, zx_rights_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

calls! {
    /// Closes a handle.
    fn zx_handle_close, _zx_handle_close(handle: zx_handle_t) {
        enter()?;
        raw::close(handle)
    }

    /// Closes all of a list of handles, whatever is wrong with some.
    fn zx_handle_close_many, _zx_handle_close_many(handles: UserIn<zx_handle_t>, num_handles: usize) {
        enter()?;
        raw::close_many(&handles.copy(num_handles)?)
    }

    /// Makes another handle to the same object.
    fn zx_handle_duplicate, _zx_handle_duplicate(
        handle: zx_handle_t,
        rights: zx_rights_t,
        out: UserOut<zx_handle_t>,
    ) {
        enter()?;
        give(raw::duplicate(handle, Rights::from_bits_retain(rights))?, out)
    }

    /// Replaces a handle by one with other rights.
    fn zx_handle_replace, _zx_handle_replace(
        handle: zx_handle_t,
        rights: zx_rights_t,
        out: UserOut<zx_handle_t>,
    ) {
        enter()?;
        give(raw::replace(handle, Rights::from_bits_retain(rights))?, out)
    }
}

/// What is wrong with a handle that is not of this type (NONE: of any) or has not these rights.
#[cold]
pub(crate) fn require(handle: zx_handle_t, object_type: ObjectType, rights: Rights) -> Result<(), Status> {
    let known = raw::basic(handle)?;
    if object_type != ObjectType::NONE && u32::from(known.kind) != object_type.into_raw() {
        return Err(Status::WRONG_TYPE);
    }
    if Rights::from_bits_retain(known.rights).contains(rights) { Ok(()) } else { Err(Status::ACCESS_DENIED) }
}

/// Hands a new handle to the caller, or closes it where that cannot be done.
#[inline]
pub(crate) fn give(handle: zx_handle_t, out: UserOut<zx_handle_t>) -> Result<(), Status> {
    out.store(handle).inspect_err(|_| {
        let _ = raw::close(handle);
    })
}

/// The same with both sides of a pair.
#[inline]
pub(crate) fn give_both(
    (first, second): (zx_handle_t, zx_handle_t),
    out0: UserOut<zx_handle_t>,
    out1: UserOut<zx_handle_t>,
) -> Result<(), Status> {
    let given = out0.check().and_then(|()| out1.store(second)).and_then(|()| out0.store(first));
    given.inspect_err(|_| {
        let _ = raw::close_many(&[first, second]);
    })
}
