//! A page of objects: its memory goes back to the system once all of its slots are free, and is real again for the next
//! that takes one of them.

use crate::operation::memory::blocks::giver;
use crate::operation::memory::slots::LEAF;
use crate::operation::{Operation, Scene, startup};
use jacinth::*;

pub(crate) fn operations() -> Vec<Operation> {
    vec![give_back(), create_anew()]
}

/// One page is given back, and no blocks.
fn give_back() -> Operation {
    /// With what there is anyway, more than the first page has room for. The others were given back before.
    fn use_second_page() {
        // What an ended thread has retired is free.
        std::thread::spawn(|| drop((0..LEAF).map(|_| Event::create()).collect::<Vec<_>>())).join().unwrap();
    }
    fn once() -> impl FnMut() -> bool {
        let mut is_first = true;
        move || std::mem::take(&mut is_first)
    }
    let claim = "slots whose memory was going back are free, and can be used";
    giver("give_slots_back", claim, use_second_page, once).check(|scene, _| scene.has_room(0, 0))
}

/// The first objects of a page that has been given back.
fn create_anew() -> Operation {
    Operation::new(
        "create_in_page_given_back",
        "a slot whose memory had gone begins anew, or is free as before",
    )
    // The survivor's room is found out by a collection, which gives all pages back that are not in use.
    .set(Scene::with_room)
    .prepare(|| {
        let line = startup();
        let supervisor = Supervisor::get().unwrap();
        let mut events = Vec::new();
        // The lowest slots are taken first: with these and one more, all of the first page.
        while supervisor.inspect().objects < LEAF - 1 {
            events.push(Event::create());
        }
        let name = Name::new_lossy("a name of some length");
        move || {
            events.extend([Event::create(), Event::create()]);
            (Channel::create_named(&name).unwrap(), events, line)
        }
    })
    .check(|scene, _| scene.has_room(0, 0))
}
