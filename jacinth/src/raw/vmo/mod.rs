//! VM objects by a handle's value.

mod own_process;
mod vmar;
pub(crate) use own_process::set_own_process;
pub use own_process::{MappedRange, process_maps, process_vmos};
pub(crate) use vmar::set_own_vmar;
pub use vmar::{vmar_map, vmar_protect, vmar_unmap};

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::vmo::{VmoChildOptions, VmoOp, VmoOptions};
use jacinth_shm as shm;
use std::mem::MaybeUninit;

/// Makes a VM object of `size` bytes, rounded up to whole pages. Gives the value of a handle with these rights. `options` are
/// the bits of [`VmoOptions`].
///
/// Follows `docs/syscalls/vmo_create.md`.
///
/// # Errors
/// [`Status::INVALID_ARGS`] for options that do not exist. [`Status::OUT_OF_RANGE`] when no VM object can be so large;
/// [`Status::NO_MEMORY`] when none of this arena can; [`Status::NO_RESOURCES`] when the arena or this process's share of it is
/// full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, VmoOptions::NON_RESIZABLE.bits(), Rights::VMO_DEFAULT)?;
/// raw::close(vmo)?;
/// assert_eq!(raw::vmo_create(4096, 2, Rights::VMO_DEFAULT), Err(Status::INVALID_ARGS));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_create(size: u64, options: u32, rights: Rights) -> Result<u32, Status> {
    let Some(options) = VmoOptions::from_bits(options) else {
        return Err(detail::because(
            Status::INVALID_ARGS,
            "a VM object has the option NON_RESIZABLE, or none",
        ));
    };
    let is_resizable = !options.contains(VmoOptions::NON_RESIZABLE);
    with_thread(|thread| thread.vmo_create(size, is_resizable, rights.into())).map(|value| value.0)
}

/// Fills `bytes` with those of a VM object from `offset` on.
///
/// Follows `docs/syscalls/vmo_read.md`. Needs [`Rights::READ`].
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::OUT_OF_RANGE`] when the
/// object has fewer bytes.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// let mut bytes = [9; 100];
/// raw::vmo_read(vmo, &mut bytes, 3996)?;
/// assert_eq!(bytes, [0; 100]);
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn vmo_read(value: u32, bytes: &mut [u8], offset: u64) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_read_bytes(found, Rights::READ.into(), offset, bytes)
    })
}

/// As [`vmo_read`], into memory that may be uninitialised. All of it is initialised afterwards.
///
/// # Errors
/// Those of [`vmo_read`]; then some of the memory may be initialised.
///
/// ```
/// # use jacinth::*;
/// # use std::mem::MaybeUninit;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// raw::vmo_read_uninit(vmo, &mut [MaybeUninit::uninit(); 8], 0)?;
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn vmo_read_uninit(value: u32, bytes: &mut [MaybeUninit<u8>], offset: u64) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_read(found, Rights::READ.into(), offset, bytes)
    })
}

/// Writes `bytes` to a VM object from `offset` on.
///
/// Follows `docs/syscalls/vmo_write.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::OUT_OF_RANGE`] when the
/// object has fewer bytes. [`Status::NO_MEMORY`] when the arena's address space for VM objects is used up, and
/// [`Status::NO_RESOURCES`] when this process's share of it is; then the first bytes may be written.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// raw::vmo_write(vmo, b"jacinth", 0)?;
/// assert_eq!(raw::vmo_write(vmo, b"jacinth", 4090), Err(Status::OUT_OF_RANGE));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn vmo_write(value: u32, bytes: &[u8], offset: u64) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_write(found, Rights::WRITE.into(), offset, bytes)
    })
}

/// Clones a VM object: makes one of `size` bytes with those of this one from `offset` on. Gives the value of a handle with the
/// rights of `value`, and [`Rights::WRITE`]. `options` are the bits of [`VmoChildOptions`].
///
/// Follows `docs/syscalls/vmo_clone.md`. Needs [`Rights::DUPLICATE`] and [`Rights::READ`]. The bytes are copied at once, as far
/// as the parent has pages: later writes to the parent do not show in the clone, where Zircon shows those to pages that the
/// clone has not written.
///
/// # Errors
/// In this order: [`Status::INVALID_ARGS`] for options without COPY_ON_WRITE, or that do not exist; [`Status::BAD_HANDLE`];
/// [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for an offset that is not at a page;
/// [`Status::OUT_OF_RANGE`] when `offset` and `size` are more than 64 bits together, or no object can be so large;
/// [`Status::NO_MEMORY`] and [`Status::NO_RESOURCES`] as for [`vmo_create`] and [`vmo_write`], and NO_RESOURCES for the 513th
/// living clone of one object.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(8192, 0, Rights::VMO_DEFAULT)?;
/// let clone = raw::vmo_clone(vmo, VmoChildOptions::COPY_ON_WRITE.bits(), 4096, 4096)?;
/// assert_eq!(raw::vmo_get_size(clone), Ok(4096));
/// # raw::close_many(&[vmo, clone])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_clone(value: u32, options: u32, offset: u64, size: u64) -> Result<u32, Status> {
    let options =
        VmoChildOptions::from_bits(options).filter(|all| all.contains(VmoChildOptions::COPY_ON_WRITE));
    let Some(options) = options else {
        return Err(detail::because(Status::INVALID_ARGS, "a clone has the option COPY_ON_WRITE"));
    };
    let is_resizable = !options.contains(VmoChildOptions::NON_RESIZABLE);
    let needs = Rights::DUPLICATE | Rights::READ;
    let cloned = with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_size(found, needs.into())?;
        if !offset.is_multiple_of(4096) {
            return Err(shm::Error::InvalidArgs("the offset of a clone is not at a page"));
        }
        if offset.checked_add(size).is_none() {
            return Err(shm::Error::OutOfRange {
                what: "the size of a clone, in bytes,",
                value: size,
                most: !offset,
            });
        }
        let rights = Rights::from(found.rights()) | Rights::WRITE;
        thread.vmo_clone(found, needs.into(), offset, size, is_resizable, rights.into())
    })?;
    Ok(cloned.0)
}

/// The size of a VM object in bytes.
///
/// Follows `docs/syscalls/vmo_get_size.md`. Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(1, 0, Rights::NONE)?;
/// assert_eq!(raw::vmo_get_size(vmo), Ok(4096));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_get_size(value: u32) -> Result<u64, Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_size(found, Rights::NONE.into()).map(|(bytes, _)| bytes)
    })
}

/// Information about a VM object, in plain numbers.
pub use shm::VmoInfo;

/// Information about a VM object (`ZX_INFO_VMO`).
///
/// Follows `docs/syscalls/object_get_info.md`. Needs no right. See [`Vmo::info`](crate::Vmo::info).
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(1, 0, Rights::NONE)?;
/// let info = raw::vmo_info(vmo)?;
/// assert_eq!((info.size_bytes, info.children, info.committed_bytes), (4096, 0, 0));
/// assert_eq!(raw::vmo_info(process_self()?.raw_handle()), Err(Status::WRONG_TYPE));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_info(value: u32) -> Result<VmoInfo, Status> {
    with_thread(|thread| thread.vmo_info(thread.lookup(shm::HandleValue(value))?, Rights::NONE.into()))
}

/// Sets the size of a VM object, rounded up to whole pages.
///
/// Follows `docs/syscalls/vmo_set_size.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::UNAVAILABLE`] for an
/// object whose size cannot be set; [`Status::OUT_OF_RANGE`] when no VM object of this arena can be so large.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(0, 0, Rights::VMO_DEFAULT)?;
/// raw::vmo_set_size(vmo, 8192)?;
/// assert_eq!(raw::vmo_get_size(vmo), Ok(8192));
/// assert_eq!(raw::vmo_set_size(vmo, u64::MAX), Err(Status::OUT_OF_RANGE));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_set_size(value: u32, size: u64) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.vmo_set_size(found, Rights::WRITE.into(), size)
    })
}

/// Operation number `op` ([`VmoOp`]) on a range of a VM object.
///
/// Follows `docs/syscalls/vmo_op_range.md`. Needs the right that [`VmoOp`] says.
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::INVALID_ARGS`] for an operation that does not
/// exist; [`Status::NOT_SUPPORTED`] for LOCK and UNLOCK; [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for a cache
/// operation on no bytes; [`Status::OUT_OF_RANGE`]; [`Status::NO_MEMORY`], [`Status::NO_RESOURCES`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = raw::vmo_create(8192, 0, Rights::VMO_DEFAULT)?;
/// raw::vmo_op_range(vmo, VmoOp::COMMIT.into_raw(), 0, 8192)?;
/// assert_eq!(raw::vmo_op_range(vmo, VmoOp::LOCK.into_raw(), 0, 8192), Err(Status::NOT_SUPPORTED));
/// # raw::close(vmo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmo_op_range(value: u32, op: u32, offset: u64, size: u64) -> Result<(), Status> {
    let known = match VmoOp::from_raw(op) {
        VmoOp::COMMIT => Ok((shm::VmoRangeOp::Commit, Rights::WRITE)),
        VmoOp::DECOMMIT => Ok((shm::VmoRangeOp::Decommit, Rights::WRITE)),
        VmoOp::CACHE_SYNC | VmoOp::CACHE_CLEAN | VmoOp::CACHE_CLEAN_INVALIDATE => {
            Ok((shm::VmoRangeOp::Cache, Rights::READ))
        }
        VmoOp::CACHE_INVALIDATE => Ok((shm::VmoRangeOp::Cache, Rights::WRITE)),
        VmoOp::LOCK | VmoOp::UNLOCK => Err(shm::Error::NotSupported("locking the pages of a VM object")),
        _ => Err(shm::Error::InvalidArgs("an operation that VM objects do not have")),
    };
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        // The handle and its type before the operation, as in Zircon.
        thread.vmo_size(found, Rights::NONE.into())?;
        let (op, rights) = known?;
        thread.vmo_op_range(found, rights.into(), op, offset, size)
    })
}
