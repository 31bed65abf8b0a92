//! Information about an object: its koid, class, number of handles, and name.
//!
//! | file | contents |
//! |---|---|
//! | `cookie`, `jar` | an object's cookie, and the word of the jar that holds it |
//! | `handles` | the handles of a process, counted by class |

pub(crate) mod cookie;
pub(crate) mod handles;
mod jar;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release};

/// The bytes of an object's name, the closing NUL included (`ZX_MAX_NAME_LEN`).
pub const MAX_NAME_BYTES: usize = 32;

/// A handle's basic information (`ZX_INFO_HANDLE_BASIC`), with the count of `ZX_INFO_HANDLE_COUNT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    /// The object's koid.
    pub koid: u64,
    /// The other side's koid, or 0.
    pub related_koid: u64,
    /// The handle's rights.
    pub rights: Rights,
    /// The object's class.
    pub class: ObjectClass,
    /// How many handles refer to this side, those in transit included.
    pub handles: u32,
}

pub(crate) fn basic(thread: &Thread, found: ResolvedHandle) -> Result<Basic> {
    pin::with_pinned(thread, found, |object, lifecycle| {
        let slot = thread.arena().object(object.slot())?;
        let koid = slot.koid.load(Relaxed);
        let side = object.side() as u64;
        Ok(Basic {
            koid: koid.wrapping_add(side),
            // Both sides took their koids together, so the other side's is one more or one less.
            related_koid: if lifecycle.is_two_sided() { koid.wrapping_add(1 - side) } else { 0 },
            rights: found.rights(),
            class: ObjectClass::of(lifecycle)?,
            handles: Count(slot.count[object.side()].load(Relaxed)).number() as u32,
        })
    })
}

/// The koid of a side. The caller has a hazard on the object.
pub(crate) fn koid_of(arena: &Arena, side: ObjectRef) -> Result<u64> {
    // Relaxed: written before the object was LIVE.
    Ok(arena.object(side.slot())?.koid.load(Relaxed).wrapping_add(side.side() as u64))
}

pub(crate) fn class(thread: &Thread, found: ResolvedHandle) -> Result<ObjectClass> {
    // Relaxed: read without a hazard. `validate`, below, rejects a value of the slot's next user.
    let class = ObjectClass::of(Lifecycle(
        thread.arena().object(found.entry.object().slot())?.lifecycle.load(Relaxed),
    ));
    if lookup::validate(thread, found) { class } else { Err(Error::BadHandle) }
}

pub(crate) fn name(thread: &Thread, found: ResolvedHandle) -> Result<[u8; MAX_NAME_BYTES]> {
    pin::with_pinned(thread, found, |object, _| name_of(thread.arena(), object))
}

/// The name of a side. The caller has a hazard on the object.
pub(crate) fn name_of(arena: &Arena, side: ObjectRef) -> Result<[u8; MAX_NAME_BYTES]> {
    let koid = koid_of(arena, side)?;
    let name = &arena.name(side.slot())?.sides[side.side()];
    let mut bytes = [0; MAX_NAME_BYTES];
    // A name belongs to the koid stored with it, so a new object in the slot does not inherit the old one's name.
    // ORDER: Acquire pairs with the Release of `set_name`.
    if name.koid.load(Acquire) == koid {
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(&name.bytes) {
            chunk.copy_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        // P5: another process wrote these words, and C callers rely on the NUL.
        bytes[MAX_NAME_BYTES - 1] = 0;
    }
    Ok(bytes)
}

pub(crate) fn set_name(thread: &Thread, found: ResolvedHandle, name: &[u8; MAX_NAME_BYTES]) -> Result<()> {
    pin::with_pinned(thread, found, |object, _| {
        let koid = koid_of(thread.arena(), object)?;
        let stored = &thread.arena().name(object.slot())?.sides[object.side()];
        for (chunk, word) in name.chunks_exact(8).zip(&stored.bytes) {
            word.store(u64::from_le_bytes(chunk.try_into().expect("eight bytes")), Relaxed);
        }
        // ORDER: Release pairs with the Acquire of `name`: a reader that sees the koid sees the bytes.
        stored.koid.store(koid, Release);
        Ok(())
    })
}
