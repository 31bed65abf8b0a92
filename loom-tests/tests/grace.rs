//! Grace periods: a value that was taken out of a table is freed when no thread uses it any more.

mod support;

use jacinth_shm_loom::{Grace, Inside, Retired, SparseTable, Turn, Visits};
use loom::sync::Arc;
use support::*;

/// Notices when one thread frees a value that another uses, and neither comes before the other. It outlives its value, so that a
/// model can tell of a use too late.
type Probe = std::sync::Arc<loom::cell::UnsafeCell<()>>;

fn using(probe: &Probe) {
    probe.with(|_| ());
}

/// A value of the table.
#[derive(Default)]
struct Value(Probe);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.with_mut(|_| ());
    }
}

/// A table, and the grace periods that guard its values.
struct GuardedTable {
    /// For the table, which is beyond loom.
    turn: Turn,
    grace: Grace<Retired>,
    table: SparseTable<Value>,
}

impl GuardedTable {
    /// A table with a value at its first place.
    fn new() -> Arc<Self> {
        let table = SparseTable::new(1);
        let grace = Grace::default();
        table.get_or_make(0, &grace.visit());
        Arc::new(Self { turn: Turn::default(), grace, table })
    }

    /// Finds the value, if it is there, and uses it.
    fn look(&self, inside: &Inside<'_>) {
        self.find(inside).iter().for_each(using);
    }

    fn find(&self, inside: &Inside<'_>) -> Option<Probe> {
        self.turn.take();
        self.table.get(0, inside).map(|value| value.0.clone())
    }

    fn retire(&self) {
        self.turn.take();
        self.free(self.table.take([0]));
    }

    fn free(&self, retired: Vec<Retired>) {
        let unused = self.grace.retire(retired);
        // SAFETY: all users of the table are inside by this grace.
        unsafe { self.table.free(unused) };
    }

    /// How many values wait after another look.
    fn look_again(&self) -> usize {
        self.free(Vec::new());
        self.grace.waiting()
    }
}

/// `visit` beside a thread that takes the value out, and looks again whether it can be freed.
fn visit_during_retire(preemptions: usize, visit: fn(&GuardedTable, &Visits)) {
    model_with_one_sided_barriers(preemptions, move || {
        let guarded = GuardedTable::new();
        let visits = guarded.grace.join();
        let visitor = loom::thread::spawn({
            let (guarded, visits) = (guarded.clone(), visits.clone());
            move || visit(&guarded, &visits)
        });
        guarded.retire();
        guarded.look_again();
        visitor.join().unwrap();
        assert_eq!(guarded.look_again(), 0, "no thread is inside");
    });
}

/// INV-GRACE-1 and 2.
#[test]
fn value_is_freed_after_last_use() {
    visit_during_retire(4, |guarded, visits| guarded.look(&visits.enter()));
}

#[test]
fn returning_thread_finds_no_value() {
    visit_during_retire(3, |guarded, visits| {
        guarded.look(&visits.enter());
        guarded.look(&visits.enter());
    });
}

#[test]
fn nested_visit_ends_no_visit() {
    visit_during_retire(3, |guarded, visits| {
        let outer = visits.enter();
        let found = guarded.find(&outer);
        drop(visits.enter());
        found.iter().for_each(using);
    });
}

#[test]
fn visitor_without_a_word_is_waited_for() {
    visit_during_retire(4, |guarded, _| guarded.look(&guarded.grace.visit()));
}

/// In models there is one word for guests: the second is counted.
#[test]
fn visitor_beyond_capacity_is_waited_for() {
    visit_during_retire(3, |guarded, _| {
        let guest = guarded.grace.visit();
        let other = guarded.grace.visit();
        drop(guest);
        guarded.look(&other);
    });
}

/// A thread that joins late finds no value.
#[test]
fn a_thread_that_joins_meanwhile_is_safe() {
    visit_during_retire(3, |guarded, _| {
        let visits = guarded.grace.join();
        guarded.look(&visits.enter());
        guarded.grace.part(&visits);
    });
}
