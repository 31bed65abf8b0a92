//! The differences between classes of objects, as hooks. Each hook has a default, which serves an object that keeps no
//! memory and no handles.
//!
//! Creating, closing, waiting, teardown, reclaiming and recovery are the same for every object. They call the hooks
//! through the registry (`object/mod.rs`). It dispatches by the class number in the lifecycle word, without a table of
//! pointers: processes share that word, and a pointer in it would be valid in one of them only.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::intent::{ListIntent, Operation};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::queue::places::Queue;
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::sync::Inside;

/// A derived signal, as a repeating observer follows it. It counts as asserted anew when what was there at the last
/// packet is used up, and there is more.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edge {
    /// The signal; none in an unused edge.
    pub(crate) signal: Signals,
    /// A number that grows with all there has ever been: messages, or room.
    pub(crate) mark: u64,
    /// How much of it is used up.
    pub(crate) passed: u64,
    /// Whether the mark wraps: then every other mark is a new one.
    pub(crate) wraps: bool,
}

impl Edge {
    /// An edge of several signals, which follow from these words: any change of one of them counts.
    pub(crate) fn of_words(signal: Signals, words: impl IntoIterator<Item = u64>) -> Self {
        // The finalizer of splitmix64, a bijection, of which an observer keeps 48 bits.
        let mark = words.into_iter().fold(0, |seed: u64, word| {
            let mut mixed = seed.rotate_left(32) ^ word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { signal, mark: mark >> 16, passed: 0, wraps: true }
    }

    /// Whether there is something new since `seen` was announced, and all that was announced is used up.
    pub(crate) fn is_new(&self, seen: u64) -> bool {
        if self.wraps { self.mark != seen } else { self.mark > seen && self.passed >= seen }
    }
}

/// The signals of a side, as a thread of any process sees them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observable {
    pub(crate) signals: Signals,
    pub(crate) edges: [Edge; 2],
    /// Signals that may change without a thread that changes them, and the time on the monotonic clock at which to look: a deadline
    /// that passes, or a change that only a look finds.
    pub(crate) next: Option<(Signals, i64)>,
}

impl Observable {
    /// The time at which to look again, for an observer with this trigger.
    pub(crate) fn next_ns(&self, trigger: Signals) -> Option<i64> {
        self.next.filter(|(signals, _)| signals.intersects(trigger)).map(|(_, next_ns)| next_ns)
    }
}

/// The hooks of a class.
pub(crate) trait Class {
    /// The number of the class in lifecycle words: Zircon's number of the type.
    const NUMBER: u8;
    /// How many sides an object has: 1, or 2 that see each other close.
    const SIDES: usize = 1;
    /// Whether a side has at most one handle, so that the end of that handle is the end of the side.
    const IS_UNIQUE: bool = false;
    /// Whether each side writes a ring of messages, which is a direction of the object's body. Messages carry handles, so
    /// such an object may keep other objects, and itself, alive. Recovery, audit and listing read the rings.
    const HAS_RINGS: bool = false;
    /// Whether each side may have a cookie: a number that programs attach to it (`object/info/cookie`).
    const HAS_COOKIE: bool = false;
    /// Whether an object has a size, or options, so that the call which makes one has to say them.
    const HAS_SIZE: bool = false;
    /// Whether `observable` may give a time at which signals change by themselves, or must be looked for.
    const HAS_DEADLINE: bool = false;
    /// The signals that programs may set and clear.
    const SETTABLE_SIGNALS: Signals = Signals::USER_ALL;
    /// Where `release_step` stopped, so that the next slice continues there. A hint: without it the class searches from
    /// the start. `()` for a class that has one step.
    type Progress: Default + core::fmt::Debug;

    /// The signals of the object of `found`, given its stored signals. A class may derive some from the object's
    /// content.
    #[inline(always)]
    fn signals(_thread: &Thread, _found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        Ok(stored)
    }

    /// The signals of a side for its observers, given its stored signals. The caller may have no handle to the side. It
    /// keeps the object from being reused.
    #[inline(always)]
    fn observable(_thread: &Thread, _side: ObjectRef, stored: Signals) -> Result<Observable> {
        Ok(Observable { signals: stored, ..Observable::default() })
    }

    /// Looks for a signal that only the process of the handle can find, once the time that [`observable`](Self::observable) gave has
    /// passed. Afterwards `observable` gives what the look has found. The caller has no hazard and no lock, and the handle may have
    /// been closed meanwhile. `now_ns`: the time of the look.
    fn look_for(_thread: &Thread, _found: ResolvedHandle, _now_ns: i64) -> Result<()> {
        Ok(())
    }

    /// As [`look_for`](Self::look_for), for a handle of another process, which this one cannot look for. `due_ns`: when that process
    /// was to look. Gives the time at which to call again; `None` if `observable` has changed. The caller has a hazard on the object.
    fn look_for_another(
        _thread: &Thread,
        _side: ObjectRef,
        _due_ns: i64,
        _now_ns: i64,
    ) -> Result<Option<i64>> {
        Ok(None)
    }

    /// The time of the clock at which a wait for these signals checks again without a wake, in nanoseconds. `None`: it
    /// sleeps until it is woken. A class gives a time while a signal may become true without a wake.
    #[inline(always)]
    fn look_again_ns(_thread: &Thread, _found: ResolvedHandle, _waitfor: Signals) -> Option<i64> {
        None
    }

    /// Binds the private half of this entry (`process/half`) to an object that has just come to this process.
    /// The handle becomes LIVE afterwards. A class that has a private half overrides this. Its handles cannot be
    /// duplicated, or it gives the half up first (`before_duplicate`).
    #[inline(always)]
    fn bind_half<'a>(
        _process: &'a Process,
        _object: ObjectRef,
        _index: EntryIndex,
        _origin: Origin,
        _inside: impl FnOnce() -> Inside<'a>,
    ) {
    }

    /// A second handle is about to be made to the side of `found`, in this process.
    #[inline(always)]
    fn before_duplicate(_thread: &Thread, _found: ResolvedHandle) -> Result<()> {
        Ok(())
    }

    /// Gives back the memory that objects of the class keep in this process and do not need: all objects, or only those
    /// that were quiet since the last call. Whether a later call may find more.
    fn trim(_thread: &Thread, _all: bool) -> Result<bool> {
        Ok(false)
    }

    /// Completes what the operations on this side have committed and not yet shown to all threads. No operation is left:
    /// its holder is dead.
    #[inline(always)]
    fn complete(_thread: &Thread, _object: ObjectRef) -> Result<()> {
        Ok(())
    }

    /// A thread has died whose hazard names the object. Completes what it may have left there.
    fn after_death(_thread: &Thread, _slot: Slot) -> Result<()> {
        Ok(())
    }

    /// Tears down one side after its last handle has closed. Sides that end by this are put before this side on the
    /// row's release queue. Idempotent, one step at a time. `false` when the budget is spent before the last step.
    #[inline(always)]
    fn release_step(
        _thread: &Thread,
        _object: ObjectRef,
        _progress: &mut Self::Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        Ok(true)
    }

    /// Frees the blocks of an object after all its sides have ended. `false` when the budget is spent before the last.
    #[inline(always)]
    fn free_blocks(_thread: &Thread, _slot: Slot, _budget: &mut Budget) -> Result<bool> {
        Ok(true)
    }

    /// Whether a retired slot is as a new object needs it, because the old object never wrote to its body.
    #[inline(always)]
    fn is_blank(_thread: &Thread, _slot: Slot) -> Result<bool> {
        Ok(true)
    }

    /// Clears a reclaimed slot, so that it is as a new object needs it. Resumable.
    #[inline(always)]
    fn reset(_thread: &Thread, _slot: Slot) -> Result<()> {
        Ok(())
    }

    /// Whether an operation of a dead thread on an object of the class has committed. A class with operations of its own
    /// (`arena/word/intent.rs`) overrides this.
    fn has_committed(_thread: &Thread, _operation: Operation) -> Result<bool> {
        Err(Error::Corrupt("an operation that its object does not have"))
    }

    /// Whether a dead thread had linked `block`, which its list intent names, in the list of the side `from`.
    fn is_linked(_thread: &Thread, _intent: ListIntent, _from: ObjectRef, _block: BlockId) -> Result<bool> {
        Err(Error::Corrupt("a block of an object that has none"))
    }

    /// The queue of handles of a side, if it has one (`object/queue`). The audit counts what is in it.
    #[inline(always)]
    fn queue(_arena: &Arena, _side: ObjectRef) -> Result<Option<Queue<'_>>> {
        Ok(None)
    }

    /// What is wrong with the body of a live object at rest, for the audit.
    fn fault(_arena: &Arena, _slot: Slot) -> Result<Option<&'static str>> {
        Ok(None)
    }

    /// Undoes the writes of a creator that died before its commit. The slot's class is not known then, so this hook is
    /// called for every class.
    #[inline(always)]
    fn undo_create(_thread: &Thread, _slot: Slot) -> Result<()> {
        Ok(())
    }
}
