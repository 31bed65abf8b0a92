//! Buffers: bytes that are written once, in place, and then read in place by all who have a handle.
//!
//! A buffer is one block and its handles. It is made and filled by one owner, [`BufferMut`]. Once it is *frozen*, no code
//! writes it any more, and its handle is like every other one: it is duplicated for several receivers, and sent on by each
//! of them, without a copy of the bytes. The block is free again when the last handle is closed, in whichever process: the
//! counts and the records of handles are those of all objects, so a death loses none (`refcount/`).
//!
//! A loan (`channel/write/loan`) is faster for a single hop, and its block stays its channel's. A VM object is larger, and
//! can be written by all who have it.
//!
//! INV-BUFFER-1: the one owner writes the bytes before the store of `frozen`; other code reads them after it. *Why no other
//! code reads or writes them before:* a view of a buffer that is not frozen is refused.
//! INV-BUFFER-2: the owner that fills the bytes, and each view, has a handle of its own that no other code can use
//! (`handle/keeper`), so the object and its block stay.
//!
//! **Deaths.** A death before the block is linked leaves an object without bytes; the steps of linking and freeing are those
//! of `own_block`. A buffer that is not frozen has one handle, which ends with its process.

#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(not(loom))]
pub(crate) mod unsent;

use crate::arena::Arena;
#[cfg(loom)]
use crate::arena::copy::Bytes;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::arena::record::object::buffer::BufferBody;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::{keeper, pin};
use crate::lifecycle::create;
use crate::object::ObjectClass;
use crate::object::budget::Budget;
#[cfg(not(loom))]
use crate::object::buffer::unsent::{UnsentBytes, UnsentBytesMut};
use crate::object::class::Class;
use crate::object::own_block;
#[cfg(not(loom))]
use crate::process::Process;
use crate::process::thread::{Thread, crash_point};
use crate::refcount::moving;
use crate::sync::{Acquire, Relaxed, Release};
#[cfg(not(loom))]
use std::sync::Arc;

/// The class of buffers.
pub(crate) struct Buffer;

impl Class for Buffer {
    /// No type of Zircon's: those of this library begin at 128.
    const NUMBER: u8 = 130;
    const HAS_SIZE: bool = true;
    type Progress = ();

    /// At once, and not when the slot is reclaimed: the block may be large. No code uses it any more: each reader has a
    /// handle (INV-BUFFER-2).
    fn free_blocks(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
        if !budget.charge() {
            return Ok(false);
        }
        own_block::unlink(thread, ObjectRef::new(slot, 0), body(thread.arena(), slot)?.block())?;
        Ok(true)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        let body = body(thread.arena(), slot)?;
        // Relaxed, here and in `reset`: no thread uses the object any more.
        Ok([body.size(), body.frozen(), body.block()].iter().all(|word| word.load(Relaxed) == 0))
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        let body = body(thread.arena(), slot)?;
        own_block::unlink(thread, ObjectRef::new(slot, 0), body.block())?;
        own_block::clear([body.size(), body.frozen()]);
        Ok(())
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        match intent {
            ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
                Ok(own_block::block_at(body(thread.arena(), from.slot())?.block()) == Some(block))
            }
            _ => Err(Error::Corrupt("a block that a buffer does not have")),
        }
    }

    fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
        let body = body(arena, slot)?;
        let size = body.size().load(Relaxed);
        let has_room = match own_block::block_at(body.block()) {
            Some(block) => arena.lines(block).is_ok_and(|lines| size <= size_of_val(lines) as u64),
            None => body.frozen().load(Relaxed) == 0,
        };
        Ok((!has_room).then_some("a buffer that is larger than its block"))
    }

    fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
        own_block::clear([body(thread.arena(), slot)?.size()]);
        Ok(())
    }
}

fn body(arena: &Arena, slot: Slot) -> Result<BufferBody<'_>> {
    arena.body(slot).map(BufferBody::of)
}

/// A buffer that is being filled, by its only owner. [`Thread::freeze`] makes it one that can be read and sent;
/// [`Thread::discard`] ends it. The block of one that is only dropped stays until the process ends.
#[must_use = "a buffer is frozen or discarded"]
#[derive(Debug)]
pub struct BufferMut {
    /// Its only handle, which is kept (INV-BUFFER-2).
    keeper: ResolvedHandle,
    #[cfg(not(loom))]
    unsent: UnsentBytes,
}

/// The bytes of a frozen buffer, which stay as long as the view does; [`Thread::end_view`] ends it.
#[cfg(not(loom))]
#[must_use = "a view keeps its buffer until it is ended"]
pub struct BufferView {
    /// Keeps the arena mapped.
    process: Arc<Process>,
    /// Keeps the buffer (INV-BUFFER-2).
    keeper: ResolvedHandle,
    start: *const u8,
    len: usize,
}

// SAFETY: `start` points into the arena, which `process` keeps mapped, at memory that is only read.
#[cfg(not(loom))]
unsafe impl Send for BufferView {}

// SAFETY: as for `Send`.
#[cfg(not(loom))]
unsafe impl Sync for BufferView {}

/// How many lines a buffer of so many bytes takes.
pub(crate) fn lines_of(thread: &Thread, len: usize) -> Result<usize> {
    let most = thread.arena().config().max_loan_bytes;
    if len as u64 > most {
        return Err(Error::OutOfRange {
            what: "the buffer's size in bytes (max_loan_bytes)",
            value: len as u64,
            most,
        });
    }
    Ok(len.div_ceil(LINE_BYTES).max(1))
}

/// Makes the object of a buffer, which has no bytes yet. Its handle is kept.
pub(crate) fn create(thread: &Thread, len: usize, rights: Rights) -> Result<ResolvedHandle> {
    lines_of(thread, len)?;
    let initialize = |slot| {
        // Relaxed: the lifecycle word publishes it.
        body(thread.arena(), slot)?.size().store(len as u64, Relaxed);
        Ok(())
    };
    let (handle, _) = create::create(thread, ObjectClass::Buffer, rights, initialize)?;
    keeper::keep(thread, handle)
}

/// Gives a buffer that was just made its block.
pub(crate) fn take_block(thread: &Thread, keeper: ResolvedHandle, len: usize) -> Result<BufferMut> {
    let lines = lines_of(thread, len)?;
    let object = keeper.entry.object();
    let place = body(thread.arena(), object.slot())?.block();
    own_block::link(thread, object, place, SizeClass::fitting(lines), |_| {})?;
    Ok(BufferMut {
        keeper,
        #[cfg(not(loom))]
        // SAFETY: the block is the buffer's, which has no other handle and is not frozen (INV-BUFFER-1).
        unsent: unsafe { UnsentBytes::new(thread.process.clone(), lines_with(thread.arena(), object, len)?, len) },
    })
}

/// The lines of a buffer, which has at least `len` bytes. P5: only those of a block that is bound to it.
fn lines_with(arena: &Arena, object: ObjectRef, len: usize) -> Result<&[Line]> {
    let block = own_block::block_at(body(arena, object.slot())?.block())
        .ok_or(Error::Corrupt("a buffer without a block"))?;
    // Relaxed: the caller's handle keeps the object, and so the block, whose word was bound before.
    let is_bound =
        BlockWord(arena.descriptor(block)?.state.load(Relaxed)).state() == BlockState::Bound(object);
    let lines = arena.lines(block)?;
    if is_bound && len <= size_of_val(lines) {
        Ok(lines)
    } else {
        Err(Error::Corrupt("a buffer that is larger than its block"))
    }
}

/// Ends the filling: from here on the bytes never change. Gives the buffer's handle.
pub(crate) fn freeze(thread: &Thread, buffer: BufferMut) -> Result<HandleValue> {
    let object = buffer.keeper.entry.object();
    #[cfg(not(loom))]
    buffer.unsent.complete();
    // ORDER: Release pairs with the Acquire of `view`: a thread that finds the buffer frozen sees its bytes. Commits.
    body(thread.arena(), object.slot())?.frozen().store(1, Release);
    crash_point!(thread, "buffer.frozen");
    keeper::release(thread, buffer.keeper)
}

/// The size of a frozen buffer, in bytes.
pub(crate) fn size(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<usize> {
    with_frozen(thread, found, rights, |_, len| Ok(len))
}

/// Runs `use_buffer` with the lines and the size of a frozen buffer, which cannot be reused meanwhile.
fn with_frozen<'a, T>(
    thread: &'a Thread,
    found: ResolvedHandle,
    rights: Rights,
    use_buffer: impl FnOnce(&'a [Line], usize) -> Result<T>,
) -> Result<T> {
    pin::with_pinned(thread, found, |object, lifecycle| {
        if lifecycle.class_number() != Buffer::NUMBER {
            return Err(Error::WrongType);
        }
        found.require(rights)?;
        let body = body(thread.arena(), object.slot())?;
        // ORDER: Acquire pairs with the Release of `freeze`.
        if body.frozen().load(Acquire) == 0 {
            return Err(Error::BadState("the buffer is still being filled"));
        }
        // Relaxed: published before the handle.
        let len = body.size().load(Relaxed) as usize;
        let lines = lines_with(thread.arena(), object, len).map_err(|error| {
            match lookup::validate(thread, found) {
                true => error,
                // Another thread has closed the last handle meanwhile, and so the block is free.
                false => Error::BadHandle,
            }
        })?;
        use_buffer(lines, len)
    })
}

/// The lines of a frozen buffer with its size in bytes, and a new handle that keeps them.
fn keep(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<(ResolvedHandle, &[Line], usize)> {
    with_frozen(thread, found, rights, |lines, len| {
        // The last steps: what fails before needs no undoing.
        let copy = moving::duplicate_pinned(thread, found, Rights::empty())?;
        Ok((keeper::keep(thread, copy)?, lines, len))
    })
}

/// The bytes of a frozen buffer, in place.
#[cfg(not(loom))]
pub(crate) fn view(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<BufferView> {
    let (keeper, lines, len) = keep(thread, found, rights)?;
    Ok(BufferView { process: thread.process.clone(), keeper, start: lines.as_ptr().cast(), len })
}

/// Writes the first byte of a buffer that is being filled. For models, in which no code has references into the arena.
#[cfg(loom)]
pub(crate) fn fill(thread: &Thread, buffer: &BufferMut, byte: u8) -> Result<()> {
    let object = buffer.keeper.entry.object();
    Bytes::new(lines_with(thread.arena(), object, 1)?, 0).write(&[byte]);
    Ok(())
}

/// The first byte of a frozen buffer, with the handle that keeps it. For models.
#[cfg(loom)]
pub(crate) fn look(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<(ResolvedHandle, u8)> {
    let (keeper, lines, _) = keep(thread, found, rights)?;
    let mut byte = [core::mem::MaybeUninit::new(0)];
    Bytes::new(lines, 0).read_uninit(&mut byte);
    // SAFETY: initialised above.
    Ok((keeper, unsafe { byte[0].assume_init() }))
}

impl BufferMut {
    /// Its handle, which [`Thread::discard`] closes.
    pub(crate) fn keeper(&self) -> ResolvedHandle {
        self.keeper
    }
}

#[cfg(not(loom))]
impl BufferMut {
    /// Its bytes, to be read so far.
    pub fn unsent(&self) -> &UnsentBytes {
        &self.unsent
    }

    /// Its bytes, to be filled.
    pub fn unsent_mut(&mut self) -> UnsentBytesMut<'_> {
        UnsentBytesMut(&mut self.unsent)
    }
}

#[cfg(not(loom))]
impl BufferView {
    /// The handle that keeps the buffer, which [`Thread::end_view`] closes.
    pub(crate) fn keeper(&self) -> ResolvedHandle {
        self.keeper
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes. They begin at a multiple of 64.
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn bytes(&self) -> &[u8] {
        assert!(self.process.is_here(), "a forked child has no arena, and so not its parent's buffers");
        // SAFETY: `view` has checked that `len` bytes lie at `start`. They were written before the buffer was frozen, and
        // no code writes them after it (INV-BUFFER-1) as long as the keeper keeps the block (INV-BUFFER-2). As for a message
        // that is read in place, a process that writes to the arena on its own is beyond this argument.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }
}

#[cfg(not(loom))]
impl core::fmt::Debug for BufferView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BufferView").field("bytes", &self.len).finish_non_exhaustive()
    }
}
