//! The memory of slots that are free goes back to the system: a page of objects, with the bodies and names of the same
//! slots, where all of them have been free for a while.
//!
//! A page of objects has as many slots as a leaf of the map of free ones has bits. Its own word is in another section,
//! and stays: what a slot must not forget, its generation, is kept there once for all slots of the page.
//!
//! ```text
//!  63     35  34    33      32     31  28 27         0
//!  ┌────────┬──────┬────────┬────────┬──────┬────────────┐
//!  │ unused │ GONE │ GIVING │ LATELY │      │ generation │
//!  └────────┴──────┴────────┴────────┴──────┴────────────┘
//! ```
//!
//! | bits | set by | cleared by |
//! |---|---|---|
//! | generation | who gives the page back and owns all of its slots: higher than any of theirs | nobody; 0: never given back |
//! | LATELY | who frees a slot of the page (a hint) | each pass |
//! | GIVING | who gives it back, with the generation | who takes a slot of the page that begins anew; recovery |
//! | GONE | who gives it back, by CAS of GIVING, once the memory is gone | the same |
//!
//! The life of a slot whose memory is gone reads as zero, INVALID. Such a slot is as free as one that is FREE, if the
//! page's generation is not 0, and is taken by the same CAS; then the taker has it *begin anew*.
//!
//! ```text
//!  slots.intended   link = giving slots back, with the page                 the map is repaired
//!  slots.owned      all slots: FREE or INVALID → RESERVED(t), from the      each → FREE, and shown
//!                   end; the map agrees
//!  slots.raised     generation raised, GIVING                               the same
//!  slots.forgotten  names, bodies, and last the objects: given back         shown
//!  slots.gone       GIVING → GONE, unless a slot was taken since            shown
//!                   the map agrees; link idle
//!
//!  slot.taken       INVALID → RESERVED(t), generation 0                     begins anew; then → FREE
//!                   GIVING and GONE cleared; states begun                   the same
//!  slot.anew        RESERVED(t) of the page's generation                    → FREE
//! ```
//!
//! What else a slot has is nobody's while it is free, and what its next user needs of it is zero: the words of its rings
//! (INV-LATE-1, and `free_directions`), and names, which count only for their koid. Words that others may still look at
//! without a hazard, its states, begin at a place that depends on the generation: a sleeper of an earlier life that was
//! stopped before its sleep finds another word there.
//!
//! INV-PAGE-1: memory is given back only of slots that are all RESERVED by this thread, under an intent that names the page.
//! INV-PAGE-2: a slot that begins anew has a generation that it never had: its taker looks at the page's after it has
//! taken the slot, and the page cannot be given back again before that slot is free.
//! INV-PAGE-3: of a page that is GONE every slot is free, or is in the hands of a thread that has not cleared GONE yet and
//! whose row names the slot. So whether a slot is free is known without making its memory real again.
//! INV-PAGE-4: a slot whose life is INVALID is below the mark of slots that were ever used only if its page's generation
//! is not 0.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::word::Field;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::signals::State;
use crate::memory::free_map;
use crate::memory::give_back::Unused;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

/// A page's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageWord(u64);

impl PageWord {
    const GENERATION: Field<0, 28> = Field;
    const LATELY: u64 = 1 << 32;
    const GIVING: u64 = 1 << 33;
    const GONE: u64 = 1 << 34;
    /// Generations beyond this come round soon. The page that has one keeps its memory: which of its slots' generations
    /// are old could not be told.
    const MOST: u64 = 0xff0_0000;

    fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    /// The word of a page whose memory is about to go.
    fn giving(self, newest: u64) -> Self {
        Self(Self::GIVING | Self::GENERATION.of(newest.max(self.generation()) + 1))
    }

    fn gone(self) -> Self {
        Self(self.0 & !Self::GIVING | Self::GONE)
    }
}

fn page_of(arena: &Arena, slot: u32) -> Result<&AtomicU64> {
    arena.slot_page(slot as usize / WORD_BITS)
}

/// Whether the slot is free for whoever takes it.
pub(crate) fn is_free_slot(arena: &Arena, slot: u32) -> Result<bool> {
    // Relaxed: whoever acts on it does so by a CAS of the slot's word, or has its order from the map.
    let page = PageWord(page_of(arena, slot)?.load(Relaxed));
    if page.has(PageWord::GONE) {
        return Ok(true);
    }
    let lifecycle = Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed));
    Ok(lifecycle.state() == LifecycleState::Free || lifecycle.0 == 0 && page.generation() != 0)
}

/// The slot's word; INVALID, as it would read, if its memory is gone.
pub(crate) fn lifecycle_of(arena: &Arena, slot: u32) -> Result<Lifecycle> {
    let is_gone = PageWord(page_of(arena, slot)?.load(Relaxed)).has(PageWord::GONE);
    Ok(if is_gone { Lifecycle(0) } else { Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed)) })
}

/// The slot is being freed: the memory of its page is not to be given back soon.
pub(crate) fn mark_slot_freed(arena: &Arena, slot: u32) -> Result<()> {
    let page = page_of(arena, slot)?;
    // Relaxed: a hint. The line stays where it is while the mark is there.
    if !PageWord(page.load(Relaxed)).has(PageWord::LATELY) {
        page.fetch_or(PageWord::LATELY, Relaxed);
    }
    Ok(())
}

pub(crate) fn slot_generation(thread: &Thread, slot: u32) -> Result<u64> {
    let lifecycle = lifecycle_of(thread.arena(), slot)?;
    let page = PageWord(page_of(thread.arena(), slot)?.load(Relaxed));
    Ok(if lifecycle.0 == 0 { page.generation() } else { lifecycle.generation() })
}

pub(crate) fn event_count(thread: &Thread, slot: u32) -> Result<u32> {
    Ok(State(thread.arena().object(slot)?.state[0].load(Relaxed)).futex())
}

/// Takes the slot, if it is free. The row names it, or the page. One that was INVALID has to begin anew.
pub(crate) fn try_reserve_slot(thread: &Thread, slot: u32) -> Result<Option<Lifecycle>> {
    let lifecycle = &thread.arena().object(slot)?.lifecycle;
    let free = Lifecycle(lifecycle.load(Relaxed));
    let is_free = match free.state() {
        LifecycleState::Free => true,
        LifecycleState::Invalid => is_free_slot(thread.arena(), slot)?,
        _ => false,
    };
    let reserved = free.reserved(thread.tag);
    // ORDER: Acquire pairs with the Release of whoever freed the slot: everything was given back, or the page's
    // generation was raised. Release: after the intent, in the order that recovery sees.
    let taken = is_free && lifecycle.compare_exchange(free.0, reserved.0, AcqRel, Relaxed).is_ok();
    Ok(taken.then_some(reserved))
}

/// A slot that is RESERVED by this thread has the generation of its page, if its own is older: its memory was given
/// back. Idempotent. Gives its word then, and whether the page was ever given back.
pub(crate) fn begin_anew(thread: &Thread, slot: u32, reserved: Lifecycle) -> Result<(Lifecycle, bool)> {
    let page = page_of(thread.arena(), slot)?;
    // Relaxed: whoever took the slot has seen what made it INVALID, and the page is not given back again (INV-PAGE-2).
    let word = PageWord(page.load(Relaxed));
    if word.has(PageWord::GIVING | PageWord::GONE) {
        // Relaxed: before the map says that the slot is taken, which is a Release.
        page.fetch_and(!(PageWord::GIVING | PageWord::GONE), Relaxed);
    }
    if reserved.generation() >= word.generation() {
        return Ok((reserved, word.generation() != 0));
    }
    let object = thread.arena().object(slot)?;
    for state in &object.state {
        // ORDER: Release: as in `fill_slot`.
        state.store(State::begun(word.generation()).0, Release);
    }
    let anew = reserved.of_generation(word.generation());
    // ORDER: Release: after the states, in the order that recovery sees.
    object.lifecycle.store(anew.0, Release);
    crash_point!(thread, "slot.anew");
    Ok((anew, true))
}

/// One pass over all pages, for as long as `go_on` says so. Gives how many bytes went back to the system, and whether
/// another pass would find more.
pub(crate) fn give_slots_back(
    thread: &Thread,
    unused: Unused,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(u64, bool)> {
    let (mut bytes, mut is_due) = (0, false);
    for page in 0..thread.arena().used_slots() as usize / WORD_BITS {
        let cell = thread.arena().slot_page(page)?;
        let word = PageWord(cell.load(Relaxed));
        let is_lately = word.has(PageWord::LATELY);
        if is_lately {
            cell.fetch_and(!PageWord::LATELY, Relaxed);
        }
        let all = u64::MAX >> (64 - WORD_BITS);
        if word.has(PageWord::GONE) || free_map::free_objects(thread.arena()).leaf(page) != all {
            continue;
        }
        if is_lately && unused == Unused::ForAWhile || !go_on() {
            is_due = true;
            continue;
        }
        bytes += give_page_back(thread, page as u32)? as u64;
    }
    Ok((bytes, is_due))
}

fn give_page_back(thread: &Thread, page: u32) -> Result<usize> {
    let arena = thread.arena();
    thread.set_list_intent(ListIntent::GivingSlotsBack { page }, 0);
    crash_point!(thread, "slots.intended");
    let mut bytes = None;
    if let Some(newest) = own_slots_of(thread, page)? {
        let cell = arena.slot_page(page as usize)?;
        // Relaxed: no slot of the page is another's; of the hint nothing depends.
        let giving = PageWord(cell.load(Relaxed)).giving(newest);
        // Relaxed: after all slots are owned, which ended with a read-modify-write that is an Acquire, and before any is
        // INVALID, which is the kernel's work.
        cell.store(giving.0, Relaxed);
        crash_point!(thread, "slots.raised");
        bytes = arena.forget_slots(page);
        crash_point!(thread, "slots.forgotten");
        if bytes.is_some() {
            // ORDER: Release: after the memory is gone. It fails if somebody has taken a slot, or freed one, since.
            let _ = cell.compare_exchange(giving.0, giving.gone().0, Release, Relaxed);
        }
    }
    crash_point!(thread, "slots.gone");
    resolve_slot_page(thread, page)?;
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(bytes.unwrap_or(0))
}

/// The newest generation of the page's slots, once this thread has them all.
fn own_slots_of(thread: &Thread, page: u32) -> Result<Option<u64>> {
    let map = free_map::free_objects(thread.arena());
    let mut newest = 0;
    // From the end: others take from the front.
    for slot in slots_of(page).rev() {
        let Some(reserved) = try_reserve_slot(thread, slot)? else { return Ok(None) };
        map.taken(thread, slot, || is_free_slot(thread.arena(), slot))?;
        newest = newest.max(reserved.generation());
    }
    crash_point!(thread, "slots.owned");
    Ok((newest < PageWord::MOST).then_some(newest))
}

/// Whatever became of [`ListIntent::GivingSlotsBack`]: every slot of the page that this thread owns is FREE, and those that
/// are free are shown. Idempotent; recovery does the same in a dead thread's name.
pub(crate) fn resolve_slot_page(thread: &Thread, page: u32) -> Result<()> {
    let arena = thread.arena();
    let map = free_map::free_objects(arena);
    for slot in slots_of(page) {
        let lifecycle = lifecycle_of(arena, slot)?;
        if lifecycle.state() == LifecycleState::Reserved(thread.tag) {
            let (lifecycle, _) = begin_anew(thread, slot, lifecycle)?;
            // ORDER: Release: as whenever a slot is freed.
            arena.object(slot)?.lifecycle.store(lifecycle.freed().0, Release);
        }
        map.repair(thread, slot, || is_free_slot(arena, slot))?;
    }
    Ok(())
}

fn slots_of(page: u32) -> core::ops::Range<u32> {
    let first = page.saturating_mul(WORD_BITS as u32);
    first..first.saturating_add(WORD_BITS as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::memory::idle_memory::IdleMemory;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    const SLOTS: u32 = 2 * WORD_BITS as u32;

    fn stage() -> Thread {
        let config = Config { max_objects: SLOTS, max_processes: 1, ..Config::default() };
        let arena = Arc::new(Arena::create(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap()
    }

    /// Uses every slot once, and frees them all.
    fn burst(thread: &Thread) {
        let handles: Vec<_> = (0..SLOTS).map(|_| thread.create(ObjectClass::Event, 0).unwrap().0).collect();
        handles.iter().for_each(|handle| thread.close(thread.lookup(*handle).unwrap()).unwrap());
        thread.collect().unwrap();
    }

    fn give_back(thread: &Thread) -> u64 {
        IdleMemory::new().pass(thread, Unused::Now, &mut || true).unwrap()
    }

    fn words(thread: &Thread, slot: u32) -> (Lifecycle, State) {
        let object = thread.arena().object(slot).unwrap();
        (Lifecycle(object.lifecycle.load(Relaxed)), State(object.state[0].load(Relaxed)))
    }

    #[test]
    fn a_slot_begins_anew_with_a_new_generation() {
        let thread = stage();
        let mut seen = std::collections::BTreeSet::new();
        let mut newest = 0;
        for _ in 0..20 {
            let handles: Vec<_> =
                (0..SLOTS).map(|_| thread.create(ObjectClass::Event, 0).unwrap().0).collect();
            for slot in 0..SLOTS {
                let (lifecycle, state) = words(&thread, slot);
                assert!(lifecycle.generation() >= newest, "{} after {newest}", lifecycle.generation());
                assert!(seen.insert((slot, state.futex())), "a sleeper could take it for an earlier one");
            }
            newest = (0..SLOTS).map(|slot| words(&thread, slot).0.generation()).max().unwrap() + 1;
            handles.iter().for_each(|handle| thread.close(thread.lookup(*handle).unwrap()).unwrap());
            thread.collect().unwrap();
            assert!(give_back(&thread) > 0);
            assert!((0..SLOTS).all(|slot| words(&thread, slot).0 == Lifecycle(0)));
        }
    }

    #[test]
    fn a_page_in_use_stays() {
        let thread = stage();
        burst(&thread);
        let (event, _) = thread.create(ObjectClass::Event, 0).unwrap();
        let live = words(&thread, 0);
        assert!(give_back(&thread) > 0, "the other page");
        assert!(words(&thread, 0) == live);
        assert_eq!(words(&thread, 1).0.state(), LifecycleState::Free);
        assert_eq!(words(&thread, WORD_BITS as u32).0, Lifecycle(0));
        assert_eq!(give_back(&thread), 0, "nothing is given back twice");
        thread.close(thread.lookup(event).unwrap()).unwrap();
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }

    /// The map shows none of them yet.
    #[test]
    fn slots_are_taken_while_their_page_is_given_back() {
        let giver = stage();
        let taker = Thread::join(&giver.process).unwrap();
        burst(&giver);
        let page = SLOTS / WORD_BITS as u32 - 1;
        giver.set_list_intent(ListIntent::GivingSlotsBack { page }, 0);
        let newest = own_slots_of(&giver, page).unwrap().unwrap();
        let cell = giver.arena().slot_page(page as usize).unwrap();
        let giving = PageWord(cell.load(Relaxed)).giving(newest);
        cell.store(giving.0, Relaxed);
        giver.arena().forget_slots(page).unwrap();
        for _ in 0..SLOTS {
            taker.create(ObjectClass::Event, 0).unwrap();
        }
        assert!(cell.compare_exchange(giving.0, giving.gone().0, Relaxed, Relaxed).is_err());
        resolve_slot_page(&giver, page).unwrap();
        giver.set_list_intent(ListIntent::Idle, 0);
        assert!(giver.arena().audit().is_clean(), "{}", giver.arena().audit());
    }

    #[test]
    fn generations_that_come_round_soon_are_kept() {
        let thread = stage();
        burst(&thread);
        let lifecycle = &thread.arena().object(3).unwrap().lifecycle;
        lifecycle.store(Lifecycle(lifecycle.load(Relaxed)).of_generation(PageWord::MOST).0, Relaxed);
        assert!(give_back(&thread) > 0, "the other page");
        let (lifecycle, _) = words(&thread, 3);
        assert_eq!((lifecycle.state(), lifecycle.generation()), (LifecycleState::Free, PageWord::MOST + 1));
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }

    #[test]
    fn an_arena_whose_memory_cannot_be_given_back_goes_on() {
        let config = Config {
            max_objects: SLOTS,
            max_processes: 1,
            max_handles_per_process: 511,
            ..Config::default()
        };
        let arena = Arc::new(Arena::heap(&Config { pool_bytes: 4096, ..config }).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let thread = Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap();
        for _ in 0..3 {
            burst(&thread);
            assert_eq!(give_back(&thread), 0);
            assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
        }
    }
}
