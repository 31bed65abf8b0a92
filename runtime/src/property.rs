//! Properties of objects. So far: the name.

use crate::attach::with_thread;
use crate::{Rights, Status};
use jacinth_shm::MAX_NAME_BYTES;

/// The object's name, padded with NULs (`ZX_PROP_NAME`). Needs [`Rights::GET_PROPERTY`].
///
/// Follows `docs/syscalls/object_get_property.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
pub fn name(value: u32) -> Result<[u8; MAX_NAME_BYTES], Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::GET_PROPERTY.bits())?;
        thread.name(found)
    })
}

/// Names the object (`ZX_PROP_NAME`). Needs [`Rights::SET_PROPERTY`].
///
/// Follows `docs/syscalls/object_set_property.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
pub fn set_name(value: u32, name: &[u8; MAX_NAME_BYTES]) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::SET_PROPERTY.bits())?;
        thread.set_name(found, name)
    })
}
