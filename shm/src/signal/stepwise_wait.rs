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
    /// It yields its processor ([`StepwiseWait::give_way`]), and looks again.
    Yield,
    /// It sleeps.
    Sleep,
}

/// A wait that may be going on. Its event loop has one; the calling thread's patience decides.
#[derive(Debug, Default)]
pub(crate) struct StepwiseWait(State);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The last look has found an event, or none was made.
    #[default]
    Working,
    /// So many looks after an event have found none. What the event has set in motion comes first, so the wait has not begun.
    Done(u8),
    Spinning(Wait),
    /// So many yields are left. The last one lasted `took_ns`.
    Yielding {
        wait: Wait,
        left: u32,
        took_ns: i64,
    },
    /// Since `since_ns`.
    Sleeping {
        wait: Wait,
        since_ns: i64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    plan: Plan,
    start_ns: i64,
}

impl StepwiseWait {
    /// A look has found an event. The wait is over; if the loop slept, it did so on the word.
    pub(crate) fn found(&mut self, thread: &Thread, word: &AtomicU64) {
        match std::mem::take(&mut self.0) {
            State::Working | State::Done(_) => {}
            State::Spinning(_) => thread.patience.caught(),
            State::Yielding { took_ns, .. } => thread.patience.yielded(Yielded::within(took_ns), true),
            State::Sleeping { wait, since_ns } => {
                thread.patience.woken_by(wake::waker(thread, std::iter::once(word), since_ns));
                thread.patience.ended(wait.plan, wait.start_ns);
            }
        }
    }

    /// A look has found no event.
    pub(crate) fn found_none(&mut self, thread: &Thread) -> Next {
        let (next, state) = match self.0 {
            State::Working => (Next::Soon, State::Done(1)),
            State::Done(looks @ ..LOOKS_OF_WORK) => (Next::Soon, State::Done(looks + 1)),
            State::Done(_) => {
                let plan = thread.patience.plan(wake::typical_ns(thread));
                Self::spin(thread, Wait { plan, start_ns: sync::now_ns() })
            }
            State::Spinning(wait) => Self::spin(thread, wait),
            State::Yielding { wait, left, took_ns } => {
                let to = Yielded::within(took_ns);
                thread.patience.yielded(to, false);
                Self::yield_or_sleep(wait, if to == Yielded::Others { left } else { 0 })
            }
            State::Sleeping { .. } => (Next::Sleep, self.0),
        };
        self.0 = state;
        next
    }

    fn spin(thread: &Thread, wait: Wait) -> (Next, State) {
        let (now_ns, until_ns) = (sync::now_ns(), wait.start_ns.saturating_add(wait.plan.spin_ns));
        if now_ns < until_ns {
            return (Next::Glance(until_ns.min(now_ns.saturating_add(GLANCE_NS))), State::Spinning(wait));
        }
        thread.patience.missed(wait.plan);
        Self::yield_or_sleep(wait, wait.plan.yields)
    }

    fn yield_or_sleep(wait: Wait, left: u32) -> (Next, State) {
        match left.checked_sub(1) {
            Some(left) => (Next::Yield, State::Yielding { wait, left, took_ns: 0 }),
            None => (Next::Sleep, State::Sleeping { wait, since_ns: sync::now_ns() }),
        }
    }

    /// Yields the processor.
    pub(crate) fn give_way(&mut self) {
        let before_ns = sync::now_ns();
        sync::yield_processor();
        if let State::Yielding { took_ns, .. } = &mut self.0 {
            *took_ns = sync::now_ns().saturating_sub(before_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;

    fn joined() -> Thread {
        Thread::join(&Process::alone_with_few_channels()).unwrap()
    }

    /// The steps of a wait whose event does not come, after the looks of work.
    fn steps_until_sleep(thread: &Thread, wait: &mut StepwiseWait) -> Vec<Next> {
        (0..LOOKS_OF_WORK).for_each(|_| assert_eq!(wait.found_none(thread), Next::Soon));
        let mut steps = Vec::new();
        loop {
            steps.push(wait.found_none(thread));
            match steps.last() {
                Some(Next::Glance(until_ns)) => while sync::now_ns() < *until_ns {},
                Some(Next::Yield) => wait.give_way(),
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
        let (thread, mut wait, word) = (joined(), StepwiseWait::default(), AtomicU64::new(0));
        thread.set_spin_ns(0);
        assert_eq!(steps_until_sleep(&thread, &mut wait), [Next::Sleep]);
        wait.found(&thread, &word);
        thread.set_spin_ns(10 * GLANCE_NS);
        let before_ns = sync::now_ns();
        let steps = steps_until_sleep(&thread, &mut wait);
        assert!(sync::now_ns() - before_ns >= 10 * GLANCE_NS);
        assert!(steps.iter().rev().skip(1).all(|step| matches!(step, Next::Glance(_))), "{steps:?}");
        assert!(steps.len() > 1);
    }

    /// Whether the next wait spins for longer than a glance.
    fn hopes(thread: &Thread) -> bool {
        thread.patience.plan(wake::typical_ns(thread)).spin_ns > GLANCE_NS
    }

    #[test]
    fn caught_events_give_hope() {
        let (thread, mut wait) = (joined(), StepwiseWait::default());
        while !matches!(wait.found_none(&thread), Next::Glance(_)) {}
        wait.found(&thread, &AtomicU64::new(0));
        assert!(hopes(&thread));
    }

    /// A sleep that a stamp explains, or that none does.
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
    fn stamps_in_time_give_hope() {
        // On a loaded machine one may come too late.
        assert!((0..1000).any(|_| hopes_after_sleep(true)));
        assert!(!hopes_after_sleep(false));
    }
}
