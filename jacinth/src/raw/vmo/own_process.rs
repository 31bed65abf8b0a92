//! What the calling process has of VM objects, by a handle to the process.

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::raw::handle::basic;
use crate::raw::vmo::VmoInfo;
use crate::raw::vmo::vmar::check;
use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use std::sync::atomic::{AtomicU64, Ordering};

/// The VM objects of a process (`ZX_INFO_PROCESS_VMOS`): the own one, the only one that can be asked. One for each handle, then one
/// for each mapped range, whose `rights` are `None`.
///
/// Follows `docs/syscalls/object_get_info.md`. Needs [`Rights::INSPECT`]. See
/// [`Process::info_vmos_vec`](crate::Process::info_vmos_vec).
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`] for an object that is no process; [`Status::ACCESS_DENIED`];
/// [`Status::NOT_SUPPORTED`] for another process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, 0, Rights::NONE)?;
/// let vmos = raw::process_vmos(process_self()?.raw_handle())?;
/// assert_eq!((vmos.len(), vmos[0].size_bytes), (1, 4096));
/// assert_eq!(raw::process_vmos(vmo), Err(Status::WRONG_TYPE));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn process_vmos(value: u32) -> Result<Vec<VmoInfo>, Status> {
    check_own_process(value)?;
    with_thread(|thread| thread.vmos())
}

/// A range of an address space that a VM object is mapped to, in plain numbers.
pub use jacinth_shm::MappedRange;

/// The ranges of a process's address space that VM objects are mapped to (`ZX_INFO_PROCESS_MAPS`), in the order of addresses: of
/// the own process, the only one that can be asked. What the system maps by other means is not among them.
///
/// Follows `docs/syscalls/object_get_info.md`. Needs [`Rights::INSPECT`]. See
/// [`Process::info_maps_vec`](crate::Process::info_maps_vec).
///
/// # Errors
/// Those of [`process_vmos`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// let vmar = vmar_root_self()?.raw_handle();
/// let address = raw::vmar_map(vmar, VmarFlags::PERM_READ.bits(), 0, vmo, 0, 4096)?;
/// let maps = raw::process_maps(process_self()?.raw_handle())?;
/// assert_eq!((maps.len(), maps[0].base, maps[0].len), (1, address, 4096));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn process_maps(value: u32) -> Result<Vec<MappedRange>, Status> {
    check_own_process(value)?;
    with_thread(|thread| thread.mapped_ranges())
}

/// The koid of the calling process, once it has been asked for.
static OWN_PROCESS: AtomicU64 = AtomicU64::new(0);

/// Notes the koid of the calling process.
pub(crate) fn set_own_process(koid: Koid) {
    // Relaxed: a thread that has a handle to it has got it after this.
    OWN_PROCESS.store(koid.raw_koid(), Ordering::Relaxed);
}

fn check_own_process(value: u32) -> Result<(), Status> {
    if !check(value, ObjectType::PROCESS)?.contains(Rights::INSPECT) {
        return Err(Status::ACCESS_DENIED);
    }
    if basic(value)?.koid != OWN_PROCESS.load(Ordering::Relaxed) {
        return Err(detail::because(Status::NOT_SUPPORTED, "the VM objects of another process"));
    }
    Ok(())
}
