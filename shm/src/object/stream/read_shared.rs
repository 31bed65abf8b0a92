//! Reading at a shared end: a copy, and then a CAS of the head, which commits. A thread that loses the CAS discards its copy
//! and starts over: the bytes may have been another item's by then.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::object::stream::places::{MOST_ROUNDS, RESTLESS, Stream};
use crate::object::stream::read::{self, Taking};
use crate::object::stream::{link, shutdown};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Acquire, Relaxed, Release, fence};
use core::mem::MaybeUninit;

/// As `read::read`, at a side that a hazard names.
pub(crate) fn read(
    thread: &Thread,
    side: ObjectRef,
    taking: Taking,
    out: &mut [MaybeUninit<u8>],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let arena = thread.arena();
    let stream = Stream::of(arena, side.peer())?;
    check(&stream)?;
    for _ in 0..MOST_ROUNDS {
        // ORDER: Acquire, and first, as in `read::read`.
        let own_state = State(arena.state(side)?.load(Acquire));
        // ORDER: Acquire pairs with the Release of the CAS below: an item that this head has passed may be cleared.
        let head = stream.words.head().load(Acquire);
        let Some(mut copied) = stream.copy_from(head, out)? else {
            if stream.words.head().load(Relaxed) == head {
                return Err(Error::Corrupt("a stream whose head lies before its items"));
            }
            continue;
        };
        if stream.geometry.is_socket() {
            let states = (own_state, arena.state(side.peer())?);
            copied = shutdown::readable(thread, &stream, states, head, copied)?;
            if out.is_empty() && copied.head == head && stream.written().end > head {
                return Ok(0);
            }
        }
        if copied.head == head {
            // ORDER: Acquire: after the look at the items. Another thread may have moved the head since.
            fence(Acquire);
            if stream.words.head().load(Relaxed) != head {
                continue;
            }
            return Err(read::nothing_unread(own_state));
        }
        // A peek moves the head to where it is: a load might show an older head than the copy does.
        let next = if taking == Taking::Peek { head } else { copied.head };
        // ORDER: Release: after the copy; it pairs with the Acquire of the writers and of the other readers. Commits.
        if stream.words.head().compare_exchange(head, next, Release, Relaxed).is_ok() {
            if taking == Taking::Peek {
                return Ok(copied.bytes);
            }
            crash_point!(thread, "stream.taken");
            link::clear_read(thread, &stream, copied.head)?;
            wake::notify_derived(thread, arena.state(side.peer())?, State::HAS_WRITE_WAITERS)?;
            return Ok(copied.bytes);
        }
    }
    Err(RESTLESS)
}
