//! Mappings of VM objects in the own process.
//!
//! A mapping is a range of address space over the pages of all extents that it touches, one after another. It covers the whole
//! length that was asked for, also behind the end of the object: such bytes are 0, and belong to the object when it grows.
//! So no change of size moves or removes a page under a program that reads it.
//!
//! INV-VMO-4: while anything of a mapping stands, its keeper does (`process/half/maps`). So no extent under a mapping is
//! freed. The pages are out of reach before the keeper is closed: unmapped, or retained without access (`process/half/retained`).

use crate::arena::error::{Error, Result};
use crate::arena::layout::PAGE_BYTES;
use crate::arena::region::window::{self, Access};
use crate::arena::word::handle::Rights;
use crate::handle::keeper;
use crate::handle::lookup::ResolvedHandle;
use crate::object::info::koid_of;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::process::half::maps::Mapped;
use crate::process::half::retained::View;
use crate::process::thread::Thread;
use crate::refcount::{self, moving};
use core::ops::Range;
use std::io;

/// What to map, and how.
#[derive(Clone, Copy, Debug)]
pub struct MapRequest {
    /// The first byte of the object: at the beginning of a page.
    pub offset: u64,
    /// How many bytes: whole pages, at least one.
    pub len: usize,
    /// The access to them at first.
    pub access: Access,
    /// The access that they may ever have.
    pub most: Access,
    /// The address, if it is to be this one.
    pub at: Option<usize>,
    /// Only if the object's size cannot be set.
    pub needs_fixed_size: bool,
    /// Whether pages that have memory are mapped at once.
    pub populates: bool,
}

/// A promise about memory that is about to be unmapped, or to lose access.
///
/// ```
/// use jacinth_shm::MemoryPromise;
///
/// // SAFETY: this program has mapped no memory.
/// let promise = unsafe { MemoryPromise::no_thread_relies_on_it() };
/// ```
#[derive(Debug)]
pub struct MemoryPromise(());

impl MemoryPromise {
    /// Makes the promise.
    ///
    /// # Safety
    /// No thread uses the memory that this is given for in a way that the call ends: none has a reference to it, or reads,
    /// writes or executes it, without the access that is left.
    pub unsafe fn no_thread_relies_on_it() -> Self {
        Self(())
    }
}

fn refused(error: &io::Error, len: usize) -> Error {
    match error.raw_os_error() {
        // Something else is mapped there.
        Some(libc::EEXIST | libc::ENOMEM | libc::EAGAIN) => Error::NoMemory { bytes: len },
        Some(libc::EACCES | libc::EPERM) => Error::AccessDenied { missing: Rights::empty() },
        Some(libc::EINVAL) => Error::InvalidArgs("an address that the system does not map"),
        _ => Error::NotSupported("mapping pages of the arena: the system refuses it"),
    }
}

/// Maps pages of the object, and returns their address. `rights` are those the handle must have.
pub(crate) fn map(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    request: &MapRequest,
) -> Result<usize> {
    with_vmo(thread, found, rights, |vmo| {
        if request.needs_fixed_size && vmo.geometry.is_resizable() {
            return Err(Error::NotSupported("a mapping of a VM object whose size can be set"));
        }
        let largest = thread.arena().config().largest_vmo_bytes();
        let end = request.offset.checked_add(request.len as u64).filter(|end| *end <= largest);
        let bytes = request.offset..end.ok_or(Error::NoMemory { bytes: request.len })?;
        // Before the address space: an extent that finds no memory leaves nothing to undo.
        for piece in vmo.pieces(bytes.clone()) {
            vmo.lines_to_write(thread, piece?.extent)?;
        }
        let koid = koid_of(thread.arena(), vmo.vmo)?;
        let keeper = keeper::keep(thread, moving::duplicate_pinned(thread, found, Rights::empty())?)?;
        let place = || place_with_room(thread, &vmo, bytes, request);
        match reuse(thread, koid, request).map_or_else(place, Ok) {
            Ok(Placed { at, is_locked }) => {
                let mapped = Mapped {
                    end: at + request.len,
                    keeper: keeper.into(),
                    koid,
                    offset: request.offset,
                    access: request.access,
                    most: request.most,
                    // A program that has chosen the address may unmap more than the mapping around it, by calls of its own.
                    may_retain: request.at.is_none() && !is_locked,
                };
                thread.process.maps.lock().insert(at, mapped);
                if request.populates {
                    window::populate(at, request.len);
                }
                Ok(at)
            }
            Err(error) => {
                // Not the last handle: the caller's is still there, or is being closed by a thread that finds this one.
                refcount::drop_handle(thread, keeper)?;
                Err(error)
            }
        }
    })
}

/// Where the pages were mapped.
struct Placed {
    at: usize,
    /// Whether the system locks them in memory.
    is_locked: bool,
}

/// A range that shows these bytes already, if one was retained.
fn reuse(thread: &Thread, koid: u64, request: &MapRequest) -> Option<Placed> {
    let mut maps = thread.process.maps.lock();
    if let Some(at) = request.at {
        maps.retained.give_up_within(&(at..at.saturating_add(request.len)));
        return None;
    }
    let view = View { koid, offset: request.offset, len: request.len, most: request.most };
    maps.retained.reuse(view, request.access).map(|at| Placed { at, is_locked: false })
}

/// As [`place`]. If address space is short, unmaps all retained ranges and tries once more: the reservation may fail, and also the
/// mapping of a later piece, which needs an entry in the kernel's list of mappings. A given address mostly fails because something
/// else is mapped there, which this does not help.
fn place_with_room(
    thread: &Thread,
    vmo: &Extents<'_>,
    bytes: Range<u64>,
    request: &MapRequest,
) -> Result<Placed> {
    match place(thread, vmo, bytes.clone(), request) {
        Err(Error::NoMemory { .. })
            if request.at.is_none() && thread.process.maps.lock().retained.give_up_all() =>
        {
            place(thread, vmo, bytes, request)
        }
        placed => placed,
    }
}

/// Reserves the address space, and maps all pieces into it.
fn place(thread: &Thread, vmo: &Extents<'_>, bytes: Range<u64>, request: &MapRequest) -> Result<Placed> {
    let arena = thread.arena();
    let refused = |error: io::Error| refused(&error, request.len);
    // Without the right to write, not even a later call may make the pages writable.
    let file = if request.most.contains(Access::WRITE) { arena.file() } else { arena.file_for_reading() };
    let file = file.ok_or(Error::NotSupported(
        "mapping pages: the arena's descriptor was closed, or /proc is not there to open it for reading",
    ))?;
    let at = window::reserve(request.at, request.len).map_err(refused)?;
    // SAFETY: just reserved, and no other thread knows it.
    let is_locked = unsafe { window::is_locked(at) };
    let all_placed = vmo.pieces(bytes.clone()).try_for_each(|piece| {
        let piece = piece?;
        let lines = vmo.lines(piece.extent)?.ok_or(Error::Corrupt("a mapped extent is gone"))?;
        let offset = arena.offset_of(piece.lines(lines)?);
        let to = at + (piece.from - bytes.start as usize);
        // SAFETY: within the range that was just reserved, which no other thread knows.
        unsafe { window::place((to, piece.len), (file, offset), request.access, is_locked) }.map_err(refused)
    });
    if let Err(error) = all_placed {
        // SAFETY: as above. It splits no mapping, so it does not fail.
        let _ = unsafe { window::unmap(at, request.len) };
        return Err(error);
    }
    Ok(Placed { at, is_locked })
}

fn checked(at: usize, len: usize) -> Result<Range<usize>> {
    let is_page = |value: usize| value.is_multiple_of(PAGE_BYTES);
    let end = at.checked_add(len).filter(|_| is_page(at) && is_page(len) && len > 0);
    end.map(|end| at..end).ok_or(Error::InvalidArgs("a range that is no whole pages"))
}

/// Unmaps what is mapped in the range. Gives the keepers that nothing mapped needs any more, also after an error: the caller
/// closes them.
pub(crate) fn unmap(
    thread: &Thread,
    at: usize,
    len: usize,
    _promise: MemoryPromise,
) -> (Vec<ResolvedHandle>, Result<()>) {
    let mut keepers = Vec::new();
    let unmapped = checked(at, len).and_then(|range| {
        let mut maps = thread.process.maps.lock();
        let parts = maps.within(&range);
        if parts.is_empty() {
            return Err(Error::NotFound);
        }
        for (part, _) in parts {
            // SAFETY: listed. The caller has promised that no thread uses it.
            let keeper = unsafe { maps.unmap(&part) }.map_err(|error| refused(&error, part.len()))?;
            keepers.extend(keeper.map(ResolvedHandle::from));
        }
        Ok(())
    });
    (keepers, unmapped)
}

/// Changes the access to a range, all of which is mapped.
pub(crate) fn protect(
    thread: &Thread,
    at: usize,
    len: usize,
    access: Access,
    _promise: MemoryPromise,
) -> Result<()> {
    let range = checked(at, len)?;
    let mut maps = thread.process.maps.lock();
    if !maps.covers(&range) {
        return Err(Error::NotFound);
    }
    let parts = maps.within(&range);
    if parts.iter().any(|(_, mapped)| !mapped.most.contains(access)) {
        return Err(Error::AccessDenied { missing: Rights::empty() });
    }
    for (part, _) in parts {
        // SAFETY: mapped by `place`, and still listed. The caller has promised that no thread relies on more access.
        unsafe { window::protect(part.start, part.len(), access) }
            .map_err(|error| refused(&error, part.len()))?;
        maps.set_access(&part, access);
    }
    Ok(())
}
