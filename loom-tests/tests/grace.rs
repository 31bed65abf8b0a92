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

struct House {
    /// For the table, which is beyond loom.
    turn: Turn,
    grace: Grace<Retired>,
    table: SparseTable<Value>,
}

impl House {
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
fn visit_while_it_goes(preemptions: usize, visit: fn(&House, &Visits)) {
    model_with_one_sided_barriers(preemptions, move || {
        let house = House::new();
        let visits = house.grace.join();
        let visitor = loom::thread::spawn({
            let (house, visits) = (house.clone(), visits.clone());
            move || visit(&house, &visits)
        });
        house.retire();
        house.look_again();
        visitor.join().unwrap();
        assert_eq!(house.look_again(), 0, "nobody is inside");
    });
}

/// INV-GRACE-1 and 2.
#[test]
fn value_is_freed_after_last_use() {
    visit_while_it_goes(4, |house, visits| house.look(&visits.enter()));
}

#[test]
fn returning_thread_finds_no_value() {
    visit_while_it_goes(3, |house, visits| {
        house.look(&visits.enter());
        house.look(&visits.enter());
    });
}

#[test]
fn nested_visit_ends_no_visit() {
    visit_while_it_goes(3, |house, visits| {
        let outer = visits.enter();
        let found = house.find(&outer);
        drop(visits.enter());
        found.iter().for_each(using);
    });
}

#[test]
fn visitor_without_a_word_is_waited_for() {
    visit_while_it_goes(4, |house, _| house.look(&house.grace.visit()));
}

/// In models there is one word for guests: the second is counted.
#[test]
fn visitor_beyond_capacity_is_waited_for() {
    visit_while_it_goes(3, |house, _| {
        let guest = house.grace.visit();
        let other = house.grace.visit();
        drop(guest);
        house.look(&other);
    });
}

/// A thread that joins late finds no value.
#[test]
fn a_thread_that_joins_meanwhile_is_safe() {
    visit_while_it_goes(3, |house, _| {
        let visits = house.grace.join();
        house.look(&visits.enter());
        house.grace.part(&visits);
    });
}
