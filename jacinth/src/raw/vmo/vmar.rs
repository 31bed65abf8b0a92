//! Address space by a handle's value: mappings of VM objects in the own process.

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::raw::handle::basic;
use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::vmo::VmarFlags;
use jacinth_shm as shm;
use jacinth_shm::{Access, MemoryPromise};
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE_BYTES: u64 = 4096;

/// Maps `len` bytes of a VM object, from `vmo_offset` on, into an address space: its own process's, the only one that can be
/// named. Gives the address. `options` are the bits of [`VmarFlags`].
///
/// Follows `docs/syscalls/vmar_map.md`. `vmo` needs [`Rights::MAP`], and for each PERM the right of its name, as the
/// address space does. `vmar_offset` is an address with [`VmarFlags::SPECIFIC`], and 0 without.
///
/// The mapping lasts until [`vmar_unmap`], also when the handle is closed. Bytes behind the end of the object are 0 and can be
/// read; if it grows, they are its bytes. So no change of its size makes a reader fault.
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`] for either handle; [`Status::ACCESS_DENIED`] for one that
/// lacks a right; [`Status::INVALID_ARGS`] for options that do not exist, for PERM_WRITE or PERM_EXECUTE without PERM_READ,
/// and for offsets and lengths that are no whole pages; [`Status::NOT_SUPPORTED`] for the address space of another process,
/// for [`VmarFlags::SPECIFIC_OVERWRITE`], for an object that can be resized with
/// [`VmarFlags::REQUIRE_NON_RESIZABLE`], and without `/proc` for an object that may not be written;
/// [`Status::NO_MEMORY`] when there is no address space, or the range with SPECIFIC is not free, or no object can be so
/// large.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmar = vmar_root_self()?.raw_handle();
/// let vmo = raw::vmo_create(8192, 0, Rights::VMO_DEFAULT)?;
/// let flags = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE;
/// let address = raw::vmar_map(vmar, flags.bits(), 0, vmo, 0, 8192)?;
/// assert!(address.is_multiple_of(4096));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmar_map(
    vmar: u32,
    options: u32,
    vmar_offset: usize,
    vmo: u32,
    vmo_offset: u64,
    len: u64,
) -> Result<usize, Status> {
    check(vmar, ObjectType::VMAR)?;
    let vmo_rights = check(vmo, ObjectType::VMO)?;
    let vmar_rights = check_own_vmar(vmar)?;
    if !vmo_rights.contains(Rights::MAP) {
        return Err(Status::ACCESS_DENIED);
    }
    let flags =
        VmarFlags::from_bits(options).ok_or_else(|| detail::because(Status::INVALID_ARGS, UNKNOWN))?;
    let access = access(flags)?;
    // A permission that both have may be asked for later, too.
    let most =
        [(Rights::READ, Access::READ), (Rights::WRITE, Access::WRITE), (Rights::EXECUTE, Access::EXECUTE)]
            .into_iter()
            .filter(|(right, _)| (vmo_rights & vmar_rights).contains(*right))
            .fold(Access::empty(), |most, (_, access)| most | access);
    if !most.contains(access) {
        return Err(Status::ACCESS_DENIED);
    }
    if flags.contains(VmarFlags::SPECIFIC_OVERWRITE) {
        let status =
            if flags.contains(VmarFlags::MAP_RANGE) { Status::INVALID_ARGS } else { Status::NOT_SUPPORTED };
        return Err(detail::because(status, "a mapping in the place of another one"));
    }
    let is_specific = flags.contains(VmarFlags::SPECIFIC);
    let is_aligned = (vmar_offset as u64 | vmo_offset | len).is_multiple_of(PAGE_BYTES);
    if !is_specific && vmar_offset != 0 || !is_aligned || len == 0 || vmo_offset.checked_add(len).is_none() {
        return Err(detail::because(Status::INVALID_ARGS, "a mapping is of whole pages"));
    }
    let request = shm::MapRequest {
        offset: vmo_offset,
        len: usize::try_from(len).map_err(|_| Status::INVALID_ARGS)?,
        access,
        most,
        at: is_specific.then_some(vmar_offset),
        needs_fixed_size: flags.contains(VmarFlags::REQUIRE_NON_RESIZABLE),
        populates: flags.contains(VmarFlags::MAP_RANGE),
    };
    with_thread(|thread| thread.vmo_map(thread.lookup(shm::HandleValue(vmo))?, Rights::MAP.into(), &request))
}

/// Unmaps what is mapped of VM objects in a range. A mapping that is partly in it is split.
///
/// Follows `docs/syscalls/vmar_unmap.md`. Needs no right. The promise is the caller's that no thread uses the memory any
/// more.
///
/// An access to the range faults from then on, until its bytes are mapped again. The process may retain the addresses of a whole
/// mapping, without access, for a later [`vmar_map`] of the same bytes of the same object: at most 16 ranges, and 128 MiB in all.
/// So a program must not put a mapping of its own there by `mmap` with `MAP_FIXED`. The system counts the pages that were used
/// as resident (`VmRSS`). A mapping with [`VmarFlags::SPECIFIC`] gets the addresses that it asks for.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`]; [`Status::NOT_SUPPORTED`] for the address space of another process;
/// [`Status::INVALID_ARGS`] for a range that is no whole pages; [`Status::NOT_FOUND`] when nothing is mapped there.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmar = vmar_root_self()?.raw_handle();
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// let address = raw::vmar_map(vmar, VmarFlags::PERM_READ.bits(), 0, vmo, 0, 4096)?;
/// // SAFETY: it was never used.
/// let promise = unsafe { MemoryPromise::no_thread_relies_on_it() };
/// raw::vmar_unmap(vmar, address, 4096, promise)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmar_unmap(vmar: u32, address: usize, len: u64, promise: MemoryPromise) -> Result<(), Status> {
    check_own_vmar(vmar)?;
    let len = usize::try_from(len).map_err(|_| Status::INVALID_ARGS)?;
    with_thread(|thread| thread.vmo_unmap(address, len, promise))
}

/// Changes the access to a range, all of which is mapped of VM objects. `options` are the PERM bits of [`VmarFlags`].
///
/// Follows `docs/syscalls/vmar_protect.md`. Needs the right of the name of each PERM, and the handle of the VM object must have
/// had it when the range was mapped. The promise is the caller's that no thread relies on access that is taken away.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::NOT_SUPPORTED`] for the address
/// space of another process; [`Status::INVALID_ARGS`] for other options, for PERM_WRITE or PERM_EXECUTE without PERM_READ, and
/// for a range that is no whole pages; [`Status::NOT_FOUND`] when some of it is not mapped.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmar = vmar_root_self()?.raw_handle();
/// let vmo = raw::vmo_create(4096, 0, Rights::VMO_DEFAULT)?;
/// let address = raw::vmar_map(vmar, VmarFlags::PERM_READ.bits(), 0, vmo, 0, 4096)?;
/// // SAFETY: it was never used.
/// let promise = unsafe { MemoryPromise::no_thread_relies_on_it() };
/// raw::vmar_protect(vmar, (VmarFlags::PERM_READ | VmarFlags::PERM_WRITE).bits(), address, 4096, promise)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmar_protect(
    vmar: u32,
    options: u32,
    address: usize,
    len: u64,
    promise: MemoryPromise,
) -> Result<(), Status> {
    let rights = check_own_vmar(vmar)?;
    let permissions = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE | VmarFlags::PERM_EXECUTE;
    let flags = VmarFlags::from_bits(options).filter(|flags| permissions.contains(*flags));
    let flags = flags.ok_or_else(|| detail::because(Status::INVALID_ARGS, UNKNOWN))?;
    let access = access(flags)?;
    let lacks = |flag, right| flags.contains(flag) && !rights.contains(right);
    if lacks(VmarFlags::PERM_READ, Rights::READ)
        || lacks(VmarFlags::PERM_WRITE, Rights::WRITE)
        || lacks(VmarFlags::PERM_EXECUTE, Rights::EXECUTE)
    {
        return Err(Status::ACCESS_DENIED);
    }
    let len = usize::try_from(len).map_err(|_| Status::INVALID_ARGS)?;
    with_thread(|thread| thread.vmo_protect(address, len, access, promise))
}

const UNKNOWN: &str = "an option that mappings do not have";

fn access(flags: VmarFlags) -> Result<Access, Status> {
    let access = [
        (VmarFlags::PERM_READ, Access::READ),
        (VmarFlags::PERM_WRITE, Access::WRITE),
        (VmarFlags::PERM_EXECUTE, Access::EXECUTE),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(Access::empty(), |all, (_, access)| all | access);
    // As in Zircon: the machine has no pages that can be written or executed, and not read.
    if !access.is_empty() && !access.contains(Access::READ) {
        return Err(detail::because(Status::INVALID_ARGS, "PERM_WRITE and PERM_EXECUTE come with PERM_READ"));
    }
    Ok(access)
}

/// The koid of the calling process's address space, once it has been asked for.
static OWN_VMAR: AtomicU64 = AtomicU64::new(0);

/// Notes the koid of the calling process's address space.
pub(crate) fn set_own_vmar(koid: Koid) {
    // Relaxed: a thread that has a handle to it has got it after this.
    OWN_VMAR.store(koid.raw_koid(), Ordering::Relaxed);
}

/// The rights of a handle to an object of this type.
pub(super) fn check(value: u32, object_type: ObjectType) -> Result<Rights, Status> {
    let known = basic(value)?;
    if u32::from(known.class.number()) != object_type.into_raw() {
        return Err(Status::WRONG_TYPE);
    }
    Ok(Rights::from(known.rights))
}

/// As [`check`], of the calling process's address space.
fn check_own_vmar(value: u32) -> Result<Rights, Status> {
    let rights = check(value, ObjectType::VMAR)?;
    if basic(value)?.koid != OWN_VMAR.load(Ordering::Relaxed) {
        return Err(detail::because(Status::NOT_SUPPORTED, "the address space of another process"));
    }
    Ok(rights)
}
