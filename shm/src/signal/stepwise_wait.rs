//! The adaptive wait in steps, for an event loop: between two looks at the port the loop does other work.
//!
//! `object/wait` is the same in one piece, for a thread: it spins, yields its processor, and sleeps, each for as long as
//! `process/patience` says.

use crate::process::patience::{GLANCE_NS, Plan, Yielded};
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::{self, AtomicU64};

/// After an event, so many looks may find none before the wait begins: one while the tasks run that the event has woken, and one
/// while those run that a loop puts off until no other is ready.
const LOOKS_OF_WORK: u8 = 2;

/// What an event loop does after a look that has found no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It does its other work, and looks again.
    Soon,
    /// It looks again until this time, which costs no more than one look at the kernel's events, and does its other work.
    Glance(i64),
    /// It yields its processor, looks again, and tells what came of it ([`StepwiseWait::yielded`]).
    Yield,
    /// It sleeps.
    Sleep,
}

/// A wait that may be going on. Its event loop has one; the calling thread's patience decides.
///
/// Several threads of a loop share it. Their steps then make up one wait: it may be longer or shorter than planned, and teach
/// the patience of one thread what another has seen. It always ends in a sleep, unless a look finds an event.
#[derive(Debug, Default)]
pub(crate) struct StepwiseWait(State);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The last look has found an event, or none was made.
    #[default]
    Working,
    /// So many looks after an event have found none. What the event has set in motion comes first, so the wait has not begun.
    Done(u8),
    /// The glances so far add up to `spun_ns`. The rest of the time went to other work.
    Spinning { wait: Wait, spun_ns: i64 },
    /// So many yields are left.
    Yielding { wait: Wait, left: u32 },
    /// Since `since_ns`.
    Sleeping { wait: Wait, since_ns: i64 },
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    plan: Plan,
    start_ns: i64,
}

impl Wait {
    fn spins_until_ns(self) -> i64 {
        self.start_ns.saturating_add(self.plan.spin_ns)
    }
}

impl StepwiseWait {
    /// A look has found an event. The wait is over; if the loop slept, it did so on the word.
    pub(crate) fn found(&mut self, thread: &Thread, word: &AtomicU64) {
        match core::mem::take(&mut self.0) {
            State::Spinning { wait, .. } if sync::now_ns() <= wait.spins_until_ns() => {
                thread.patience.caught()
            }
            State::Sleeping { wait, since_ns } => {
                thread.patience.woken_by(wake::waker(thread, core::iter::once(word), since_ns));
                thread.patience.ended(wait.plan, wait.start_ns);
            }
            // During other work: nothing tells whether a spin would have seen it.
            State::Working | State::Done(_) | State::Spinning { .. } | State::Yielding { .. } => {}
        }
    }

    /// A look that belongs to no step has found an event, or one between the decision to sleep and the sleep. That says nothing
    /// about the wait.
    pub(crate) fn forget(&mut self) {
        self.0 = State::Working;
    }

    /// A look has found no event.
    pub(crate) fn found_none(&mut self, thread: &Thread) -> Next {
        let (next, state) = match self.0 {
            State::Working => (Next::Soon, State::Done(1)),
            State::Done(looks @ ..LOOKS_OF_WORK) => (Next::Soon, State::Done(looks + 1)),
            State::Done(_) => {
                let plan = thread.patience.plan(wake::typical_ns(thread));
                let start_ns = sync::now_ns();
                Self::spin(thread, Wait { plan, start_ns }, 0, start_ns)
            }
            State::Spinning { wait, spun_ns } => Self::spin(thread, wait, spun_ns, sync::now_ns()),
            State::Yielding { wait, left } => Self::yield_or_sleep(wait, left),
            State::Sleeping { .. } => (Next::Sleep, self.0),
        };
        self.0 = state;
        next
    }

    fn spin(thread: &Thread, wait: Wait, spun_ns: i64, now_ns: i64) -> (Next, State) {
        let left_ns = wait.spins_until_ns().saturating_sub(now_ns);
        if left_ns > 0 {
            let glance_ns = left_ns.min(GLANCE_NS);
            let state = State::Spinning { wait, spun_ns: spun_ns.saturating_add(glance_ns) };
            return (Next::Glance(now_ns.saturating_add(glance_ns)), state);
        }
        // If the time went to other work, the spin was not in vain.
        if spun_ns >= wait.plan.spin_ns / 2 {
            thread.patience.missed(wait.plan);
        }
        Self::yield_or_sleep(wait, wait.plan.yields)
    }

    fn yield_or_sleep(wait: Wait, left: u32) -> (Next, State) {
        match left.checked_sub(1) {
            Some(left) => (Next::Yield, State::Yielding { wait, left }),
            None => (Next::Sleep, State::Sleeping { wait, since_ns: sync::now_ns() }),
        }
    }

    /// A yield of the processor took so long, and the look afterwards has found an event or not.
    pub(crate) fn yielded(&mut self, thread: &Thread, took_ns: i64, has_found: bool) {
        let to = Yielded::within(took_ns);
        thread.patience.yielded(to, has_found);
        match &mut self.0 {
            _ if has_found => self.forget(),
            State::Yielding { left, .. } if to != Yielded::Others => *left = 0,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use crate::process::patience::Patience;

    /// As on a machine with several processors, also on one that has one.
    fn joined() -> Thread {
        let mut thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        thread.patience = Patience::new(false);
        thread
    }

    /// The steps of a wait without an event, after the looks of work.
    fn steps_until_sleep(thread: &Thread, wait: &mut StepwiseWait) -> Vec<Next> {
        (0..LOOKS_OF_WORK).for_each(|_| assert_eq!(wait.found_none(thread), Next::Soon));
        let mut steps = Vec::new();
        loop {
            steps.push(wait.found_none(thread));
            match steps.last() {
                Some(Next::Glance(until_ns)) => while sync::now_ns() < *until_ns {},
                Some(Next::Yield) => wait.yielded(thread, 10_000, false),
                Some(Next::Soon) => panic!("work does not come twice"),
                Some(Next::Sleep) | None => return steps,
            }
        }
    }

    #[test]
    fn waits_end_in_a_sleep_that_stays() {
        let (thread, mut wait, word) = (joined(), StepwiseWait::default(), AtomicU64::new(0));
        for _ in 0..3 {
            assert_eq!(steps_until_sleep(&thread, &mut wait).last(), Some(&Next::Sleep));
            assert_eq!(wait.found_none(&thread), Next::Sleep, "woken without an event");
            wait.found(&thread, &word);
        }
    }

    #[test]
    fn spin_has_its_length() {
        let (thread, mut wait) = (joined(), StepwiseWait::default());
        thread.set_spin_ns(0);
        assert_eq!(steps_until_sleep(&thread, &mut wait), [Next::Sleep]);
        wait.forget();
        thread.set_spin_ns(10 * GLANCE_NS);
        let before_ns = sync::now_ns();
        let steps = steps_until_sleep(&thread, &mut wait);
        assert!(sync::now_ns() - before_ns >= 10 * GLANCE_NS);
        assert!(steps.iter().rev().skip(1).all(|step| matches!(step, Next::Glance(_))), "{steps:?}");
        assert!(steps.len() > 1);
    }

    /// A thread that shares its processor yields it while that goes to others who soon give it back.
    #[test]
    fn yields_end_with_their_success() {
        let mut thread = joined();
        thread.patience = Patience::new(true);
        let mut wait = StepwiseWait::default();
        let steps = steps_until_sleep(&thread, &mut wait);
        assert!(steps.len() > 2 && steps.iter().rev().skip(1).all(|step| *step == Next::Yield), "{steps:?}");
        // No other thread was ready.
        wait.forget();
        while wait.found_none(&thread) != Next::Yield {}
        wait.yielded(&thread, 0, false);
        assert_eq!(wait.found_none(&thread), Next::Sleep);
        // The event came.
        wait.forget();
        while wait.found_none(&thread) != Next::Yield {}
        wait.yielded(&thread, 10_000, true);
        assert_eq!(wait.found_none(&thread), Next::Soon);
    }

    /// Whether the next wait spins for longer than a glance.
    fn hopes(thread: &Thread) -> bool {
        thread.patience.plan(wake::typical_ns(thread)).spin_ns > GLANCE_NS
    }

    /// A wait that ends with an event, seen by a glance or later.
    fn hopes_after_spin(is_in_time: bool) -> bool {
        let (thread, mut wait) = (joined(), StepwiseWait::default());
        loop {
            if let Next::Glance(until_ns) = wait.found_none(&thread) {
                while !is_in_time && sync::now_ns() <= until_ns {}
                wait.found(&thread, &AtomicU64::new(0));
                return hopes(&thread);
            }
        }
    }

    /// A wait that sleeps. A waker leaves a stamp, or none does.
    fn hopes_after_sleep(has_stamp: bool) -> bool {
        let (thread, mut wait, word) = (joined(), StepwiseWait::default(), AtomicU64::new(0));
        steps_until_sleep(&thread, &mut wait);
        if has_stamp {
            let elsewhere = sync::processor() + 1;
            thread.arena().header().wakes.note_wake(&word, sync::now_ns(), elsewhere);
        }
        wait.found(&thread, &word);
        hopes(&thread)
    }

    #[test]
    fn events_in_time_give_hope() {
        // On a loaded machine one may come too late.
        assert!((0..1000).any(|_| hopes_after_spin(true)));
        assert!((0..1000).any(|_| hopes_after_sleep(true)));
        assert!(!hopes_after_spin(false));
        assert!(!hopes_after_sleep(false));
    }
}
