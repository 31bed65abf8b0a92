//! Address spaces. A process maps VM objects into its own.

use crate::handle::NullableHandle;
use crate::object::Vmo;
use crate::raw;
use crate::types::status::Status;
use crate::types::vmo::VmarFlags;
use jacinth_shm::MemoryPromise;

/// An address space. Follows `docs/objects/vm_address_region.md`, as far as address spaces are objects here: it has a koid, a
/// type and rights, and can be sent; and a process maps VM objects into its own. [`vmar_root_self`](crate::vmar_root_self) has the one of the calling process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Vmar> = vmar_root_self()?.cast();
/// let again: Vmar = own.duplicate(Rights::SAME_RIGHTS)?;
/// assert_eq!(again.koid()?, vmar_root_self()?.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Vmar(pub(super) NullableHandle);

impl Vmar {
    /// Maps `len` bytes of a VM object, from `vmo_offset` on. Gives the address.
    ///
    /// Follows `docs/syscalls/vmar_map.md`; [`raw::vmar_map`] has the rights and the errors. The memory is shared: other threads
    /// and processes may write it at any time, so a program reads and writes it by atomics or volatile accesses, or copies.
    ///
    /// # Errors
    /// Those of [`raw::vmar_map`].
    ///
    /// ```
    /// use jacinth::*;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    /// let vmo = Vmo::create(4096)?;
    /// let address = vmar.map(0, &vmo, 0, 4096, VmarFlags::PERM_READ | VmarFlags::PERM_WRITE)?;
    /// // SAFETY: mapped, aligned, and only ever accessed by atomics.
    /// let word = unsafe { &*std::ptr::with_exposed_provenance::<AtomicU64>(address) };
    /// word.store(7, Ordering::Relaxed);
    /// assert_eq!(vmo.read_to_object::<u64>(0)?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map(
        &self,
        vmar_offset: usize,
        vmo: &Vmo,
        vmo_offset: u64,
        len: usize,
        flags: VmarFlags,
    ) -> Result<usize, Status> {
        let vmo = vmo.raw_handle();
        raw::vmar_map(self.raw_handle(), flags.bits(), vmar_offset, vmo, vmo_offset, len as u64)
    }

    /// Unmaps what is mapped of VM objects in a range. In `zx` it is unsafe; here the promise is.
    ///
    /// Follows `docs/syscalls/vmar_unmap.md`. The process may retain the range without access: see [`raw::vmar_unmap`].
    ///
    /// # Errors
    /// Those of [`raw::vmar_unmap`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    /// let address = vmar.map(0, &Vmo::create(4096)?, 0, 4096, VmarFlags::PERM_READ)?;
    /// // SAFETY: it was never used.
    /// vmar.unmap(address, 4096, unsafe { MemoryPromise::no_thread_relies_on_it() })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unmap(&self, address: usize, len: usize, promise: MemoryPromise) -> Result<(), Status> {
        raw::vmar_unmap(self.raw_handle(), address, len as u64, promise)
    }

    /// Changes the access to a range, all of which is mapped of VM objects. In `zx` it is unsafe; here the promise is.
    ///
    /// Follows `docs/syscalls/vmar_protect.md`.
    ///
    /// # Errors
    /// Those of [`raw::vmar_protect`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    /// let vmo = Vmo::create(4096)?.replace(Rights::READ | Rights::MAP)?;
    /// let address = vmar.map(0, &vmo, 0, 4096, VmarFlags::PERM_READ)?;
    /// // SAFETY: it was never used.
    /// let promise = unsafe { MemoryPromise::no_thread_relies_on_it() };
    /// let protected = vmar.protect(address, 4096, VmarFlags::PERM_READ | VmarFlags::PERM_WRITE, promise);
    /// assert_eq!(protected, Err(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn protect(
        &self,
        address: usize,
        len: usize,
        flags: VmarFlags,
        promise: MemoryPromise,
    ) -> Result<(), Status> {
        raw::vmar_protect(self.raw_handle(), flags.bits(), address, len as u64, promise)
    }
}
