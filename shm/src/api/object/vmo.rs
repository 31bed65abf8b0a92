//! The operations of [`Thread`] on VM objects.

use crate::arena::error::Result;
#[cfg(not(loom))]
use crate::arena::region::window::Access;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::handle::lookup::ResolvedHandle;
use crate::lifecycle::create;
use crate::object::ObjectClass;
#[cfg(not(loom))]
use crate::object::vmo::info::{self, VmoInfo};
#[cfg(not(loom))]
use crate::object::vmo::listing::{self, MappedRange};
#[cfg(not(loom))]
use crate::object::vmo::map::{self, MapRequest, MemoryPromise};
use crate::object::vmo::pages::{self, VmoRangeOp};
use crate::object::vmo::{copy, size, snapshot};
use crate::process::thread::Thread;
use core::mem::MaybeUninit;

impl Thread {
    /// Makes a VM object of so many bytes, rounded up to whole pages, with a handle of `rights`. Its bytes are 0, and take
    /// no memory before they are written.
    ///
    /// # Errors
    /// `OutOfRange` when no VM object can be so large; `NoMemory` when none of this arena can
    /// ([`vmo_pool_bytes`](crate::Config::vmo_pool_bytes)), or the arena or this process has no room for another object or
    /// handle (`NoResources`).
    pub fn vmo_create(&self, bytes: u64, is_resizable: bool, rights: Rights) -> Result<HandleValue> {
        let words = size::words(self, bytes, is_resizable)?;
        let created =
            create::create(self, ObjectClass::Vmo, rights, |slot| size::initialize(self, slot, words))?;
        Ok(created.0)
    }

    /// Fills all of `buffer` with the bytes from `offset` on. `rights` are those the handle must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no VM object; `AccessDenied`; `OutOfRange` when it has fewer bytes.
    pub fn vmo_read(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        offset: u64,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<()> {
        copy::read(self, found, rights, offset, buffer)
    }

    /// As [`vmo_read`](Self::vmo_read), into memory that is initialised.
    ///
    /// # Errors
    /// Those of [`vmo_read`](Self::vmo_read).
    pub fn vmo_read_bytes(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<()> {
        // SAFETY: the same memory, with a type of the same size. `read` writes bytes that are initialised, and so never
        // makes a byte uninitialised.
        let buffer = unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) };
        copy::read(self, found, rights, offset, buffer)
    }

    /// Writes all of `bytes` from `offset` on.
    ///
    /// # Errors
    /// Those of [`vmo_read`](Self::vmo_read); `NoMemory` or `NoResources` when there is no address space for the pages.
    /// Then some of the bytes may be written.
    pub fn vmo_write(&self, found: ResolvedHandle, rights: Rights, offset: u64, bytes: &[u8]) -> Result<()> {
        copy::write(self, found, rights, offset, bytes)
    }

    /// The size in bytes, and whether it can be set.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no VM object; `AccessDenied`.
    pub fn vmo_size(&self, found: ResolvedHandle, rights: Rights) -> Result<(u64, bool)> {
        size::get(self, found, rights)
    }

    /// Information about the object. `rights` are those the handle must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no VM object; `AccessDenied`.
    #[cfg(not(loom))]
    pub fn vmo_info(&self, found: ResolvedHandle, rights: Rights) -> Result<VmoInfo> {
        info::info(self, found, rights)
    }

    /// The VM objects of this process, once for each handle and once for each mapped range.
    ///
    /// # Errors
    /// `Corrupt` when a VM object is damaged.
    #[cfg(not(loom))]
    pub fn vmos(&self) -> Result<Vec<VmoInfo>> {
        listing::list(self)
    }

    /// The ranges of this process's address space that VM objects are mapped to, in the order of addresses.
    ///
    /// # Errors
    /// `Corrupt` when a VM object is damaged.
    #[cfg(not(loom))]
    pub fn mapped_ranges(&self) -> Result<Vec<MappedRange>> {
        listing::ranges(self)
    }

    /// Sets the size, rounded up to whole pages. New bytes are 0; the memory of bytes that are cut goes back to the system.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `Unavailable` when it was made as not resizable; `OutOfRange` when it would
    /// be larger than any VM object of this arena can be.
    pub fn vmo_set_size(&self, found: ResolvedHandle, rights: Rights, bytes: u64) -> Result<()> {
        size::set(self, found, rights, bytes)
    }

    /// Makes a clone: an object of so many bytes with a copy of those of `found` from `offset` on, and a handle of
    /// `child_rights` to it. `rights` are those that `found` must have. The object has ZERO_CHILDREN again when the last handle to
    /// its last clone is closed.
    ///
    /// # Errors
    /// Those of [`vmo_create`](Self::vmo_create); `BadHandle`; `WrongType`; `AccessDenied`; `NoMemory` or `NoResources` when
    /// the copy finds no memory, or the object has too many clones.
    pub fn vmo_clone(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        offset: u64,
        bytes: u64,
        is_resizable: bool,
        child_rights: Rights,
    ) -> Result<HandleValue> {
        // The errors of the handle come first.
        size::get(self, found, rights)?;
        let child = self.vmo_create(bytes, is_resizable, child_rights)?;
        let filled = self.lookup(child).and_then(|to| snapshot::fill_child(self, found, rights, offset, to));
        match filled {
            Ok(()) => Ok(child),
            Err(error) => {
                if !error.is_crash() {
                    self.close(self.lookup(child)?)?;
                }
                Err(error)
            }
        }
    }

    /// An operation on the pages that `len` bytes from `offset` on touch.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `OutOfRange` when the range begins behind the end, or, for
    /// [`VmoRangeOp::Cache`], ends behind it; then also `InvalidArgs` for no bytes. `NoMemory` when the system has none left.
    pub fn vmo_op_range(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        op: VmoRangeOp,
        offset: u64,
        len: u64,
    ) -> Result<()> {
        pages::op_range(self, found, rights, op, offset, len)
    }

    /// Maps pages of the object in this process, and returns their address. `rights` are those the handle must have. The
    /// mapping keeps the object by a handle of its own.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`, also when the system refuses the access; `NotSupported` when the size can be
    /// set and the request needs a fixed one, or the arena's file is not at hand; `NoMemory` when the address space or the
    /// extents are used up, or the address is taken.
    #[cfg(not(loom))]
    pub fn vmo_map(&self, found: ResolvedHandle, rights: Rights, request: &MapRequest) -> Result<usize> {
        map::map(self, found, rights, request)
    }

    /// Unmaps what is mapped in a range.
    ///
    /// # Errors
    /// `InvalidArgs` for a range that is no whole pages; `NotFound` when nothing is mapped there; `NoMemory` when the system
    /// has no memory to split a mapping, which then stays from there on.
    #[cfg(not(loom))]
    pub fn vmo_unmap(&self, at: usize, len: usize, promise: MemoryPromise) -> Result<()> {
        let (keepers, unmapped) = map::unmap(self, at, len, promise);
        let closed = keepers.into_iter().try_for_each(|keeper| self.close(keeper));
        unmapped.and(closed)
    }

    /// Changes the access to a range.
    ///
    /// # Errors
    /// `InvalidArgs` for a range that is no whole pages; `NotFound` when some of it is not mapped; `AccessDenied` for access
    /// that it may never have.
    #[cfg(not(loom))]
    pub fn vmo_protect(&self, at: usize, len: usize, access: Access, promise: MemoryPromise) -> Result<()> {
        map::protect(self, at, len, access, promise)
    }
}
