//! The children of a VM object: the clones that live, and ZERO_CHILDREN.
//!
//! An object that was cloned has a block of words, one for each child: a weak reference, which keeps no child. A child takes
//! its word out itself when its last handle is closed, and so when its last mapping is gone. Recovery closes the handles of
//! a dead process, and each side's release is resumed after a death; so no word is left behind.
//!
//! INV-VMO-5: a word names a child whose side is not done. It is added while the child has a handle, and taken out in the child's
//! release, before the side is done.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::arena::record::object::vmo::VmoBody;
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::size_class::SizeClass;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::handle::pin;
#[cfg(not(loom))]
use crate::object::info;
use crate::object::own_block;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Relaxed, Release};

/// How many children an object has at most.
pub(crate) const MOST_CHILDREN: usize = if cfg!(loom) { 8 } else { 512 };

fn class() -> SizeClass {
    SizeClass::fitting(MOST_CHILDREN * size_of::<u64>() / LINE_BYTES)
}

fn body(arena: &Arena, vmo: Slot) -> Result<VmoBody<'_>> {
    arena.body(vmo).map(VmoBody::of)
}

/// The words of the children.
fn words(arena: &Arena, vmo: Slot) -> Result<&[Line]> {
    Ok(own_block::lines(arena, body(arena, vmo)?.children())?.unwrap_or_default())
}

/// Whether the object has a child, and how often it has lost one.
pub(crate) fn look(arena: &Arena, vmo: Slot) -> Result<(bool, u64)> {
    // Relaxed, both: a sleeper has fenced before it looks, and a thread that takes a word out fences behind it.
    let lost = body(arena, vmo)?.children_lost().load(Relaxed);
    let has_child = words(arena, vmo)?.iter().flat_map(|line| &line.0).any(|word| word.load(Relaxed) != 0);
    Ok((has_child, lost))
}

/// How many children the object has.
#[cfg(not(loom))]
pub(crate) fn count(arena: &Arena, vmo: Slot) -> Result<usize> {
    // Relaxed: a number for people, of no single moment. P5: a damaged place may lead to a larger block.
    let places = words(arena, vmo)?.iter().flat_map(|line| &line.0).take(MOST_CHILDREN);
    Ok(places.filter(|place| place.load(Relaxed) != 0).count())
}

/// The koid of the object of which this one is a clone: 0 once that one has ended. `None`: this one is no clone. The caller has a
/// hazard on this one.
#[cfg(not(loom))]
pub(crate) fn parent_koid(thread: &Thread, child: Slot) -> Result<Option<u64>> {
    let arena = thread.arena();
    // Relaxed: written before the child's handle, and the look at the parent's lifecycle says whether the parent lives.
    let Some(parent) = WeakRef::from_word(body(arena, child)?.parent().load(Relaxed)) else {
        return Ok(None);
    };
    let koid = pin::pin_weak(thread, parent, HAZARD_SECOND)
        .map_or(Ok(0), |_| info::koid_of(arena, ObjectRef::new(parent.slot, 0)));
    pin::clear_hazard(thread, HAZARD_SECOND);
    koid.map(Some)
}

/// Makes `child` a child of the object. Hazards of the caller name both. The caller has a handle to the child, which no other
/// thread has yet.
pub(crate) fn add(thread: &Thread, parent: Slot, child: Slot) -> Result<()> {
    let arena = thread.arena();
    if own_block::block_at(body(arena, parent)?.children()).is_none() {
        own_block::link(
            thread,
            ObjectRef::new(parent, 0),
            body(arena, parent)?.children(),
            class(),
            |lines| {
                own_block::clear(lines.iter().flat_map(|line| &line.0));
            },
        )?;
    }
    // Relaxed: after the barrier of the hazard on the child, and so after its creation; the CAS below comes after it.
    body(arena, child)?.parent().store(pin::weak_ref(arena, parent)?.to_word(), Relaxed);
    let word = pin::weak_ref(arena, child)?.to_word();
    for place in words(arena, parent)?.iter().flat_map(|line| &line.0) {
        // ORDER: Release: after the parent, in the order that recovery sees: a child that has a word takes it out.
        if place.load(Relaxed) == 0 && place.compare_exchange(0, word, Release, Relaxed).is_ok() {
            crash_point!(thread, "vmo.adopted");
            return Ok(());
        }
    }
    Err(Error::NoResources("clones of one VM object"))
}

/// Takes the child out of its parent's words, if it has a parent that lives, and tells who waits for ZERO_CHILDREN. Idempotent.
pub(crate) fn leave(thread: &Thread, child: Slot) -> Result<()> {
    let arena = thread.arena();
    // Relaxed: the last reference is gone, and with its count every store of the thread that made the child is seen.
    let Some(parent) = WeakRef::from_word(body(arena, child)?.parent().load(Relaxed)) else { return Ok(()) };
    if pin::pin_weak(thread, parent, HAZARD_SECOND).is_some() {
        leave_pinned(thread, parent.slot, child)?;
    }
    pin::clear_hazard(thread, HAZARD_SECOND);
    Ok(())
}

fn leave_pinned(thread: &Thread, parent: Slot, child: Slot) -> Result<()> {
    let arena = thread.arena();
    let word = pin::weak_ref(arena, child)?.to_word();
    for place in words(arena, parent)?.iter().flat_map(|line| &line.0) {
        if place.load(Relaxed) == word {
            // Relaxed: a repeating observer learns that there was a child in between. Once too often does no harm.
            body(arena, parent)?.children_lost().fetch_add(1, Relaxed);
            // ORDER: Release: after the count, for an evaluation that finds the word gone.
            let _ = place.compare_exchange(word, 0, Release, Relaxed);
            crash_point!(thread, "vmo.left");
        }
    }
    // Also if the word was gone already: the thread that took it out may have died before this.
    Ok(wake::notify_derived(thread, arena.state(ObjectRef::new(parent, 0))?, State::HAS_WAITERS)?)
}

/// What is wrong with the children of a live object at rest.
pub(crate) fn fault(arena: &Arena, vmo: Slot) -> Result<Option<&'static str>> {
    let own = pin::weak_ref(arena, vmo)?.to_word();
    for word in words(arena, vmo)?.iter().flat_map(|line| &line.0) {
        // Relaxed: the audit's arena is at rest.
        let Some(child) = WeakRef::from_word(word.load(Relaxed)) else { continue };
        let is_child =
            arena.body(child.slot).is_ok_and(|body| VmoBody::of(body).parent().load(Relaxed) == own);
        if !is_child || pin::weak_ref(arena, child.slot)? != child {
            return Ok(Some("a VM object with a child that is none"));
        }
    }
    Ok(None)
}
