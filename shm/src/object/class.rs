//! What differs between objects of different classes: a class answers these questions, and each has a default that serves
//! an object which holds nothing.
//!
//! Creating, closing, waiting, teardown, reclaiming and recovery are the same for every object. They ask the class through
//! the registry (`object`), which dispatches by the class number in the lifecycle word, without a table of pointers.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::channel::drain::Draining;
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::sync::Inside;

/// The hooks of a class.
pub(crate) trait Class {
    /// How many sides an object has: 1, or 2 that see each other close.
    const SIDES: usize = 1;
    /// Whether a side has one handle at most, so that whoever loses it knows that the side has ended.
    const IS_UNIQUE: bool = false;
    /// Whether messages with handles are queued for its sides, so that it may keep other objects, and itself, alive.
    const QUEUES_HANDLES: bool = false;

    /// The signals of the object of `found`, whose stored ones are these. They may be derived from its content.
    #[inline(always)]
    fn signals(_thread: &Thread, _found: ResolvedHandle, stored: u32) -> Result<u32> {
        Ok(stored)
    }

    /// A handle to `object` has come to this process, under entry `index`.
    #[inline(always)]
    fn arrive(_process: &Process, _object: ObjectRef, _index: u32, _arrival: Origin, _inside: &Inside<'_>) {}

    /// Takes apart what the last handle of this side kept. What ends by it is put before the side on the row's release
    /// queue. Idempotent, one step at a time. `false` when the budget is spent before all is done.
    #[inline(always)]
    fn release_step(
        _thread: &Thread,
        _object: ObjectRef,
        _progress: &mut Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        Ok(true)
    }

    /// Gives back the blocks of an object whose sides have all ended. `false` when the budget is spent before.
    #[inline(always)]
    fn free_blocks(_thread: &Thread, _slot: u32, _budget: &mut Budget) -> Result<bool> {
        Ok(true)
    }

    /// Whether a retired slot is as a new object needs it, since nothing was ever written there.
    #[inline(always)]
    fn is_blank(_thread: &Thread, _slot: u32) -> Result<bool> {
        Ok(true)
    }

    /// Makes a slot that was reclaimed as a new object needs it. Resumable.
    #[inline(always)]
    fn reset(_thread: &Thread, _slot: u32) -> Result<()> {
        Ok(())
    }

    /// Undoes what a creator wrote into a slot before it died. The slot's class is not known then: every class is asked.
    #[inline(always)]
    fn undo_create(_thread: &Thread, _slot: u32) -> Result<()> {
        Ok(())
    }
}

/// Where a class left off in `release_step`, so that the next slice goes on there. A hint: without it the class looks again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) draining: Option<Draining>,
}
