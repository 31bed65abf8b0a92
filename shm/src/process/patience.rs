//! How long a wait spins before it sleeps.
//!
//! A spin that sees its event saves a sleep and a wake, which between two processors cost some 25 µs on a virtual
//! machine. A spin in vain burns a processor, and the thread that is waited for may need that very processor. So each
//! thread keeps what its last waits were like, and spins only if a spin is likely to see the event:
//!
//! | | the wait spins for |
//! |---|---|
//! | `set_spin` was called | that long; nothing adapts |
//! | the process may use one processor only | 0: it yields |
//! | the last sleep was ended from this thread's own processor, or the last yield succeeded | 0: it yields |
//! | the last spin was in vain | a glance, for 1, 3, 7, … up to 255 waits, twice as many after each further one |
//! | the last events came too late | a glance |
//! | else | one wake; two wakes if this thread has woken another since its last wait, which must wake before it answers |
//!
//! A glance is 1 µs: an answer of a running thread comes within that time, and it costs less than the system calls of a
//! sleep. Even a wait with no hope has one, so the thread notices when answers become fast.
//!
//! An event comes in time if the longest spin of that wait would have seen it. A wait that slept knows this too, because
//! the waker has left the time and its processor in the arena (`arena/record/wake`). So a thread that does not spin
//! learns that it should: two sides that both sleep for each other's wake find that the answers come within two wakes,
//! spin, and then answer each other without one system call. And the time of a wake is not assumed: each sleeper that
//! another processor woke corrects the arena's figure.
//!
//! With more runnable threads than processors, events seem fast while the thread sleeps, and do not come while it spins.
//! So the two are kept apart: only an event that was seen without a sleep ends the pause after spins in vain.
//!
//! Two threads that share a processor answer each other fastest if each yields it (`sched_yield`) until its event is there:
//! then neither sleeps, and neither has to be woken. A wait yields 8 times at most. A yield that returns at once found
//! no other thread to run, so the wait sleeps. A yield that lasts long gave the processor to a thread that keeps it, and
//! such a thread costs a whole time slice each time. So waits sleep at once then, for 512, 1,024, … up to 4,096 waits.
//!
//! A wait that lasts ends in a sleep without a limit. Idle threads use no processor.

use crate::arena::record::wake::Waker;
use core::cell::Cell;

/// The spin of a wait without hope, in nanoseconds.
pub(crate) const GLANCE_NS: i64 = 1_000;

/// The scale of the hope.
const MOST_HOPE: u8 = 7;

/// A spin pays from this hope on.
const ENOUGH_HOPE: u8 = 4;

/// The most doublings of the pause after spins in vain.
const MOST_VAIN: u8 = 8;

/// The most yields of a wait.
const MOST_YIELDS: u32 = 8;

/// A yield that returns earlier found no other thread; a system call alone takes less.
const YIELDED_NS: i64 = 1_000;

/// A yield that lasts longer gave the processor to a thread that keeps it. Time slices are longer than this.
const HOGGED_NS: i64 = 500_000;

/// The waits without a yield after one that lasted long, and the most doublings of their number.
const HOGGED_PAUSE: u16 = 512;
const MOST_HOGS: u8 = 3;

/// After so many yields that succeeded, the next one that lasts long is taken for the first.
const CALM: u16 = 1024;

/// The plan of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How long it spins.
    pub(crate) spin_ns: i64,
    /// How often it yields its processor afterwards.
    pub(crate) yields: u32,
    /// An event within this time comes in time.
    in_time_ns: i64,
}

/// What a thread remembers of its waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    /// One up for each event in time, one down for each other.
    hope: u8,
    /// How many spins in succession were in vain.
    vain: u8,
    /// For so many waits there is no spin but a glance.
    pause: u16,
    /// The last sleep was ended from the processor that this thread woke on.
    shares_processor: bool,
    /// This thread has woken another one since its last wait.
    has_woken: bool,
    /// For so many waits there is no yield.
    no_yields: u16,
    /// How many yields lasted long, with few between them that succeeded.
    hogs: u8,
    /// How many yields have succeeded since.
    calm: u16,
}

/// The threads that ran during a yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yielded {
    /// Threads that soon gave the processor back.
    Others,
    /// None: no other thread was ready to run here.
    Nobody,
    /// One that kept the processor.
    Hog,
}

impl Yielded {
    /// By the time that it took.
    pub(crate) fn within(took_ns: i64) -> Self {
        match took_ns {
            ..YIELDED_NS => Self::Nobody,
            HOGGED_NS.. => Self::Hog,
            _ => Self::Others,
        }
    }
}

impl Memory {
    /// One event in time makes a new thread spin.
    const NEW: Self = Self {
        hope: ENOUGH_HOPE - 1,
        vain: 0,
        pause: 0,
        shares_processor: false,
        has_woken: false,
        no_yields: 0,
        hogs: 0,
        calm: 0,
    };

    /// The plan of the next wait, where a wake takes `wake_ns`, and the memory from then on.
    fn plan(self, wake_ns: i64) -> (Plan, Self) {
        let in_time_ns = if self.has_woken { wake_ns.saturating_mul(2) } else { wake_ns };
        let after = Self {
            shares_processor: false,
            has_woken: false,
            pause: self.pause.saturating_sub(1),
            no_yields: self.no_yields.saturating_sub(1),
            ..self
        };
        let yields = if self.shares_processor && self.no_yields == 0 { MOST_YIELDS } else { 0 };
        let spin_ns = match self {
            Self { shares_processor: true, .. } => 0,
            Self { pause: 1.., .. } | Self { hope: ..ENOUGH_HOPE, .. } => GLANCE_NS,
            _ => in_time_ns,
        };
        (Plan { spin_ns, yields, in_time_ns }, after)
    }

    /// The spin has seen the event.
    fn caught(self) -> Self {
        Self { vain: 0, pause: 0, ..self.hoping(true) }
    }

    /// The spin has not seen the event.
    fn missed(self, plan: Plan) -> Self {
        if plan.spin_ns < plan.in_time_ns {
            return self;
        }
        let vain = (self.vain + 1).min(MOST_VAIN);
        Self { vain, pause: (1 << vain) - 1, ..self }
    }

    /// A yield was over, and the event was there or not.
    fn yielded(self, to: Yielded, has_event: bool) -> Self {
        match to {
            Yielded::Hog => {
                let hogs = if self.calm >= CALM { 0 } else { self.hogs };
                let no_yields = HOGGED_PAUSE << hogs;
                Self { no_yields, hogs: (hogs + 1).min(MOST_HOGS), calm: 0, ..self }
            }
            _ if has_event => {
                Self { shares_processor: true, calm: self.calm.saturating_add(1), ..self.hoping(true) }
            }
            _ => self,
        }
    }

    /// The wait has slept.
    fn slept(self, was_in_time: bool, shares_processor: bool) -> Self {
        Self { shares_processor, ..self.hoping(was_in_time) }
    }

    fn hoping(self, was_in_time: bool) -> Self {
        let hope = if was_in_time { (self.hope + 1).min(MOST_HOPE) } else { self.hope.saturating_sub(1) };
        Self { hope, ..self }
    }
}

/// A sleep that is over, and its waker, where that is known.
#[derive(Clone, Copy, Debug)]
struct Sleep(Option<Waker>);

/// A thread's patience.
#[derive(Debug)]
pub(crate) struct Patience {
    /// What `set_spin` said.
    fixed_ns: Cell<Option<i64>>,
    memory: Cell<Memory>,
    /// The only processor is shared.
    is_alone: bool,
    /// The last sleep of this wait, if there was one.
    sleep: Cell<Option<Sleep>>,
}

impl Patience {
    /// That of a new thread.
    pub(crate) fn new(is_alone: bool) -> Self {
        Self { fixed_ns: Cell::new(None), memory: Cell::new(Memory::NEW), is_alone, sleep: Cell::new(None) }
    }

    /// From now on every wait spins for so long.
    pub(crate) fn fix(&self, spin_ns: i64) {
        self.fixed_ns.set(Some(spin_ns.max(0)));
    }

    /// The plan of the next wait.
    pub(crate) fn plan(&self, wake_ns: i64) -> Plan {
        if let Some(spin_ns) = self.fixed_ns.get() {
            return Plan { spin_ns, yields: 0, in_time_ns: spin_ns };
        }
        self.sleep.set(None);
        let memory = self.memory.get();
        let shares_processor = memory.shares_processor || self.is_alone;
        let (plan, memory) = Memory { shares_processor, ..memory }.plan(wake_ns);
        self.memory.set(memory);
        plan
    }

    /// The spin has seen the event.
    pub(crate) fn caught(&self) {
        self.memory.set(self.memory.get().caught());
    }

    /// The spin has not seen the event.
    pub(crate) fn missed(&self, plan: Plan) {
        self.memory.set(self.memory.get().missed(plan));
    }

    /// A yield was over, and the event was there or not.
    pub(crate) fn yielded(&self, to: Yielded, has_event: bool) {
        self.memory.set(self.memory.get().yielded(to, has_event));
    }

    /// A sleep was ended by this waker.
    pub(crate) fn woken_by(&self, waker: Option<Waker>) {
        self.sleep.set(Some(Sleep(waker)));
    }

    /// A wait that began at `start_ns`, and whose spin has not seen the event, is over.
    pub(crate) fn ended(&self, plan: Plan, start_ns: i64) {
        // If the event came before the thread slept, the wait says nothing.
        let Some(Sleep(waker)) = self.sleep.get() else { return };
        let was_in_time = waker.is_some_and(|waker| waker.at_ns.saturating_sub(start_ns) <= plan.in_time_ns);
        let shares_processor = waker.is_some_and(|waker| waker.is_on_this_processor);
        self.memory.set(self.memory.get().slept(was_in_time, shares_processor));
    }

    /// This thread wakes another.
    pub(crate) fn wakes_another(&self) {
        self.memory.set(Memory { has_woken: true, ..self.memory.get() });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const WAKE_NS: i64 = 20_000;
    const HOPEFUL: Memory = Memory { hope: ENOUGH_HOPE, ..Memory::NEW };

    fn spin_ns(memory: Memory) -> i64 {
        memory.plan(WAKE_NS).0.spin_ns
    }

    /// The next wait spins, if at all, in vain, and its event comes in time or not.
    fn sleep(memory: Memory, was_in_time: bool, shares_processor: bool) -> Memory {
        let (plan, after) = memory.plan(WAKE_NS);
        after.missed(plan).slept(was_in_time, shares_processor)
    }

    #[test]
    fn new_threads_spin_after_one_event() {
        assert_eq!(spin_ns(Memory::NEW), GLANCE_NS);
        assert_eq!(spin_ns(Memory::NEW.caught()), WAKE_NS);
        assert_eq!(spin_ns(sleep(Memory::NEW, true, false)), WAKE_NS);
    }

    #[test]
    fn late_events_leave_a_glance() {
        let mut memory = Memory { hope: MOST_HOPE, ..Memory::NEW };
        for _ in 0..4 {
            memory = Memory { pause: 0, ..sleep(memory, false, false) };
        }
        assert_eq!(spin_ns(memory), GLANCE_NS);
        assert_eq!(spin_ns(memory.caught()), WAKE_NS);
    }

    #[test]
    fn woken_threads_get_a_wake_more() {
        let woke = Memory { has_woken: true, ..HOPEFUL };
        let (plan, after) = woke.plan(WAKE_NS);
        assert_eq!(plan, Plan { spin_ns: 2 * WAKE_NS, yields: 0, in_time_ns: 2 * WAKE_NS });
        assert_eq!(spin_ns(after), WAKE_NS);
    }

    #[test]
    fn shared_processors_are_handed_over_once() {
        let (plan, after) = HOPEFUL.slept(true, true).plan(WAKE_NS);
        assert_eq!((plan.spin_ns, plan.yields), (0, MOST_YIELDS));
        // A wait without a spin is none in vain.
        assert_eq!((after.missed(plan), spin_ns(after)), (after, WAKE_NS));
    }

    #[test]
    fn vain_spins_pause_for_longer_and_longer() {
        let mut memory = HOPEFUL;
        for pause in [1, 3, 7, 15, 31, 63, 127, 255, 255] {
            assert_eq!(spin_ns(memory), WAKE_NS);
            for _ in 0..=pause {
                assert!(spin_ns(memory) != GLANCE_NS || memory.pause > 0);
                // The event comes in time, but only once the thread sleeps.
                memory = sleep(memory, true, false);
            }
        }
        assert_eq!((spin_ns(memory), memory.caught().vain), (WAKE_NS, 0));
    }

    #[test]
    fn fixed_spins_do_not_adapt() {
        let patience = Patience::new(false);
        patience.fix(7);
        for _ in 0..20 {
            let plan = patience.plan(WAKE_NS);
            assert_eq!(plan.spin_ns, 7);
            patience.missed(plan);
            patience.ended(plan, 0);
        }
        patience.fix(-1);
        assert_eq!(patience.plan(WAKE_NS).spin_ns, 0);
    }

    #[test]
    fn lone_processors_see_no_spin() {
        let patience = Patience::new(true);
        for _ in 0..10 {
            patience.caught();
            assert_eq!((patience.plan(WAKE_NS).spin_ns, patience.plan(WAKE_NS).yields), (0, MOST_YIELDS));
        }
    }

    #[test]
    fn yields_go_on_while_they_succeed() {
        let mut memory = HOPEFUL.slept(true, true);
        for _ in 0..10 {
            let (plan, after) = memory.plan(WAKE_NS);
            assert_eq!((plan.spin_ns, plan.yields), (0, MOST_YIELDS));
            memory = after.yielded(Yielded::Others, true);
        }
        let (_, after) = memory.plan(WAKE_NS);
        assert_eq!(after.yielded(Yielded::Nobody, false).plan(WAKE_NS).0.yields, 0);
    }

    #[test]
    fn hogs_end_the_yields_for_long() {
        let mut memory = HOPEFUL;
        for pause in [512, 1024, 2048, 4096, 4096] {
            memory = memory.yielded(Yielded::within(HOGGED_NS), true);
            for _ in 0..pause {
                let (plan, after) = Memory { shares_processor: true, ..memory }.plan(WAKE_NS);
                assert_eq!((plan.spin_ns, plan.yields), (0, 0));
                memory = after;
            }
            assert_eq!(Memory { shares_processor: true, ..memory }.plan(WAKE_NS).0.yields, MOST_YIELDS);
        }
        for _ in 0..CALM {
            memory = memory.yielded(Yielded::within(2 * YIELDED_NS), true);
        }
        assert_eq!(memory.yielded(Yielded::Hog, false).no_yields, HOGGED_PAUSE);
    }

    #[test]
    fn unknown_wakers_count_as_late() {
        let patience = Patience::new(false);
        patience.caught();
        let plan = patience.plan(WAKE_NS);
        patience.ended(plan, 0);
        // It has not slept.
        assert_eq!(patience.plan(WAKE_NS), plan);
        patience.woken_by(None);
        patience.ended(plan, 0);
        assert_eq!(patience.plan(WAKE_NS).spin_ns, GLANCE_NS);
        patience.woken_by(Some(Waker { at_ns: 100 + WAKE_NS, is_on_this_processor: false }));
        patience.ended(plan, 100);
        assert_eq!(patience.plan(WAKE_NS).spin_ns, WAKE_NS);
    }

    #[test]
    fn hostile_times_overflow_nothing() {
        let patience = Patience::new(false);
        for (at_ns, start_ns) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            patience.wakes_another();
            let plan = patience.plan(i64::MAX);
            patience.woken_by(Some(Waker { at_ns, is_on_this_processor: true }));
            patience.missed(plan);
            patience.ended(plan, start_ns);
        }
    }
}
