//! Meeting: a server serves a name, and a client connects to it.
//!
//! Both may wait: the client until a server has the name and room in its queue, the server until the name is free. They
//! sleep on the event counts of the directory and of those behind it, which every change of a name moves on, and every place
//! that becomes free in a queue where a client found none (INV-LISTENER-1).

use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::object::directory::{names, view, with_directory};
use crate::object::listener::{Listener, named};
use crate::object::queue;
use crate::object::wait;
use crate::process::thread::Thread;
use crate::refcount;
use crate::signal::eventcount::OnInterrupt;
use crate::signal::wait_item::WaitItem;
use crate::signal::wake;
use arrayvec::ArrayVec;

/// A name, and the directory to look for it.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// The handle to the directory.
    pub directory: HandleValue,
    /// The rights that this handle must have.
    pub rights: Rights,
    /// The name.
    pub name: &'a str,
    /// Until when to wait, on the monotonic clock. A time that has passed: not at all.
    pub deadline_ns: i64,
}

/// Repeats `meet` until it gives another result than `NotFound`, `AlreadyExists` or `ShouldWait`, or the deadline passes.
fn meet<T>(thread: &Thread, at: Meeting<'_>, mut meet: impl FnMut(Slot) -> Result<T>) -> Result<T> {
    let found = lookup::lookup(thread, at.directory)?;
    // The type before the rights, as for every call.
    with_directory(thread, found, |_| found.require(at.rights))?;
    named::check(at.name)?;
    let mut refused = Error::NotFound;
    let mut look = || match with_directory(thread, found, &mut meet) {
        Err(error @ (Error::NotFound | Error::AlreadyExists | Error::ShouldWait)) => {
            refused = error;
            Ok(None)
        }
        // The handle was there when the wait began.
        Err(Error::BadHandle) => Err(Error::Canceled),
        met => met.map(Some),
    };
    if let Some(met) = look()? {
        return Ok(met);
    }
    if at.deadline_ns <= 0 {
        return Err(refused);
    }
    loop {
        let mut way = None;
        with_directory(thread, found, |_| view::path(thread, found).map(|found| way = Some(found)))?;
        let Some((path, behind)) = way else { return Err(refused) };
        let item = |_: &ResolvedHandle| WaitItem {
            handle: at.directory,
            waitfor: Signals::empty(),
            pending: Signals::empty(),
        };
        let mut items: ArrayVec<WaitItem, { view::MAX_VIEW_DEPTH + 1 }> = path.iter().map(item).collect();
        let met =
            wait::wait_until(thread, &path, &mut items, at.deadline_ns, OnInterrupt::Restart, |_, _| {
                match view::is_whole(thread.arena(), &behind) {
                    true => look().map(|met| met.map(Some)),
                    false => Ok(Some(None)),
                }
            })?;
        // `None`: a directory behind this one has ended, and the way is shorter now.
        if let Some(met) = met {
            return Ok(met);
        }
    }
}

/// Moves the handle of `value` into the queue of the listener that has the name. On an error the caller still has it.
pub(crate) fn connect(thread: &Thread, at: Meeting<'_>, value: HandleValue) -> Result<()> {
    let offered = lookup::lookup(thread, value)?;
    meet(thread, at, |directory| {
        let found = view::find(thread, directory, at.name).and_then(|found| found.ok_or(Error::NotFound));
        let result =
            found.and_then(|listener| queue::offer::<Listener>(thread, ObjectRef::new(listener, 0), offered));
        if !result.as_ref().is_err_and(Error::is_crash) {
            pin::clear_hazard(thread, HAZARD_SECOND);
        }
        result
    })
}

/// Gives the listener of `value`, which is new, the name. On an error it is closed.
pub(crate) fn serve(thread: &Thread, at: Meeting<'_>, value: HandleValue) -> Result<()> {
    let listener = lookup::lookup(thread, value)?;
    let result = try_serve(thread, at, listener);
    if let Err(error) = result
        && !error.is_crash()
    {
        refcount::drop_handle(thread, listener)?;
    }
    result
}

fn try_serve(thread: &Thread, at: Meeting<'_>, listener: ResolvedHandle) -> Result<()> {
    let slot = listener.entry.object().slot();
    let mut is_named = false;
    meet(thread, at, |directory| {
        pin::pin_at(thread, listener, HAZARD_SECOND)?;
        let result = serve_pinned(thread, directory, slot, at.name, &mut is_named);
        if !result.as_ref().is_err_and(Error::is_crash) {
            pin::clear_hazard(thread, HAZARD_SECOND);
        }
        result
    })
}

fn serve_pinned(
    thread: &Thread,
    directory: Slot,
    listener: Slot,
    name: &str,
    is_named: &mut bool,
) -> Result<()> {
    if !*is_named {
        let home = pin::weak_ref(thread.arena(), directory)?;
        named::give_name(thread, listener, home, name)?;
        *is_named = true;
    }
    names::register(thread, directory, pin::weak_ref(thread.arena(), listener)?, name)?;
    wake::notify_derived(thread, thread.arena().state(ObjectRef::new(directory, 0))?, State::HAS_WAITERS)?;
    Ok(())
}
