//! Handles that their owner has given up while memory of their channel is lent: they are closed when the last of it comes
//! back.
//!
//! A close by value fails with `BadState` then (INV-ENDPOINT-4), and its caller still has the handle. But a handle that was
//! dropped, or consumed by a call that failed, has no owner any more that could try again. So the end has a note of it,
//! `Endpoint::given_up`.
//!
//! *Why none is forgotten:* the note is stored before the second try to close, which takes the locks of the end. Memory comes
//! back under one of these locks, and the thread that gave it back looks for the note afterwards. So if the second try still
//! finds memory lent, the note is seen when that memory comes back.

use crate::arena::error::{Error, Result};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::endpoint;
use crate::process::half::channel::Endpoint;
use crate::process::thread::Thread;
use crate::refcount;
use crate::sync::Relaxed;

/// Closes the handle: now, or when no memory of its channel is lent any more. A side that ends is left on the release queue.
pub(crate) fn close_when_returned(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    match refcount::drop_handle(thread, found) {
        Err(Error::BadState(_)) => {}
        closed => return closed,
    }
    if let Some(endpoint) = endpoint::endpoint(&thread.process, found.index, &thread.inside()) {
        let _writing = endpoint.write_cursor.lock();
        // If the end has gone meanwhile, the half may have another one, with a note of its own.
        if lookup::is_current(thread, found) {
            // Relaxed: the locks order it.
            endpoint.given_up.store(found.entry.0, Relaxed);
        }
    }
    close_unless_lent(thread, found)
}

/// Whether the handle was given up. For a thread that holds a lock of the end, under which memory has come back.
#[inline(always)]
pub(crate) fn is_given_up(endpoint: &Endpoint, found: ResolvedHandle) -> bool {
    // Relaxed: the locks order it.
    endpoint.given_up.load(Relaxed) == found.entry.0
}

/// Closes the handle if it was given up and nothing of its channel is lent any more. A side that ends is left on the release
/// queue.
pub(crate) fn close_if_given_up(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let is_given_up = endpoint::endpoint(&thread.process, found.index, &thread.inside())
        .is_some_and(|endpoint| is_given_up(endpoint, found));
    if is_given_up { close_unless_lent(thread, found) } else { Ok(()) }
}

fn close_unless_lent(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    match refcount::drop_handle(thread, found) {
        // Other memory is lent still, or another thread was quicker.
        Err(Error::BadState(_) | Error::BadHandle) => Ok(()),
        closed => closed,
    }
}
