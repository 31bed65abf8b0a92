//! The root: the directory that the arena itself holds. Its slot lies behind those that processes take, and its handle is the
//! entry of process 0, which no process is. The handle carries the rights that members get.
//!
//! It is written before any process is attached, and no thread changes its words afterwards, but for its count and its
//! state. So it needs no recovery, and lives as long as the arena.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::object::FIRST_KOID;
use crate::arena::word::credit::Charge;
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Tag};
use crate::handle::lookup::ResolvedHandle;
use crate::object::class::Class;
use crate::object::directory::Directory;
use crate::process::STARTUP_ENTRY;
use crate::process::thread::Thread;
use crate::refcount::moving;
use crate::sync::{AtomicU64, Relaxed};

/// The process that no process is: its handles are the arena's own.
const ARENA_ROW: ProcessIndex = ProcessIndex(0);

/// The root's koid: the last ones that no object gets.
const ROOT_KOID: u64 = FIRST_KOID - 2;

/// The arena's handle to the root.
fn entry(arena: &Arena) -> Result<&AtomicU64> {
    arena.entry(ARENA_ROW, STARTUP_ENTRY).ok_or(Error::Corrupt("an arena without a root"))
}

/// Makes the root of a new arena, which no process has yet.
pub(crate) fn make_root(arena: &Arena) -> Result<()> {
    let (slot, rights) = (arena.root_slot(), Rights::from_bits_retain(arena.config().root_rights));
    let object = arena.object(slot)?;
    let no_process = Charge { row: ARENA_ROW, epoch: 0 };
    // Relaxed, all: processes get the arena later, by a message of the process that makes it.
    object.koid.store(ROOT_KOID, Relaxed);
    object.count[0].store(Count::new(1, Tag::NO_OWNER, 0).0, Relaxed);
    object.lifecycle.store(Lifecycle(0).live(Directory::NUMBER, 1, no_process).0, Relaxed);
    entry(arena)?.store(Entry(0).live(rights, ObjectRef::new(slot, 0)).0, Relaxed);
    Ok(())
}

/// The rights to the root that members get.
pub(crate) fn root_rights(arena: &Arena) -> Result<Rights> {
    found(arena).map(|root| root.rights())
}

/// A new handle to the root, with these rights.
pub(crate) fn open_root(thread: &Thread, rights: Rights) -> Result<HandleValue> {
    // No hazard: the arena's reference keeps the object.
    moving::duplicate_pinned(thread, found(thread.arena())?, rights)
}

/// P5: the entry is read from the arena, and checked.
fn found(arena: &Arena) -> Result<ResolvedHandle> {
    // Relaxed: as in `make_root`.
    let entry = Entry(entry(arena)?.load(Relaxed));
    if !entry.is_live() || entry.object() != ObjectRef::new(arena.root_slot(), 0) {
        return Err(Error::Corrupt("an arena without a root"));
    }
    Ok(ResolvedHandle { index: EntryIndex(0), entry })
}
