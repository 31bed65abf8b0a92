//! Create: a slot becomes an object with its first handles.
//!
//! Entries RESERVED, counts set, lifecycle word RESERVED → LIVE **commits**, entries LIVE. Recovery: lifecycle word
//! LIVE → entries LIVE, else slot and entries → FREE.
//!
//! INV-CREATE-1: a slot is RESERVED by CAS on its own word, under an intent that names it (`memory/slot_pool`).

use crate::arena::error::Result;
use crate::arena::record::counter::Counter;
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::arena::word::intent::Operation;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::lifecycle::take_slot;
use crate::memory::{slot_credit, slot_pool};
use crate::object::{ObjectClass, bind};
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, Process, entries};
use crate::refcount;
use crate::sync::trace::trace_event;
use crate::sync::{Relaxed, Release};

/// Handles to a new object; the second is `None` for an object with one side.
pub type Created = (HandleValue, Option<HandleValue>);

/// Makes an object of `class`. `initialize` writes the fields of the class into the slot, before the slot is LIVE.
pub(crate) fn create(
    thread: &Thread,
    class: ObjectClass,
    rights: Rights,
    initialize: impl FnOnce(Slot) -> Result<()>,
) -> Result<Created> {
    let (slot, lifecycle, credit) = take_slot::take_slot(thread)?;
    crash_point!(thread, "create.slot");
    let result = fill_slot(thread, slot, lifecycle, class, rights, initialize);
    if let Err(error) = result
        && !error.is_crash()
    {
        slot_pool::release_slot(thread, slot, lifecycle)?;
        slot_credit::return_object_credit(thread, credit);
    }
    result
}

fn fill_slot(
    thread: &Thread,
    slot: Slot,
    lifecycle: Lifecycle,
    class: ObjectClass,
    rights: Rights,
    initialize: impl FnOnce(Slot) -> Result<()>,
) -> Result<Created> {
    let object = thread.arena().object(slot)?;
    // Before the entries: recovery makes a RESERVED entry LIVE only if this intent names its slot and the slot is LIVE.
    thread.set_operation(Operation::Create { slot });
    let sides = class.sides();
    let mut entries = [(EntryIndex(0), Entry(0)); 2];
    for side in 0..sides {
        match entries::reserve_entry(thread, ObjectRef::new(slot, side as u32)) {
            Ok(reserved) => entries[side] = reserved,
            Err(error) => {
                if side == 1 {
                    refcount::release_reserved(thread, entries[0].0, entries[0].1);
                }
                thread.set_operation(Operation::Idle);
                return Err(error);
            }
        }
    }
    crash_point!(thread, "create.reserved");
    // Relaxed: the store of the lifecycle word, below, publishes the whole object.
    object.koid.store(thread.take_koids(), Relaxed);
    // The idle intent stores the sequence, so no later change by this row has the number that the counts get here.
    let sequence = thread.next_sequence();
    thread.intend_nothing();
    for side in 0..sides {
        object.count[side].store(Count::new(1, thread.tag, sequence).0, Relaxed);
        let state = &object.state[side];
        // A store, no CAS: a sleeper on the slot's earlier object that arms in between finds the event count moved.
        // ORDER: Release pairs with the fence of `validate`: a thread that sees the new word sees that the last handle
        // to the earlier object is gone.
        state.store(State(state.load(Relaxed)).reset().0, Release);
    }
    initialize(slot)?;
    crash_point!(thread, "create.filled");
    // ORDER: Release, commits: an object that is LIVE is complete, also for the thread that recovers this process.
    object.lifecycle.store(lifecycle.live(class.number(), sides, thread.process.quotas.charge).0, Release);
    // Only now: a RESERVED slot that no row names would be lost (INV-SLOT-1).
    slot_pool::intend_no_slot(thread);
    crash_point!(thread, "create.committed");
    trace_event!(koid = object.koid.load(Relaxed), ?class, "object created");
    let first = bind::bind_received(thread, entries[0].0, entries[0].1, rights, Origin::New)?.value;
    crash_point!(thread, "create.first");
    let second = match sides {
        2 => Some(bind::bind_received(thread, entries[1].0, entries[1].1, rights, Origin::New)?.value),
        _ => None,
    };
    thread.set_operation(Operation::Idle);
    thread.increment(Counter::ObjectsCreated, 1);
    Ok((first, second))
}

pub(crate) fn used_slots(process: &Process) -> u32 {
    process.arena.used_slots()
}
