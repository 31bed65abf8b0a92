//! The memory of free slots goes back to the system, one page of objects at a time, with the bodies and names of the
//! same slots. A page goes when all its slots have been free for a while.
//!
//! A page of objects has as many slots as a leaf of the map of free slots has bits. Each page has a word in another
//! section, which stays. It keeps the generation, which a slot must not forget, once for all slots of the page.
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
//! | generation | the giver, which owns all slots: higher than any of theirs | never; 0: never given back |
//! | LATELY | a thread that frees a slot of the page (a hint) | each pass |
//! | GIVING | the giver, with the generation | a taker of a slot of the page that begins anew; recovery |
//! | GONE | the giver, by CAS of GIVING, once the memory is gone | the same |
//!
//! The *giver* is the thread that gives the page back: the supervisor.
//!
//! Once the memory of a slot is gone, its lifecycle word reads as zero, INVALID. If the page's generation is not 0,
//! such a slot is as free as a FREE one and is taken by the same CAS. Its taker then has it *begin anew*.
//!
//! `docs/crash-recovery.md` ("Giving memory back to the system") lists the steps of both, from `slots.intended` to
//! `slot.anew`.
//!
//! No thread owns the other words of a free slot, and those that its next user relies on are zero: the words of its
//! rings (INV-LATE-1, and `free_directions`). Names count only for their koid. Other threads may still look at a slot's
//! `state` words without a hazard, so these begin at a value that depends on the generation. A sleeper that was stopped
//! before its sleep on an earlier object of the slot then finds another value, and does not sleep.
//!
//! INV-PAGE-1: memory is given back only of slots that are all RESERVED by this thread, under an intent that names the
//! page.
//! INV-PAGE-2: a slot that begins anew has a generation that it never had. Its taker reads the page's generation after
//! it has taken the slot, and the page cannot be given back again before that slot is free.
//! INV-PAGE-3: every slot of a page that is GONE is free, or is held by a thread that has not cleared GONE yet and
//! names the slot in its row. So whether a slot is free is known without touching its memory, which would make it real
//! again.
//! INV-PAGE-4: a slot below the high-water mark has an INVALID lifecycle word only if its page's generation is not 0.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::Slot;
use crate::arena::word::signals::State;
use crate::arena::word::{Field, debug_as_fields};
use crate::memory::decommit::Unused;
use crate::memory::free_map;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

/// A page's word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageWord(u64);

debug_as_fields!(PageWord { generation, is_lately_freed, is_giving, is_gone });

impl PageWord {
    const GENERATION: Field<0, 28> = Field;
    const LATELY: u64 = 1 << 32;
    const GIVING: u64 = 1 << 33;
    const GONE: u64 = 1 << 34;
    /// The highest generation of a page that is still given back. Beyond it the generations wrap around soon, and one
    /// could not tell which of a slot's generations are old. Such a page keeps its memory.
    const MOST: u64 = 0xff0_0000;

    fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    fn is_lately_freed(self) -> bool {
        self.0 & Self::LATELY != 0
    }

    fn is_giving(self) -> bool {
        self.0 & Self::GIVING != 0
    }

    fn is_gone(self) -> bool {
        self.0 & Self::GONE != 0
    }

    /// The page's word just before its memory goes.
    fn giving(self, newest: u64) -> Self {
        Self(Self::GIVING | Self::GENERATION.of(newest.max(self.generation()) + 1))
    }

    fn gone(self) -> Self {
        Self(self.0 & !Self::GIVING | Self::GONE)
    }
}

fn page_of(arena: &Arena, slot: Slot) -> Result<&AtomicU64> {
    arena.slot_page(slot.index() / WORD_BITS)
}

/// Whether the slot may be taken.
pub(crate) fn is_free_slot(arena: &Arena, slot: Slot) -> Result<bool> {
    // Relaxed: a caller that acts on the answer does so by a CAS of the slot's word, or has its order from the map.
    // GONE is looked at first, so that the slot's memory stays untouched (INV-PAGE-3).
    let page = PageWord(page_of(arena, slot)?.load(Relaxed));
    if page.is_gone() {
        return Ok(true);
    }
    let lifecycle = Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed));
    Ok(lifecycle.state() == LifecycleState::Free || lifecycle.0 == 0 && page.generation() != 0)
}

/// The slot's word. If its memory is gone this is INVALID, as the memory would read.
pub(crate) fn lifecycle_of(arena: &Arena, slot: Slot) -> Result<Lifecycle> {
    let is_gone = PageWord(page_of(arena, slot)?.load(Relaxed)).is_gone();
    Ok(if is_gone { Lifecycle(0) } else { Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed)) })
}

/// Marks the page of a slot that is being freed: its memory is not given back soon.
pub(crate) fn mark_slot_freed(arena: &Arena, slot: Slot) -> Result<()> {
    let page = page_of(arena, slot)?;
    // Relaxed: a hint. The load avoids a write, and so a move of the cache line, while the mark is there already.
    if !PageWord(page.load(Relaxed)).is_lately_freed() {
        page.fetch_or(PageWord::LATELY, Relaxed);
    }
    Ok(())
}

pub(crate) fn slot_generation(thread: &Thread, slot: Slot) -> Result<u64> {
    let lifecycle = lifecycle_of(thread.arena(), slot)?;
    let page = PageWord(page_of(thread.arena(), slot)?.load(Relaxed));
    Ok(if lifecycle.0 == 0 { page.generation() } else { lifecycle.generation() })
}

pub(crate) fn event_count(thread: &Thread, slot: Slot) -> Result<u32> {
    Ok(State(thread.arena().object(slot)?.state[0].load(Relaxed)).futex())
}

/// Takes the slot, if it is free. The caller's row names the slot or its page. A slot that was INVALID must then begin
/// anew.
pub(crate) fn try_reserve_slot(thread: &Thread, slot: Slot) -> Result<Option<Lifecycle>> {
    let lifecycle = &thread.arena().object(slot)?.lifecycle;
    let free = Lifecycle(lifecycle.load(Relaxed));
    let is_free = match free.state() {
        LifecycleState::Free => true,
        LifecycleState::Invalid => is_free_slot(thread.arena(), slot)?,
        _ => false,
    };
    let reserved = free.reserved(thread.tag);
    // ORDER: Acquire pairs with the Release of the thread that freed the slot: every part of it was given back, or the
    // page's generation was raised. Release: after the intent, in the order that recovery sees.
    let taken = is_free && lifecycle.compare_exchange(free.0, reserved.0, AcqRel, Relaxed).is_ok();
    Ok(taken.then_some(reserved))
}

/// Gives a slot that is RESERVED by this thread the generation of its page, if the slot's own is older: then its memory
/// was given back. Idempotent. Returns the slot's word, and whether the page was ever given back.
pub(crate) fn begin_anew(thread: &Thread, slot: Slot, reserved: Lifecycle) -> Result<(Lifecycle, bool)> {
    let page = page_of(thread.arena(), slot)?;
    // Relaxed: the taker's CAS has seen the giver's stores that made the slot INVALID, and the page is not given back
    // again before the slot is free (INV-PAGE-2).
    let word = PageWord(page.load(Relaxed));
    if word.is_giving() || word.is_gone() {
        // Relaxed: before the map says that the slot is taken, which is a Release.
        page.fetch_and(!(PageWord::GIVING | PageWord::GONE), Relaxed);
    }
    if reserved.generation() >= word.generation() {
        return Ok((reserved, word.generation() != 0));
    }
    let object = thread.arena().object(slot)?;
    // The states first, the generation last: after a death between them the generation is still older than the page's,
    // so recovery begins the slot anew once more.
    for state in &object.state {
        // ORDER: Release: as in `fill_slot` of `lifecycle/create.rs`.
        state.store(State::begun(word.generation()).0, Release);
    }
    let anew = reserved.of_generation(word.generation());
    // ORDER: Release: after the states, in the order that recovery sees.
    object.lifecycle.store(anew.0, Release);
    crash_point!(thread, "slot.anew");
    Ok((anew, true))
}

/// One pass over all pages, for as long as `go_on` says so. Returns how many bytes went back to the system, and whether
/// another pass would find more.
pub(crate) fn decommit_slots(
    thread: &Thread,
    unused: Unused,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(u64, bool)> {
    let (mut bytes, mut is_due) = (0, false);
    for page in 0..thread.arena().used_slots() as usize / WORD_BITS {
        let cell = thread.arena().slot_page(page)?;
        let word = PageWord(cell.load(Relaxed));
        let is_lately_freed = word.is_lately_freed();
        if is_lately_freed {
            cell.fetch_and(!PageWord::LATELY, Relaxed);
        }
        let all = u64::MAX >> (64 - WORD_BITS);
        if word.is_gone() || free_map::free_objects(thread.arena()).leaf(page) != all {
            continue;
        }
        if is_lately_freed && unused == Unused::ForAWhile || !go_on() {
            is_due = true;
            continue;
        }
        bytes += decommit_page(thread, page as u32)? as u64;
    }
    Ok((bytes, is_due))
}

fn decommit_page(thread: &Thread, page: u32) -> Result<usize> {
    let arena = thread.arena();
    thread.set_list_intent(ListIntent::DecommittingSlots { page }, 0);
    crash_point!(thread, "slots.intended");
    let mut bytes = None;
    if let Some(newest) = own_slots_of(thread, page)? {
        let cell = arena.slot_page(page as usize)?;
        // Relaxed: no other thread has a slot of the page, and no decision depends on the hint LATELY.
        let giving = PageWord(cell.load(Relaxed)).giving(newest);
        // Relaxed: after all slots are owned, which ended with an Acquire read-modify-write, and before any is INVALID,
        // which is the kernel's work.
        cell.store(giving.0, Relaxed);
        crash_point!(thread, "slots.raised");
        bytes = arena.forget_slots(page);
        crash_point!(thread, "slots.forgotten");
        if bytes.is_some() {
            // ORDER: Release: after the memory is gone. The CAS fails if another thread has taken or freed a slot
            // since: then the page is in use again and must not be GONE.
            let _ = cell.compare_exchange(giving.0, giving.gone().0, Release, Relaxed);
        }
    }
    crash_point!(thread, "slots.gone");
    resolve_slot_page(thread, page)?;
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(bytes.unwrap_or(0))
}

/// Takes all slots of the page and returns the newest of their generations.
fn own_slots_of(thread: &Thread, page: u32) -> Result<Option<u64>> {
    let map = free_map::free_objects(thread.arena());
    let mut newest = 0;
    // From the end, because other threads take the lowest free slot first.
    for slot in slots_of(page).rev() {
        let Some(reserved) = try_reserve_slot(thread, slot)? else { return Ok(None) };
        map.taken(thread, slot.0, || is_free_slot(thread.arena(), slot))?;
        newest = newest.max(reserved.generation());
    }
    crash_point!(thread, "slots.owned");
    Ok((newest < PageWord::MOST).then_some(newest))
}

/// Ends [`ListIntent::DecommittingSlots`], whether it succeeded or not: every slot of the page that this thread owns
/// becomes FREE, and the map shows the free ones. Idempotent; recovery does the same for a dead thread, under its tag.
pub(crate) fn resolve_slot_page(thread: &Thread, page: u32) -> Result<()> {
    let arena = thread.arena();
    let map = free_map::free_objects(arena);
    for slot in slots_of(page) {
        let lifecycle = lifecycle_of(arena, slot)?;
        if lifecycle.state() == LifecycleState::Reserved(thread.tag) {
            let (lifecycle, _) = begin_anew(thread, slot, lifecycle)?;
            // ORDER: Release: as for every slot that is freed.
            arena.object(slot)?.lifecycle.store(lifecycle.freed().0, Release);
        }
        map.repair(thread, slot.0, || is_free_slot(arena, slot))?;
    }
    Ok(())
}

fn slots_of(page: u32) -> impl DoubleEndedIterator<Item = Slot> {
    let first = page.saturating_mul(WORD_BITS as u32);
    (first..first.saturating_add(WORD_BITS as u32)).map(Slot)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::word::handle::Rights;
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
        let handles: Vec<_> =
            (0..SLOTS).map(|_| thread.create(ObjectClass::Event, Rights::empty()).unwrap().0).collect();
        handles.iter().for_each(|handle| thread.close(thread.lookup(*handle).unwrap()).unwrap());
        thread.collect().unwrap();
    }

    fn decommit(thread: &Thread) -> u64 {
        IdleMemory::new().pass(thread, Unused::Now, &mut || true).unwrap()
    }

    fn words(thread: &Thread, slot: Slot) -> (Lifecycle, State) {
        let object = thread.arena().object(slot).unwrap();
        (Lifecycle(object.lifecycle.load(Relaxed)), State(object.state[0].load(Relaxed)))
    }

    #[test]
    fn reused_slots_get_new_generations() {
        let thread = stage();
        let mut seen = std::collections::BTreeSet::new();
        let mut newest = 0;
        for _ in 0..20 {
            let handles: Vec<_> =
                (0..SLOTS).map(|_| thread.create(ObjectClass::Event, Rights::empty()).unwrap().0).collect();
            for slot in 0..SLOTS {
                let (lifecycle, state) = words(&thread, Slot(slot));
                assert!(lifecycle.generation() >= newest, "{} after {newest}", lifecycle.generation());
                assert!(seen.insert((slot, state.futex())), "a sleeper could mistake it for an earlier word");
            }
            newest = (0..SLOTS).map(|slot| words(&thread, Slot(slot)).0.generation()).max().unwrap() + 1;
            handles.iter().for_each(|handle| thread.close(thread.lookup(*handle).unwrap()).unwrap());
            thread.collect().unwrap();
            assert!(decommit(&thread) > 0);
            assert!((0..SLOTS).all(|slot| words(&thread, Slot(slot)).0 == Lifecycle(0)));
        }
    }

    #[test]
    fn a_page_in_use_stays() {
        let thread = stage();
        burst(&thread);
        let (event, _) = thread.create(ObjectClass::Event, Rights::empty()).unwrap();
        let live = words(&thread, Slot(0));
        assert!(decommit(&thread) > 0, "the other page");
        assert!(words(&thread, Slot(0)) == live);
        assert_eq!(words(&thread, Slot(1)).0.state(), LifecycleState::Free);
        assert_eq!(words(&thread, Slot(WORD_BITS as u32)).0, Lifecycle(0));
        assert_eq!(decommit(&thread), 0, "no page is given back twice");
        thread.close(thread.lookup(event).unwrap()).unwrap();
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }

    /// The map shows none of the slots yet.
    #[test]
    fn slots_are_taken_during_a_decommit() {
        let giver = stage();
        let taker = Thread::join(&giver.process).unwrap();
        burst(&giver);
        let page = SLOTS / WORD_BITS as u32 - 1;
        giver.set_list_intent(ListIntent::DecommittingSlots { page }, 0);
        let newest = own_slots_of(&giver, page).unwrap().unwrap();
        let cell = giver.arena().slot_page(page as usize).unwrap();
        let giving = PageWord(cell.load(Relaxed)).giving(newest);
        cell.store(giving.0, Relaxed);
        giver.arena().forget_slots(page).unwrap();
        for _ in 0..SLOTS {
            taker.create(ObjectClass::Event, Rights::empty()).unwrap();
        }
        assert!(cell.compare_exchange(giving.0, giving.gone().0, Relaxed, Relaxed).is_err());
        resolve_slot_page(&giver, page).unwrap();
        giver.set_list_intent(ListIntent::Idle, 0);
        assert!(giver.arena().audit().is_clean(), "{}", giver.arena().audit());
    }

    #[test]
    fn pages_near_generation_overflow_stay() {
        let thread = stage();
        burst(&thread);
        let lifecycle = &thread.arena().object(Slot(3)).unwrap().lifecycle;
        lifecycle.store(Lifecycle(lifecycle.load(Relaxed)).of_generation(PageWord::MOST).0, Relaxed);
        assert!(decommit(&thread) > 0, "the other page");
        let (lifecycle, _) = words(&thread, Slot(3));
        assert_eq!((lifecycle.state(), lifecycle.generation()), (LifecycleState::Free, PageWord::MOST + 1));
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }

    #[test]
    fn an_unreclaimable_arena_keeps_working() {
        let config = Config {
            max_objects: SLOTS,
            max_processes: 1,
            max_handles_per_process: 511,
            ..Config::default()
        };
        let thread = Thread::join(&Process::alone(&Config { pool_bytes: 4096, ..config })).unwrap();
        for _ in 0..3 {
            burst(&thread);
            assert_eq!(decommit(&thread), 0);
            assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
        }
    }
}
