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
/// The name ends before the first NUL, and at the latest before the last byte: what stands there and behind is stored,
/// and read back, as NULs.
///
/// Follows `docs/syscalls/object_set_property.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
pub fn set_name(value: u32, name: &[u8; MAX_NAME_BYTES]) -> Result<(), Status> {
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len()).min(name.len() - 1);
    let mut padded = [0; MAX_NAME_BYTES];
    padded[..length].copy_from_slice(&name[..length]);
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::SET_PROPERTY.bits())?;
        thread.set_name(found, &padded)
    })
}
