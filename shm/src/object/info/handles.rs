//! How many handles a process has, by the class of their objects.
//!
//! The table of each process lies in the arena, so any process may count another's handles. The words are read one by
//! one while other threads work: a count is of no single moment.

use crate::arena::error::{Error, Result};
use crate::arena::word::credit::Charge;
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::row::{ProcessState, RowState};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::class::Class;
use crate::object::task::Process;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, fence};

/// How many numbers of classes there are.
pub const CLASS_NUMBERS: usize = 1 << u8::BITS;

/// The handles of the process that has made the object of `found`, by the number of their class. All 0 if it is dead.
/// `WrongType` if the object is no process.
pub(crate) fn counts(thread: &Thread, found: ResolvedHandle) -> Result<[u32; CLASS_NUMBERS]> {
    let lifecycle = pin::with_pinned(thread, found, |_, lifecycle| Ok(lifecycle))?;
    if lifecycle.class_number() != Process::NUMBER {
        return Err(Error::WrongType);
    }
    let mut counts = [0; CLASS_NUMBERS];
    // A process charges itself for the object that stands for it.
    let row = lifecycle.charged_row();
    // Relaxed: a process that is dead by now, or a later one with the row, is counted as what its entries say.
    let state = RowState(thread.arena().process(row)?.state.load(Relaxed));
    if state.process_state() == ProcessState::Active
        && lifecycle.is_charged_to(Charge { row, epoch: state.epoch() })
    {
        for index in (1..thread.arena().used_entries(row)).map(EntryIndex) {
            if let Some(class) = class_at(thread, row, index)? {
                counts[usize::from(class)] += 1;
            }
        }
    }
    Ok(counts)
}

/// The number of the class of the object to which this entry is a handle.
fn class_at(thread: &Thread, process: ProcessIndex, index: EntryIndex) -> Result<Option<u8>> {
    let cell = thread.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
    // ORDER: Acquire pairs with the Release that made the entry LIVE: the object is complete.
    let entry = Entry(cell.load(Acquire));
    if !entry.is_live() {
        return Ok(None);
    }
    // Relaxed: no hazard holds the object. The second look at the entry rejects the class of the slot's next user.
    let lifecycle = Lifecycle(thread.arena().object(entry.object().slot())?.lifecycle.load(Relaxed));
    // ORDER: Acquire keeps that load before the one below: see `lookup::validate`.
    fence(Acquire);
    Ok((cell.load(Relaxed) == entry.0).then_some(lifecycle.class_number()))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;

    #[test]
    fn handles_are_counted_by_class() {
        let thread = Thread::join(&crate::process::Process::alone_with_few_channels()).unwrap();
        let (process, _) = thread.create(ObjectClass::Process, Rights::all()).unwrap();
        let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
        thread.create(ObjectClass::EventPair, Rights::all()).unwrap();
        let counted = || {
            let counts = thread.handle_counts(thread.lookup(process).unwrap()).unwrap();
            ObjectClass::ALL.iter().map(|class| counts[usize::from(class.number())]).sum::<u32>()
                + 100 * counts[usize::from(ObjectClass::Event.number())]
        };
        assert_eq!(counted(), 104);
        let found = thread.lookup(event).unwrap();
        assert_eq!(thread.handle_counts(found), Err(Error::WrongType));
        let copy = thread.duplicate(found, Rights::empty()).unwrap();
        assert_eq!(counted(), 205);
        thread.close(thread.lookup(event).unwrap()).unwrap();
        thread.close(thread.lookup(copy).unwrap()).unwrap();
        assert_eq!(counted(), 3);
    }
}
