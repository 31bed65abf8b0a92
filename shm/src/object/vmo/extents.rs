//! Which extent of a VM object holds which bytes, and how a thread comes to a VM object.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::arena::record::object::vmo::VmoBody;
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::vmo::geometry::Geometry;
use crate::arena::word::vmo::size::SizeWord;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::sync::{self, Acquire, AtomicU64, Relaxed};
use core::ops::Range;

/// The number of the class.
pub(crate) const NUMBER: u8 = 3;

/// A VM object, which a hazard of the caller names, or which is at rest.
#[derive(Clone, Copy)]
pub(crate) struct Extents<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) vmo: ObjectRef,
    pub(crate) body: VmoBody<'a>,
    pub(crate) geometry: Geometry,
}

/// Some bytes of a VM object that lie in one extent: at the same offsets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) extent: usize,
    pub(crate) from: usize,
    pub(crate) len: usize,
}

impl<'a> Extents<'a> {
    pub(crate) fn of(arena: &'a Arena, slot: Slot) -> Result<Self> {
        let body = VmoBody::of(arena.body(slot)?);
        // Relaxed: its creator wrote it before the object was LIVE, and the caller has seen that.
        let geometry = Geometry(body.geometry().load(Relaxed)).checked()?;
        Ok(Self { arena, vmo: ObjectRef::new(slot, 0), body, geometry })
    }

    /// The size. P5: at most what a size word can say, so that sums with it do not overflow.
    pub(crate) fn size(&self) -> SizeWord {
        // ORDER: Acquire pairs with the Release CAS of `size::set`: a thread that sees an object grown sees the stores of
        // the thread that has grown it.
        SizeWord(self.body.size().load(Acquire))
    }

    /// The bytes from `offset` on, `len` of them, if the object has them.
    pub(crate) fn range(&self, offset: u64, len: usize) -> Result<Range<u64>> {
        let size = self.size().bytes();
        match offset.checked_add(len as u64) {
            Some(end) if end <= size => Ok(offset..end),
            end => Err(Error::OutOfRange {
                what: "the end of the range in a VM object, in bytes,",
                value: end.unwrap_or(u64::MAX),
                most: size,
            }),
        }
    }

    /// The pieces that the bytes lie in.
    pub(crate) fn pieces(&self, bytes: Range<u64>) -> impl Iterator<Item = Result<Piece>> + use<> {
        let geometry = self.geometry;
        let mut at = bytes.start;
        core::iter::from_fn(move || {
            if at >= bytes.end {
                return None;
            }
            let extent = geometry.extent_of(at).and_then(|extent| Some((extent, geometry.class(extent)?)));
            let Some((extent, class)) = extent else {
                at = bytes.end;
                return Some(Err(Error::Corrupt("a VM object that is larger than its extents can be")));
            };
            let end = bytes.end.min(class.bytes() as u64);
            let piece = Piece { extent, from: at as usize, len: (end - at) as usize };
            at = end;
            Some(Ok(piece))
        })
    }

    pub(crate) fn place(&self, extent: usize) -> Result<&'a AtomicU64> {
        self.body.extents().get(extent).copied().ok_or(Error::Corrupt("an extent is out of range"))
    }

    /// The lines of an extent. `None`: no byte of it was ever written.
    pub(crate) fn lines(&self, extent: usize) -> Result<Option<&'a [Line]>> {
        let Some(block) = own_block::block_at(self.place(extent)?) else { return Ok(None) };
        // P5: a block of another class may be too short, or hold messages.
        if Some(block.class()) != self.geometry.class(extent) {
            return Err(Error::Corrupt("an extent of the wrong size"));
        }
        self.arena.lines(block).map(Some)
    }

    /// The lines of an extent, which is linked if it is not yet.
    pub(crate) fn lines_to_write(&self, thread: &Thread, extent: usize) -> Result<&'a [Line]> {
        if let Some(lines) = self.lines(extent)? {
            return Ok(lines);
        }
        let class = self.geometry.class(extent).ok_or(Error::Corrupt("an extent is out of range"))?;
        // It is all zero (INV-VMO-1).
        own_block::link(thread, self.vmo, self.place(extent)?, class, |_| {})?;
        // ORDER: the compiler moves no byte that is written next before the link. Recovery would free an extent that is not
        // linked, and not clear it.
        sync::light_barrier();
        self.lines(extent)?.ok_or(Error::Corrupt("an extent that was just linked is gone"))
    }
}

impl Piece {
    /// The lines of a piece of whole units.
    pub(crate) fn lines(self, extent: &[Line]) -> Result<&[Line]> {
        let lines = self.from / LINE_BYTES..(self.from + self.len) / LINE_BYTES;
        extent.get(lines).ok_or(Error::Corrupt("an extent is too short"))
    }
}

/// Runs `use_vmo` while the VM object of `found` cannot be reused. `BadHandle`, `WrongType` or `AccessDenied` for a handle
/// that does not permit it.
pub(crate) fn with_vmo<T>(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    use_vmo: impl FnOnce(Extents<'_>) -> Result<T>,
) -> Result<T> {
    pin::with_pinned(thread, found, |object, lifecycle| {
        if lifecycle.class_number() != NUMBER {
            return Err(Error::WrongType);
        }
        found.require(rights)?;
        use_vmo(Extents::of(thread.arena(), object.slot())?)
    })
}
