//! Views: directories that pass some names on to another one. A child that gets a view sees these names, and those that
//! were served in the view itself.
//!
//! The parent and the names are written before any other thread has the view, and never change.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, LINE_WORDS};
use crate::arena::record::row::{HAZARD_OPERATION, HAZARD_SECOND};
use crate::arena::size_class::SizeClass;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::handle::{Entry, EntryIndex, Rights};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::class::Class;
use crate::object::directory::{Directory, names};
use crate::object::listener::named;
use crate::object::{directory, own_block};
use crate::process::thread::Thread;
use crate::sync::Relaxed;
use arrayvec::ArrayVec;
use core::mem::size_of;

/// How many directories may be behind a view.
pub const MAX_VIEW_DEPTH: usize = 8;

/// The most bytes of all names of a view, with one more for each.
pub const MAX_VIEW_BYTES: usize = 1 << 16;

/// A directory, and those behind it.
pub(crate) type Path = ArrayVec<ResolvedHandle, { MAX_VIEW_DEPTH + 1 }>;

/// The directories behind one.
pub(crate) type Behind = ArrayVec<WeakRef, MAX_VIEW_DEPTH>;

/// Makes the new directory `view` one that passes `names` on to `parent`. The parent must be pinned, and no other thread
/// knows the view yet.
pub(crate) fn make_view(thread: &Thread, view: Slot, parent: Slot, names: &[&str]) -> Result<()> {
    let arena = thread.arena();
    let depth = directory::body(arena, parent)?.depth().load(Relaxed).saturating_add(1);
    if depth > MAX_VIEW_DEPTH as u64 {
        return Err(Error::out_of_range("directories behind a view", depth as usize, MAX_VIEW_DEPTH));
    }
    names.iter().try_for_each(|name| named::check(name))?;
    let mut bytes: Vec<u8> = names.iter().flat_map(|name| name.bytes().chain([0])).collect();
    if bytes.len() > MAX_VIEW_BYTES {
        return Err(Error::out_of_range("the names of a view, in bytes", bytes.len(), MAX_VIEW_BYTES));
    }
    let len = bytes.len() as u64;
    bytes.resize(bytes.len().next_multiple_of(size_of::<u64>()), 0);
    let body = directory::body(arena, view)?;
    let class = SizeClass::fitting((bytes.len() + size_of::<u64>()).div_ceil(LINE_BYTES));
    own_block::link(thread, ObjectRef::new(view, 0), body.passed(), class, |lines| {
        let words = bytes.chunks_exact(size_of::<u64>()).map(|chunk| {
            let mut word = [0; size_of::<u64>()];
            word.copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        let places = lines.iter().flat_map(|line| &line.0);
        // Relaxed: the CAS of the block's place publishes them.
        places.zip(core::iter::once(len).chain(words)).for_each(|(place, word)| place.store(word, Relaxed));
    })?;
    // Relaxed: a handle, by which another thread finds the view, is published afterwards.
    body.depth().store(depth, Relaxed);
    body.parent().store(pin::weak_ref(arena, parent)?.to_word(), Relaxed);
    Ok(())
}

/// The names that a directory passes on; none if it is no view.
pub(crate) fn passed(arena: &Arena, directory: Slot) -> Result<Vec<String>> {
    let lines = own_block::lines(arena, directory::body(arena, directory)?.passed())?.unwrap_or_default();
    let mut words = lines.iter().flat_map(|line| &line.0).map(|word| word.load(Relaxed));
    // P5: no longer than the block.
    let len = words.next().unwrap_or_default().min((lines.len() * LINE_WORDS * size_of::<u64>()) as u64);
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).take(len as usize).collect();
    let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| str::from_utf8(name).ok()).map(str::to_owned).collect())
}

/// The directory behind a view. The view must be pinned.
fn parent(arena: &Arena, directory: Slot) -> Result<Option<WeakRef>> {
    // Relaxed: this thread has found the view by a handle, or by one to a view of it.
    Ok(WeakRef::from_word(directory::body(arena, directory)?.parent().load(Relaxed)))
}

/// The living listener of a name in this directory, or in one behind it that has the name for it. A hazard, HAZARD_SECOND,
/// keeps the listener from being reused. The directory must be pinned; afterwards its hazard may name one behind it.
pub(crate) fn find(thread: &Thread, directory: Slot, name: &str) -> Result<Option<Slot>> {
    let mut here = directory;
    for _ in 0..=MAX_VIEW_DEPTH {
        if let Some(listener) = names::find(thread, here, name, HAZARD_SECOND)? {
            return Ok(Some(listener));
        }
        let Some(parent) = parent(thread.arena(), here)? else { return Ok(None) };
        if !passed(thread.arena(), here)?.iter().any(|passed| passed == name) || !pin_behind(thread, parent) {
            return Ok(None);
        }
        here = parent.slot;
    }
    Err(Error::Corrupt("too many directories behind a view"))
}

/// Keeps the directory behind a view from being reused, instead of the view. `false`: it has no handle any more.
fn pin_behind(thread: &Thread, parent: WeakRef) -> bool {
    pin::pin_weak(thread, parent, HAZARD_OPERATION)
        .is_some_and(|lifecycle| lifecycle.class_number() == Directory::NUMBER)
        && pin::is_held(thread.arena(), ObjectRef::new(parent.slot, 0)).unwrap_or(false)
}

/// All names that a thread finds through a directory.
pub(crate) fn list(thread: &Thread, directory: Slot) -> Result<Vec<String>> {
    let mut here = directory;
    let mut found = names::list(thread, here)?;
    // Which names the directories on the way let through.
    let mut seen: Option<Vec<String>> = None;
    for _ in 0..MAX_VIEW_DEPTH {
        let Some(parent) = parent(thread.arena(), here)? else { break };
        let passed = passed(thread.arena(), here)?;
        let through = match seen {
            None => passed,
            Some(seen) => passed.into_iter().filter(|name| seen.contains(name)).collect(),
        };
        if !pin_behind(thread, parent) {
            break;
        }
        here = parent.slot;
        found.extend(names::list(thread, here)?.into_iter().filter(|name| through.contains(name)));
        seen = Some(through);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The directory of `found`, which must be pinned, and the living ones behind it: at each of them a name may appear. Only
/// the first is a handle; the others name event counts to sleep on, for as long as [`is_whole`] holds.
pub(crate) fn path(thread: &Thread, found: ResolvedHandle) -> Result<(Path, Behind)> {
    let (mut path, mut behind) = (Path::from_iter([found]), Behind::new());
    let mut here = found.entry.object().slot();
    while let Some(parent) = parent(thread.arena(), here)? {
        // P5: no more than there can be.
        if behind.is_full() || !pin_behind(thread, parent) {
            break;
        }
        behind.push(parent);
        path.push(ResolvedHandle {
            index: EntryIndex(0),
            entry: Entry(0).live(Rights::empty(), ObjectRef::new(parent.slot, 0)),
        });
        here = parent.slot;
    }
    Ok((path, behind))
}

/// Whether all these directories have handles. A sleeper at one that has ended would sleep at the next object in its slot.
///
/// The count is what decides, and not the life of the slot: the thread that drops the last reference wakes the sleepers
/// afterwards, and only then the directory ends.
pub(crate) fn is_whole(arena: &Arena, behind: &Behind) -> bool {
    behind.iter().all(|directory| {
        let is_same = pin::weak_ref(arena, directory.slot).is_ok_and(|now| now == *directory);
        is_same && pin::is_held(arena, ObjectRef::new(directory.slot, 0)).unwrap_or(false)
    })
}
