//! The ends of a direction, locked: every operation on a ring has one of them.
//!
//! A [`Writer`] is the writing end of the direction that its side writes. A [`Reader`] is the reading end of the
//! direction that the peer writes. Both keep the private lock of their end until they are dropped (INV-ENDPOINT-1).

use crate::arena::error::Result;
use crate::arena::record::object::Direction;
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::{endpoint, ring};
use crate::process::half::PrivateHalf;
use crate::process::half::channel::{Endpoint, ReadCursor, WriteCursor};
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Inside, Lock, Locked};

/// The writing end of a direction, locked.
pub(crate) type Writer<'a> = End<'a, WriteCursor>;

/// The reading end of a direction, locked.
pub(crate) type Reader<'a> = End<'a, ReadCursor>;

/// The private state of an end.
pub(crate) trait Cursor: Sized {
    /// The lock that guards it.
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self>;
}

impl Cursor for WriteCursor {
    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.write_cursor
    }
}

impl Cursor for ReadCursor {
    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.read_cursor
    }
}

/// An end of a direction, for as long as a thread holds its private lock.
pub(crate) struct End<'a, C> {
    pub(crate) thread: &'a Thread,
    /// The side of the channel that this process holds.
    pub(crate) side: ObjectRef,
    pub(crate) endpoint: &'a Endpoint,
    /// Where the end stands in its ring. This guard is the lock.
    pub(crate) cursor: Locked<'a, C>,
}

impl<'a, C: Cursor> End<'a, C> {
    /// Locks the end of `found`, and checks the handle again under the lock.
    ///
    /// # Errors
    /// `BadHandle` when the handle has gone; `WrongType` when it is no channel's; `AccessDenied` when it lacks `rights`.
    #[inline(always)]
    pub(crate) fn enter(
        thread: &'a Thread,
        found: ResolvedHandle,
        rights: Rights,
        inside: &'a Inside<'_>,
    ) -> Result<Self> {
        let Some(endpoint) = endpoint::endpoint(&thread.process, found.index, inside) else {
            return Err(ring::not_an_endpoint(thread, found));
        };
        let side = found.entry.object();
        // `found` was looked up without the lock. The entry may have another handle by now, and the half another
        // object: both are checked again under the lock (INV-ENDPOINT-1).
        let cursor = C::lock_of(endpoint).lock();
        if !endpoint.is_bound_to(side) || !lookup::is_current(thread, found) {
            drop(cursor);
            return Err(ring::not_an_endpoint(thread, found));
        }
        // After the handle: a handle that is gone gives `BadHandle`, also if it lacked a right.
        found.require(rights)?;
        Ok(Self { thread, side, endpoint, cursor })
    }

    /// Locks the end of `endpoint`, if no thread holds the lock. The caller checks [`is_bound`](Self::is_bound).
    pub(crate) fn try_lock(thread: &'a Thread, side: ObjectRef, endpoint: &'a Endpoint) -> Option<Self> {
        Some(Self { thread, side, endpoint, cursor: C::lock_of(endpoint).try_lock()? })
    }

    /// Whether `endpoint` is still that of `side`.
    pub(crate) fn is_bound(&self) -> bool {
        self.endpoint.is_bound_to(self.side)
    }

    /// The state word of this side: its own signals, and the bits of its sleepers.
    #[inline(always)]
    pub(crate) fn own_state(&self) -> Result<&'a AtomicU64> {
        self.thread.arena().state(self.side)
    }

    /// The state word of the other side.
    #[inline(always)]
    pub(crate) fn peer_state(&self) -> Result<&'a AtomicU64> {
        self.thread.arena().state(self.side.peer())
    }
}

impl<'a> Writer<'a> {
    /// The direction that this end writes.
    #[inline(always)]
    pub(crate) fn direction(&self) -> Result<&'a Direction> {
        ring::direction(self.thread, self.side)
    }
}

impl<'a> Reader<'a> {
    /// The direction that this end reads.
    #[inline(always)]
    pub(crate) fn direction(&self) -> Result<&'a Direction> {
        ring::direction(self.thread, self.side.peer())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::arena::Arena;
    use crate::arena::config::Config;
    use crate::arena::error::Error;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::channel::read::recv_buf::{OnOverflow, VecBuf};
    use crate::process::Process;
    use crate::process::thread::Thread;
    use std::sync::Arc;

    /// The end comes back under the entry that it had, so its private half is bound to the same side again. The old handle
    /// is another handle all the same.
    #[test]
    fn returned_end_rejects_the_former_handle() {
        let none = Rights::empty();
        // The startup entry and those of two channels: an entry that becomes free is the next one used.
        let config = Config {
            max_handles_per_process: 5,
            max_objects: 4,
            max_processes: 1,
            pool_bytes: 1 << 16,
            ..Config::default()
        };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let thread = Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap();
        let (near, _far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (to, from) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let find = |value| thread.lookup(value).unwrap();
        let former = find(near);
        thread.send_with_handles(find(to), none, &[], &[near], none, None).unwrap();
        let (mut bytes, mut handles) = (Vec::new(), Vec::new());
        let mut buffer = VecBuf::new(&mut bytes, &mut handles);
        thread.receive(find(from.unwrap()), none, &mut buffer, OnOverflow::Keep).unwrap();
        let present = find(handles[0].value);
        assert_eq!((present.index, present.entry.object()), (former.index, former.entry.object()));
        assert_eq!(thread.send(former, none, b"stale"), Err(Error::BadHandle));
        assert_eq!(thread.send(present, none, b"fresh"), Ok(()));
    }
}
