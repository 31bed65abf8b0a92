//! The ends of a direction of an object that one process holds alone, locked: every operation of that process on the
//! direction has one of them.
//!
//! An [`End`] keeps the private lock of its end until it is dropped (INV-ENDPOINT-1).

use crate::arena::arena_ref::ArenaRef;
use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::{self, HandleName, ResolvedHandle};
use crate::process::Process;
use crate::process::half::PrivateHalf;
use crate::process::half::entrance::{Admitted, EndWords, Entrance};
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Inside, Lock, Locked, Relaxed};

/// The private half that the ends of an object's side share.
pub(crate) trait EndsHalf: PrivateHalf {
    /// The class of the object.
    const CLASS_NUMBER: u8;
    /// The half of this entry, if it has one.
    fn of_entry<'a>(process: &'a Process, index: EntryIndex, inside: &'a Inside<'_>) -> Option<&'a Self>;
}

/// The private state of an end.
pub(crate) trait Cursor: Sized {
    /// The private half that it belongs to.
    type Endpoint: EndsHalf;
    /// The lock that guards it.
    fn lock_of(endpoint: &Self::Endpoint) -> &Lock<Self>;
    /// By which threads enter the end.
    fn entrance(&self) -> &Entrance;
    fn entrance_mut(&mut self) -> &mut Entrance;
    /// The side that writes this end's direction, if the end is of `side`.
    fn writer_of(side: ObjectRef) -> ObjectRef;
}

/// An end of a direction, for as long as a thread holds its private lock.
pub(crate) struct End<'a, C: Cursor> {
    pub(crate) thread: &'a Thread,
    /// The side that this process holds.
    pub(crate) side: ObjectRef,
    pub(crate) endpoint: &'a C::Endpoint,
    /// Where the end stands in its direction. This guard is the lock.
    pub(crate) cursor: Locked<'a, C>,
}

impl<'a, C: Cursor> End<'a, C> {
    /// Locks the end that `handle` names, if the handle is this process's and has not gone.
    ///
    /// # Errors
    /// `BadHandle` when there is no such handle; `WrongType` when it is of another class; `AccessDenied` when it lacks
    /// `rights`.
    #[inline(always)]
    pub(crate) fn enter(
        thread: &'a Thread,
        handle: impl Into<HandleName>,
        rights: Rights,
        inside: &'a Inside<'_>,
    ) -> Result<Self> {
        let handle = handle.into();
        match Self::enter_bound(thread, handle, rights, inside, |denied| denied)? {
            Some(end) => Ok(end),
            None => Err(not_an_endpoint::<C>(thread, handle)),
        }
    }

    /// As [`enter`](Self::enter). `None` when no private half is bound to the object of the handle. `denied` gives the error for
    /// a handle that lacks `rights`.
    #[inline(always)]
    pub(crate) fn enter_bound(
        thread: &'a Thread,
        handle: HandleName,
        rights: Rights,
        inside: &'a Inside<'_>,
        denied: impl FnOnce(Error) -> Error,
    ) -> Result<Option<Self>> {
        let (index, generation) = handle.place(thread);
        let Some(endpoint) = C::Endpoint::of_entry(&thread.process, index, inside) else { return Ok(None) };
        let mut cursor = C::lock_of(endpoint).lock();
        // The handle was not looked up, or without the lock. So its entry is checked under the lock (INV-ENDPOINT-1).
        let admitted = match cursor.entrance().admitted {
            Some(admitted)
                if handle.is_of(generation, admitted.entry) && admitted.is_current(thread.arena()) =>
            {
                admitted
            }
            _ => match admit(thread, endpoint, handle, &mut *cursor)? {
                Some(admitted) => admitted,
                None => return Ok(None),
            },
        };
        let found = ResolvedHandle { index, entry: admitted.entry };
        // After the handle: a handle that is gone gives `BadHandle`, also if it lacked a right.
        found.require(rights).map_err(denied)?;
        Ok(Some(Self { thread, side: found.entry.object(), endpoint, cursor }))
    }

    /// Locks the end of `endpoint`, if no thread holds the lock.
    ///
    /// # Errors
    /// `Canceled` when the endpoint is no longer that of `side`.
    pub(crate) fn try_lock(
        thread: &'a Thread,
        side: ObjectRef,
        endpoint: &'a C::Endpoint,
    ) -> Result<Option<Self>> {
        let Some(mut cursor) = C::lock_of(endpoint).try_lock() else { return Ok(None) };
        if !endpoint.is_bound_to(side) {
            return Err(Error::Canceled);
        }
        find_words(thread, side, &mut *cursor)?;
        Ok(Some(Self { thread, side, endpoint, cursor }))
    }

    /// The words that the end uses. No copy of them is kept in the end: a small end is passed on in registers, and a load from a
    /// larger one would wait for the stores that made it.
    #[inline(always)]
    fn words(&self) -> &EndWords {
        self.cursor.entrance().words()
    }

    /// The direction that this end writes or reads.
    #[inline(always)]
    pub(crate) fn direction(&self) -> &'a Direction {
        self.words().direction.get(self.thread.arena())
    }

    /// The state word of this side: its own signals, and the bits of its sleepers.
    #[inline(always)]
    pub(crate) fn own_state(&self) -> &'a AtomicU64 {
        self.words().own_state.get(self.thread.arena())
    }

    /// The state word of the other side.
    #[inline(always)]
    pub(crate) fn peer_state(&self) -> &'a AtomicU64 {
        self.words().peer_state.get(self.thread.arena())
    }
}

/// Admits `handle` to the end: it is live, and the endpoint's. `None`: the endpoint is not bound to its object.
#[cold]
fn admit<C: Cursor>(
    thread: &Thread,
    endpoint: &C::Endpoint,
    handle: HandleName,
    cursor: &mut C,
) -> Result<Option<Admitted>> {
    let found = handle.resolve(thread)?;
    let side = found.entry.object();
    // The entry may have another handle by now, and the half another object.
    if !endpoint.is_bound_to(side) || !lookup::is_current(thread, found) {
        return Ok(None);
    }
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    find_words(thread, side, cursor)?;
    let admitted = Admitted { entry: found.entry, cell: ArenaRef::new(cell) };
    Ok(Some(*cursor.entrance_mut().admitted.insert(admitted)))
}

/// Finds the words that the end of `side` uses. The caller holds the end's lock, and has found it bound to the side.
fn find_words<C: Cursor>(thread: &Thread, side: ObjectRef, cursor: &mut C) -> Result<()> {
    let words = &mut cursor.entrance_mut().words;
    if words.is_none() {
        *words = Some(EndWords::new(thread.arena(), side, C::writer_of(side))?);
    }
    Ok(())
}

/// The error for a handle that has no such end in this process: it has gone, or its type is another.
#[cold]
fn not_an_endpoint<C: Cursor>(thread: &Thread, handle: HandleName) -> Error {
    let found = match handle.resolve(thread) {
        Ok(found) => found,
        Err(error) => return error,
    };
    // Relaxed: if the slot has its next user by now, the handle has gone, and either error is true of it.
    let class = thread
        .arena()
        .object(found.entry.object().slot())
        .map(|object| Lifecycle(object.lifecycle.load(Relaxed)).class_number());
    match class {
        Ok(class) if class != C::Endpoint::CLASS_NUMBER && lookup::is_current(thread, found) => {
            Error::WrongType
        }
        _ => Error::BadHandle,
    }
}
