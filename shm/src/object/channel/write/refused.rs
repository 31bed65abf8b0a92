//! Writes that were refused because memory or a quota was exhausted, and when a retry may succeed.
//!
//! WRITABLE says that a write of the size last refused can succeed. So an end remembers that size. A thread that looks for
//! room performs the first steps of such a write: it reserves a position and a block, and the end keeps the block
//! for the write (`writable`). Any thread may free memory, and not every such thread can know the waiting writers. So waits and
//! ports look again every `TRY_AGAIN_NS` (`refusal`), and at once when a loan of the end itself has come back.
//!
//! The size is private to the process that holds the end.
//!
//! A direction takes at most eight times the blocks that its process has left, and has at most eight times the pending
//! messages that are left. So one stopped reader leaves a ninth of each size class, and of the pending messages, to the
//! other channels of its writer's process; two stopped readers leave a ninth of that.

use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::end::Writer;
use crate::object::channel::endpoint;
use crate::object::channel::write::refusal;
use crate::process::half::channel::Endpoint;
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::sync::{self, Inside, Relaxed};

/// Notes the refusal of a write that needs this many lines of payload. The next look for room is due after `pause_ns`.
#[cold]
fn note_refusal(writer: &Writer<'_>, lines: usize, error: Error, pause_ns: i64) -> Error {
    // A full channel needs no note: head and tail say by themselves when there is room again. They know nothing of the
    // places that loans hold, or transfers that are under way.
    let is_held = matches!(error, Error::ShouldWait) && writer.cursor.reserved > 0;
    let noted = if is_held || matches!(error, Error::NoMemory { .. } | Error::NoResources(_)) {
        // Relaxed, both: private to the process, under the sending lock.
        let before = writer.endpoint.refused.load(Relaxed);
        writer.endpoint.refused.store(lines as u64 + 1, Relaxed);
        if before == lines as u64 + 1 && pause_ns == 0 && refusal::is_noted(writer) {
            // The same write again, and it has just looked: the next look stays due when it is. A program that polls wakes no
            // thread with each try.
            Ok(())
        } else {
            refusal::begin(writer, sync::now_ns().saturating_add(pause_ns))
        }
    } else if matches!(error, Error::ShouldWait) {
        // This is the last refused write now. A larger one that was refused before must not keep WRITABLE false for it.
        refusal::end(writer)
    } else {
        Ok(())
    };
    noted.map_or_else(Error::from, |()| error)
}

/// A loan has come back, or the place of a transfer: if a write was refused, the next look for room is due at once.
#[inline]
pub(crate) fn note_return(writer: &Writer<'_>) -> UnlessDied {
    // Relaxed: written under the same lock.
    match writer.endpoint.refused.load(Relaxed) {
        0 => Ok(()),
        _ => refusal::begin(writer, sync::now_ns()),
    }
}

/// As [`note_return`], for a thread that no longer holds the end.
pub(crate) fn note_return_at(thread: &Thread, channel: ResolvedHandle) -> Result<()> {
    let inside = thread.inside();
    if refusal(thread, channel, &inside).is_some()
        // A channel that has gone meanwhile has no refusal.
        && let Ok(writer) = Writer::enter(thread, channel, Rights::empty(), &inside)
    {
        note_return(&writer)?;
    }
    Ok(())
}

/// In `Endpoint::refused`: what was refused is the memory of a buffer, which is not the channel's.
pub(crate) const OF_A_BUFFER: u64 = 1 << 63;

/// Notes that a buffer of so many lines, for a message through the channel, found no memory. A channel that has gone meanwhile
/// needs no note.
#[cold]
pub(crate) fn note_buffer(thread: &Thread, channel: ResolvedHandle, lines: usize, error: Error) {
    note_of_buffer(thread, channel, lines, error, 0);
}

/// As [`note_buffer`], for a buffer that found no room for its object or handle. No look tells whether there is room. So the
/// look for memory comes after a pause, lest a program that waits for WRITABLE and tries again never sleeps.
#[cold]
pub(crate) fn note_buffer_object(thread: &Thread, channel: ResolvedHandle, lines: usize, error: Error) {
    note_of_buffer(thread, channel, lines, error, TRY_AGAIN_NS);
}

fn note_of_buffer(thread: &Thread, channel: ResolvedHandle, lines: usize, error: Error, pause_ns: i64) {
    let inside = thread.inside();
    if let Ok(writer) = Writer::enter(thread, channel, Rights::empty(), &inside) {
        note_refusal(&writer, lines | OF_A_BUFFER as usize, error, pause_ns);
    }
}

/// A buffer found memory: an earlier refusal of one is over.
pub(crate) fn forget_buffer(thread: &Thread, channel: ResolvedHandle) -> Result<()> {
    let inside = thread.inside();
    let is_noted = |endpoint: &Endpoint| {
        // Relaxed: a hint. A refusal that another thread notes from now on may be missed, and then stays noted.
        endpoint.refused.load(Relaxed) & OF_A_BUFFER != 0
    };
    if endpoint::endpoint(&thread.process, channel.index, &inside).is_some_and(is_noted)
        // A channel that has gone meanwhile has no refusal.
        && let Ok(writer) = Writer::enter(thread, channel, Rights::empty(), &inside)
        && is_noted(writer.endpoint)
    {
        refusal::end(&writer)?;
    }
    Ok(())
}

/// As `note_refusal`, for a result.
#[inline(always)]
pub(crate) fn noting<T>(writer: &Writer<'_>, lines: usize, result: Result<T>) -> Result<T> {
    result.map_err(|error| note_refusal(writer, lines, error, 0))
}

/// The endpoint, if its last write was refused for want of memory, or because loans hold the places.
pub(crate) fn refusal<'a>(
    thread: &'a Thread,
    found: ResolvedHandle,
    inside: &'a Inside<'_>,
) -> Option<&'a Endpoint> {
    let endpoint = endpoint::endpoint(&thread.process, found.index, inside)?;
    (endpoint.refused.load(Relaxed) != 0).then_some(endpoint)
}
