//! Pages of object slots. A page's memory goes back to the system once all of its slots are free, and is allocated again
//! when one of them is taken.

use crate::operation::fixture::{Fixture, startup_channel};
use crate::operation::memory::blocks::decommit_idle_memory;
use crate::operation::memory::slots::SLOTS_PER_WORD;
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The operations on pages.
pub fn operations() -> Vec<OperationSpec> {
    vec![decommit(), create_anew()]
}

/// One page is given back, and no blocks.
fn decommit() -> OperationSpec {
    /// Takes more slots than the first page has. The other pages were given back before.
    fn use_second_page() {
        // The slots that a thread has retired are free once it has ended.
        std::thread::spawn(|| drop((0..SLOTS_PER_WORD).map(|_| Event::create()).collect::<Vec<_>>()))
            .join()
            .unwrap();
    }
    fn once() -> impl FnMut() -> bool {
        let mut is_first = true;
        move || std::mem::take(&mut is_first)
    }
    let guarantee = "slots whose memory was going back are free, and usable";
    decommit_idle_memory("decommit_slots", guarantee, use_second_page, once)
        .check(|fixture, _| fixture.check_capacity(0, 0))
}

/// The first objects of a page that has been given back.
fn create_anew() -> OperationSpec {
    OperationSpec::new(
        "create_in_decommitted_page",
        "a slot whose memory was given back is new, or free as before",
    )
    // Measuring the capacity includes a collection, which gives all unused pages back.
    .set_up(Fixture::measuring_capacity)
    .prepare(|| {
        let control = startup_channel();
        let supervisor = Supervisor::get().unwrap();
        let mut events = Vec::new();
        // The lowest slots are taken first: these events and one more take the whole first page.
        while supervisor.inspect().objects < SLOTS_PER_WORD - 1 {
            events.push(Event::create());
        }
        let name = Name::new_lossy("a name of some length");
        move || {
            events.extend([Event::create(), Event::create()]);
            (Channel::create_named(&name).unwrap(), events, control)
        }
    })
    .check(|fixture, _| fixture.check_capacity(0, 0))
}
