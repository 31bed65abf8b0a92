//! The ends of a direction, locked: every operation on a ring has one of them.
//!
//! A [`Writer`] is the writing end of the direction that its side writes. A [`Reader`] is the reading end of the
//! direction that the peer writes. Both keep the private lock of their end until they are dropped (INV-ENDPOINT-1).

use crate::arena::arena_ref::ArenaRef;
use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::{self, HandleName, ResolvedHandle};
use crate::object::channel::{endpoint, ring};
use crate::process::half::PrivateHalf;
use crate::process::half::channel::{Admitted, EndWords, Endpoint, Entrance, ReadCursor, WriteCursor};
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
    /// By which threads enter the end.
    fn entrance(&self) -> &Entrance;
    fn entrance_mut(&mut self) -> &mut Entrance;
    /// The side that writes this end's direction, if the end is of `side`.
    fn writer_of(side: ObjectRef) -> ObjectRef;
}

impl Cursor for WriteCursor {
    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.write_cursor
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side
    }
}

impl Cursor for ReadCursor {
    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.read_cursor
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side.peer()
    }
}

/// An end of a direction, for as long as a thread holds its private lock.
pub(crate) struct End<'a, C> {
    pub(crate) thread: &'a Thread,
    /// The side of the channel that this process holds.
    pub(crate) side: ObjectRef,
    pub(crate) endpoint: &'a Endpoint,
    words: EndWords,
    /// Where the end stands in its ring. This guard is the lock.
    pub(crate) cursor: Locked<'a, C>,
}

impl<'a, C: Cursor> End<'a, C> {
    /// Locks the end that `handle` names, if the handle is this process's and has not gone.
    ///
    /// # Errors
    /// `BadHandle` when there is no such handle; `WrongType` when it is no channel's; `AccessDenied` when it lacks
    /// `rights`.
    #[inline(always)]
    pub(crate) fn enter(
        thread: &'a Thread,
        handle: impl Into<HandleName>,
        rights: Rights,
        inside: &'a Inside<'_>,
    ) -> Result<Self> {
        let handle = handle.into();
        let (index, generation) = handle.place(thread);
        let Some(endpoint) = endpoint::endpoint(&thread.process, index, inside) else {
            return Err(not_an_endpoint(thread, handle));
        };
        let mut cursor = C::lock_of(endpoint).lock();
        // The handle was not looked up, or without the lock. So its entry is checked under the lock (INV-ENDPOINT-1).
        let admitted = match cursor.entrance().admitted {
            Some(admitted)
                if handle.is_of(generation, admitted.entry) && admitted.is_current(thread.arena()) =>
            {
                admitted
            }
            _ => admit(thread, endpoint, handle, &mut *cursor)?,
        };
        let found = ResolvedHandle { index, entry: admitted.entry };
        // After the handle: a handle that is gone gives `BadHandle`, also if it lacked a right.
        found.require(rights)?;
        let words = *cursor.entrance().words();
        Ok(Self { thread, side: found.entry.object(), endpoint, words, cursor })
    }

    /// Locks the end of `endpoint`, if no thread holds the lock.
    ///
    /// # Errors
    /// `Canceled` when the endpoint is no longer that of `side`.
    pub(crate) fn try_lock(
        thread: &'a Thread,
        side: ObjectRef,
        endpoint: &'a Endpoint,
    ) -> Result<Option<Self>> {
        let Some(mut cursor) = C::lock_of(endpoint).try_lock() else { return Ok(None) };
        if !endpoint.is_bound_to(side) {
            return Err(Error::Canceled);
        }
        find_words(thread, side, &mut *cursor)?;
        let words = *cursor.entrance().words();
        Ok(Some(Self { thread, side, endpoint, words, cursor }))
    }

    /// The direction that this end writes or reads.
    #[inline(always)]
    pub(crate) fn direction(&self) -> &'a Direction {
        self.words.direction.get(self.thread.arena())
    }

    /// The state word of this side: its own signals, and the bits of its sleepers.
    #[inline(always)]
    pub(crate) fn own_state(&self) -> &'a AtomicU64 {
        self.words.own_state.get(self.thread.arena())
    }

    /// The state word of the other side.
    #[inline(always)]
    pub(crate) fn peer_state(&self) -> &'a AtomicU64 {
        self.words.peer_state.get(self.thread.arena())
    }
}

/// Admits `handle` to the end: it is live, and the endpoint's.
#[cold]
fn admit<C: Cursor>(
    thread: &Thread,
    endpoint: &Endpoint,
    handle: HandleName,
    cursor: &mut C,
) -> Result<Admitted> {
    let found = handle.resolve(thread)?;
    let side = found.entry.object();
    // The entry may have another handle by now, and the half another object.
    if !endpoint.is_bound_to(side) || !lookup::is_current(thread, found) {
        return Err(ring::not_an_endpoint(thread, found));
    }
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    find_words(thread, side, cursor)?;
    Ok(*cursor.entrance_mut().admitted.insert(Admitted { entry: found.entry, cell: ArenaRef::new(cell) }))
}

/// Finds the words that the end of `side` uses. The caller holds the end's lock, and has found it bound to the side.
fn find_words<C: Cursor>(thread: &Thread, side: ObjectRef, cursor: &mut C) -> Result<()> {
    let words = &mut cursor.entrance_mut().words;
    if words.is_none() {
        *words = Some(EndWords::new(thread.arena(), side, C::writer_of(side))?);
    }
    Ok(())
}

#[cold]
fn not_an_endpoint(thread: &Thread, handle: HandleName) -> Error {
    match handle.resolve(thread) {
        Ok(found) => ring::not_an_endpoint(thread, found),
        Err(error) => error,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::object::ObjectClass;
    use crate::object::channel::read::recv_buf::{OnOverflow, VecBuf};
    use crate::process::Process;

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
        let thread = Thread::join(&Process::alone(&config)).unwrap();
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

    /// The second channel has the entries of the first one, and so its private halves. The first one had passed a message.
    #[test]
    fn a_new_end_starts_afresh() {
        let none = Rights::empty();
        let config = Config {
            max_handles_per_process: 3,
            max_objects: 4,
            max_processes: 1,
            pool_bytes: 1 << 16,
            ..Config::default()
        };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        for _ in 0..3 {
            let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
            let far = far.unwrap();
            let inside = thread.inside();
            let writer = Writer::enter(&thread, thread.lookup(near).unwrap(), none, &inside).unwrap();
            assert!(!writer.cursor.ready && writer.cursor.segment.is_none());
            let reader = Reader::enter(&thread, thread.lookup(far).unwrap(), none, &inside).unwrap();
            assert!(!reader.cursor.ready && reader.cursor.segment.is_none());
            drop((writer, reader));
            drop(inside);
            thread.send(thread.lookup(near).unwrap(), none, b"first").unwrap();
            let (mut bytes, mut handles) = (Vec::new(), Vec::new());
            let mut buffer = VecBuf::new(&mut bytes, &mut handles);
            thread.receive(thread.lookup(far).unwrap(), none, &mut buffer, OnOverflow::Keep).unwrap();
            assert_eq!(bytes, b"first");
            thread.close(thread.lookup(near).unwrap()).unwrap();
            thread.close(thread.lookup(far).unwrap()).unwrap();
        }
    }
}
