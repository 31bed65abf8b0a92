//! Properties of objects. So far: the name.

use crate::attach::with_thread;
use crate::{Rights, Status};
use jacinth_shm::MAX_NAME_BYTES;

/// `ZX_PROP_NAME`, get.
pub(crate) fn name(value: u32) -> Result<[u8; MAX_NAME_BYTES], Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::GET_PROPERTY.bits())?;
        thread.name(found)
    })
}

/// `ZX_PROP_NAME`, set.
pub(crate) fn set_name(value: u32, name: &[u8; MAX_NAME_BYTES]) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::SET_PROPERTY.bits())?;
        thread.set_name(found, name)
    })
}
