//! Writes that were refused because memory or a quota was exhausted, and when a retry may succeed.
//!
//! WRITABLE says that a write of the size last refused can succeed. So an end remembers that size. A thread that checks
//! WRITABLE performs the first steps of such a write: it reserves a position and a block, and the end keeps the block
//! for the write. Any thread may free memory, and not every such thread can know the waiting writers. So such a wait
//! checks again every `TRY_AGAIN_NS`, and whenever its reader has read a message.
//!
//! All of this is private to the process that holds the end.
//!
//! A direction takes at most eight times the blocks that its process has left, and has at most eight times the pending
//! messages that are left. So one stopped reader leaves a ninth of each size class, and of the pending messages, to the
//! other channels of its writer's process; two stopped readers leave a ninth of that.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::end::Writer;
use crate::object::channel::endpoint;
use crate::process::half::channel::Endpoint;
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::sync::{self, Inside, Relaxed};

/// Notes the refusal of a write that needs this many lines of payload.
#[cold]
fn note_refusal(writer: &Writer<'_>, lines: usize, error: Error) -> Error {
    let endpoint = writer.endpoint;
    // A full channel needs no note: head and tail say by themselves when there is room again. They know nothing of the
    // places that loans hold.
    let is_held = matches!(error, Error::ShouldWait) && writer.cursor.lent > 0;
    if is_held || matches!(error, Error::NoMemory { .. } | Error::NoResources(_)) {
        // Relaxed, here and below: private to the process, and only a hint.
        endpoint.refused.store(lines as u64 + 1, Relaxed);
        endpoint.try_again_ns.store(sync::now_ns().cast_unsigned(), Relaxed);
    } else if matches!(error, Error::ShouldWait) {
        // This is the last refused write now. A larger one that was refused before must not keep WRITABLE false for it.
        endpoint.refused.store(0, Relaxed);
    }
    error
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
        note_refusal(&writer, lines | OF_A_BUFFER as usize, error);
        // Relaxed: as in `note_refusal`.
        writer.endpoint.try_again_ns.fetch_add(pause_ns.cast_unsigned(), Relaxed);
    }
}

/// A buffer found memory: an earlier refusal of one is over.
pub(crate) fn forget_buffer(thread: &Thread, channel: ResolvedHandle) {
    let inside = thread.inside();
    let endpoint = endpoint::endpoint(&thread.process, channel.index, &inside);
    // Relaxed, both: private to the process, and only a hint. If the endpoint has gone, the note is another one's, which
    // then learns of room a little late.
    if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.refused.load(Relaxed) & OF_A_BUFFER != 0) {
        endpoint.refused.store(0, Relaxed);
    }
}

/// As `note_refusal`, for a result.
#[inline(always)]
pub(crate) fn noting<T>(writer: &Writer<'_>, lines: usize, result: Result<T>) -> Result<T> {
    result.map_err(|error| note_refusal(writer, lines, error))
}

/// The endpoint, if its last write was refused because memory was exhausted.
pub(crate) fn refusal<'a>(
    thread: &'a Thread,
    found: ResolvedHandle,
    inside: &'a Inside<'_>,
) -> Option<&'a Endpoint> {
    let endpoint = endpoint::endpoint(&thread.process, found.index, inside)?;
    (endpoint.refused.load(Relaxed) != 0).then_some(endpoint)
}
