//! The VM objects of the own process: those that it has handles to, and those that it has mapped.
//!
//! An object appears once for each handle and once for each mapped range. The keeper of a mapping is no handle of the program's, and
//! no value names it (INV-ENTRY-5).

use crate::arena::error::{Error, Result};
use crate::arena::region::window::Access;
use crate::arena::word::handle::{Entry, EntryIndex, Rights};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::info::{MAX_NAME_BYTES, name_of};
use crate::object::vmo::extents::with_vmo;
use crate::object::vmo::info::{self, VmoInfo, committed};
use crate::process::half::maps::Mapped;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// The objects by handle, then by mapping in the order of addresses.
pub(crate) fn list(thread: &Thread) -> Result<Vec<VmoInfo>> {
    let mut vmos = Vec::new();
    for index in (1..thread.arena().used_entries(thread.table_row)).map(EntryIndex) {
        let Some(cell) = thread.arena().entry(thread.table_row, index) else { continue };
        // Relaxed: of the entry its generation alone is used, and the lookup of the value loads the entry again.
        let value = thread.process.codec.encode(index, Entry(cell.load(Relaxed)));
        vmos.extend(lookup::lookup(thread, value).map_or(Ok(None), |found| by(thread, found))?);
    }
    let ranges = thread.process.maps.lock().ranges();
    for (_, mapped) in ranges {
        vmos.extend(by(thread, mapped.keeper.into())?.map(|info| VmoInfo { rights: None, ..info }));
    }
    Ok(vmos)
}

/// A range of the own address space that a VM object is mapped to (`ZX_INFO_PROCESS_MAPS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedRange {
    /// Its first address.
    pub base: usize,
    /// Its length, in bytes.
    pub len: usize,
    /// The access to it.
    pub access: Access,
    /// The object's koid.
    pub vmo_koid: u64,
    /// The object's name, padded with NULs.
    pub vmo_name: [u8; MAX_NAME_BYTES],
    /// The byte of the object at the first address.
    pub vmo_offset: u64,
    /// How many of the bytes have memory, as in [`VmoInfo::committed_bytes`].
    pub committed_bytes: u64,
}

/// The mapped ranges, in the order of addresses.
pub(crate) fn ranges(thread: &Thread) -> Result<Vec<MappedRange>> {
    let ranges = thread.process.maps.lock().ranges().into_iter();
    let known = ranges.map(|(base, mapped)| match range(thread, base, &mapped) {
        // Another thread has just unmapped it.
        Err(Error::BadHandle) => Ok(None),
        known => known.map(Some),
    });
    known.filter_map(Result::transpose).collect()
}

fn range(thread: &Thread, base: usize, mapped: &Mapped) -> Result<MappedRange> {
    with_vmo(thread, mapped.keeper.into(), Rights::empty(), |vmo| {
        let len = mapped.end - base;
        Ok(MappedRange {
            base,
            len,
            access: mapped.access,
            vmo_koid: mapped.koid,
            vmo_name: name_of(vmo.arena, vmo.vmo)?,
            vmo_offset: mapped.offset,
            committed_bytes: committed(&vmo, mapped.offset..mapped.offset + len as u64)?,
        })
    })
}

/// `None`: it is a handle to another kind of object, or was closed meanwhile.
fn by(thread: &Thread, found: ResolvedHandle) -> Result<Option<VmoInfo>> {
    match info::info(thread, found, Rights::empty()) {
        Ok(info) => Ok(Some(info)),
        Err(Error::BadHandle | Error::WrongType) => Ok(None),
        Err(error) => Err(error),
    }
}
