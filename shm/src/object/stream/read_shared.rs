//! Reading at a shared end: a copy, and then a CAS of the head, which commits. A thread that loses the CAS discards its copy
//! and starts over: the bytes may have been another item's by then.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::object::stream::link;
use crate::object::stream::places::{MOST_ROUNDS, RESTLESS, Stream};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Acquire, Relaxed, Release};
use core::mem::MaybeUninit;

/// As `read::read`, at a side that a hazard names.
pub(crate) fn read(
    thread: &Thread,
    side: ObjectRef,
    out: &mut [MaybeUninit<u8>],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let stream = Stream::of(thread.arena(), side.peer())?;
    check(&stream)?;
    for _ in 0..MOST_ROUNDS {
        // ORDER: Acquire, and first, as in `read::read`.
        let state = State(thread.arena().state(side)?.load(Acquire));
        // ORDER: Acquire pairs with the Release of the CAS below: an item that this head has passed may be cleared.
        let head = stream.words.head().load(Acquire);
        let Some(copied) = stream.copy_from(head, out)? else {
            if stream.words.head().load(Relaxed) == head {
                return Err(Error::Corrupt("a stream whose head lies before its items"));
            }
            continue;
        };
        if copied == 0 {
            // Nothing was unread at this head. Another thread may have moved it since.
            if stream.words.head().load(Relaxed) != head {
                continue;
            }
            let is_closed = state.signals().contains(Signals::PEER_CLOSED);
            return Err(if is_closed { Error::PeerClosed } else { Error::ShouldWait });
        }
        let next = head + copied as u64;
        // ORDER: Release: after the copy; it pairs with the Acquire of the writers and of the other readers. Commits.
        if stream.words.head().compare_exchange(head, next, Release, Relaxed).is_ok() {
            crash_point!(thread, "stream.taken");
            link::clear_read(thread, &stream, next)?;
            wake::notify_derived(thread, thread.arena().state(side.peer())?, State::HAS_WRITE_WAITERS)?;
            return Ok(copied);
        }
    }
    Err(RESTLESS)
}
