//! A handle arrives in this process: created here, read from a message, or left by a spawner.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::object::ObjectClass;
use crate::process::thread::Thread;
use crate::process::{Origin, Process, STARTUP_ENTRY};
use crate::sync::{Relaxed, Release};

/// A handle that has arrived in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its value.
    pub value: HandleValue,
    /// Its rights.
    pub rights: Rights,
    /// The class of its object.
    pub class: ObjectClass,
}

/// RESERVED → LIVE: makes a handle that has arrived in this process usable.
#[inline(always)]
pub(crate) fn bind_received(
    thread: &Thread,
    index: EntryIndex,
    entry: Entry,
    rights: Rights,
    origin: Origin,
) -> Result<Received> {
    let object = entry.object();
    // Relaxed: this thread created the object, or the message that carried the handle published it.
    let class = ObjectClass::of(Lifecycle(thread.arena().object(object.slot())?.lifecycle.load(Relaxed)))?;
    // Before the entry is LIVE, so that a thread that finds the handle also finds its private half.
    class.bind_half(&thread.process, object, index, origin, || thread.inside());
    let live = entry.live(rights, object);
    let cell =
        thread.arena().entry(thread.table_row, index).ok_or(Error::Corrupt("an entry is out of range"))?;
    // ORDER: Release pairs with the Acquire of `lookup` in this process's other threads.
    cell.store(live.0, Release);
    Ok(Received { value: thread.process.codec.encode(index, live), rights, class })
}

/// Binds the handle that the spawner left for this process. Its entry was LIVE before the process attached.
pub(crate) fn bind_startup_handle(process: &Process) {
    // Relaxed, as for the claim of the row: the spawner left the handle before it told this process of its process
    // slot.
    if let Some(entry) = process.arena.entry(process.row, STARTUP_ENTRY).map(|word| Entry(word.load(Relaxed)))
        && entry.is_live()
        && let Ok(object) = process.arena.object(entry.object().slot())
        && let Ok(class) = ObjectClass::of(Lifecycle(object.lifecycle.load(Relaxed)))
    {
        class.bind_half(process, entry.object(), STARTUP_ENTRY, Origin::Moved, || process.inside());
    }
}
