//! Address space: mappings of VM objects in the own process.

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::UserOut;
use jacinth::{MemoryPromise, ObjectType, Rights, Status, raw};

calls! {
    /// Maps a VM object.
    fn zx_vmar_map, _zx_vmar_map(
        handle: zx_handle_t,
        options: u32,
        vmar_offset: u64,
        vmo: zx_handle_t,
        vmo_offset: u64,
        len: u64,
        mapped_addr: UserOut<usize>,
    ) {
        enter()?;
        // Before the mapping, which would have to be undone.
        mapped_addr.check().map_err(|_| {
            let of_handles = check_handle(handle, ObjectType::VMAR, Rights::NONE)
                .and_then(|()| check_handle(vmo, ObjectType::VMO, Rights::MAP));
            of_handles.err().unwrap_or(Status::INVALID_ARGS)
        })?;
        let address = raw::vmar_map(handle, options, vmar_offset as usize, vmo, vmo_offset, len)?;
        mapped_addr.store(address)
    }

    /// Unmaps a range.
    fn zx_vmar_unmap, _zx_vmar_unmap(handle: zx_handle_t, addr: usize, len: u64) {
        enter()?;
        raw::vmar_unmap(handle, addr, len, promise())
    }

    /// Changes the access to a range.
    fn zx_vmar_protect, _zx_vmar_protect(handle: zx_handle_t, options: u32, addr: usize, len: u64) {
        enter()?;
        raw::vmar_protect(handle, options, addr, len, promise())
    }
}

/// The promise of the caller of C.
fn promise() -> MemoryPromise {
    // SAFETY: the header asks it of the caller: no thread uses the memory without the access that is left.
    unsafe { MemoryPromise::no_thread_relies_on_it() }
}
