//! Scenes of listeners: handles offered and accepted, clients that wait for room, a listener that ends.

use super::directory::shared_directory;
use super::*;
use crate::support::names::*;

pub const SCENES: &[Scene] = &[
    OFFERING,
    OFFERING_TO_A_CLOSER,
    ACCEPTING,
    ACCEPTING_FOR_A_WAITING_CLIENT,
    ENDING_A_LISTENER,
    COLLECTING_A_LISTENER,
];

/// The survivor serves a name; the victim has an end to offer, and the survivor the other one.
fn served_by_survivor() -> Actors {
    let mut actors = shared_directory();
    let Actors { victim, survivor, victims, survivors, .. } = &mut actors;
    let listener = serve(survivor, survivors[0], "a").unwrap();
    let [near, far] = create_channel(survivor);
    connect(survivor, survivors[0], "a", far).unwrap();
    survivors.extend([listener, near]);
    let end = survivor.accept(find(survivor, listener)).unwrap().value;
    // The victim gets the end by a listener of its own.
    let theirs = serve(victim, victims[0], "b").unwrap();
    connect(survivor, survivors[0], "b", end).unwrap();
    victims.push(accept(victim, theirs).unwrap().value);
    victim.close_value(theirs).unwrap();
    actors
}

/// The victim serves the name, and the survivor has a handle to the listener too; so many events are queued.
fn served_by_both(queued: usize) -> Actors {
    let mut actors = shared_directory();
    let Actors { victim, survivor, victims, survivors, .. } = &mut actors;
    let listener = serve(victim, victims[0], "a").unwrap();
    connect(victim, victims[0], "a", duplicate(victim, listener)).unwrap();
    let theirs = accept(victim, listener).unwrap().value;
    let ours = serve(survivor, survivors[0], "b").unwrap();
    connect(victim, victims[0], "b", theirs).unwrap();
    survivors.push(accept(survivor, ours).unwrap().value);
    survivor.close_value(ours).unwrap();
    for _ in 0..queued {
        connect(survivor, survivors[0], "a", create_event(survivor)).unwrap();
    }
    victims.push(listener);
    actors
}

pub const OFFERING: Scene = Scene {
    name: "offering an end to a server",
    points: &["offer.*", "move.*"],
    setup: served_by_survivor,
    act: |victim, victims| connect(victim, victims[0], "a", victims[1]),
    beside: |survivor, survivors| accept(survivor, survivors[1]).into_iter().map(|end| end.value).collect(),
    after: |survivor, survivors| {
        // The end comes with its rights, from the client or from recovery, or is closed.
        if let Some(end) = accept(survivor, survivors[1]) {
            survivor.send_value(end.value, &message(1, 1)).unwrap();
            assert_eq!(survivor.try_receive(survivors[2]).unwrap().bytes, message(1, 1));
            survivor.close_value(end.value).unwrap();
        }
        close_all(survivor, survivors);
    },
};

pub const OFFERING_TO_A_CLOSER: Scene = Scene {
    name: "offering an end to a listener that ends",
    points: &["offer.*", "move.committed"],
    setup: served_by_survivor,
    act: |victim, victims| match connect(victim, victims[0], "a", victims[1]) {
        Err(Error::NotFound | Error::ShouldWait) => victim.close_value(victims[1]),
        connected => connected,
    },
    beside: |survivor, survivors| {
        // Without preemptions the victim comes first; `listener.rs` has the race.
        loom::thread::yield_now();
        survivor.close_value(survivors[1]).unwrap();
        Vec::new()
    },
    after: |survivor, survivors| peer_of_offer_is_closed(survivor, &[survivors[0], survivors[2]]),
};

fn peer_of_offer_is_closed(survivor: &Thread, survivors: &[HandleValue]) {
    assert_eq!(survivor.signals_of(survivors[1]).unwrap() & PEER_CLOSED, PEER_CLOSED);
    close_all(survivor, survivors);
}

pub const ACCEPTING: Scene = Scene {
    name: "accepting one of two handles",
    points: &["accept.*"],
    setup: || served_by_both(2),
    act: |victim, victims| victim.accept(find(victim, victims[1])).map(drop),
    beside: |survivor, survivors| {
        accept(survivor, survivors[1]).into_iter().map(|event| event.value).collect()
    },
    after: |survivor, survivors| {
        while let Some(event) = accept(survivor, survivors[1]) {
            survivor.close_value(event.value).unwrap();
        }
        close_all(survivor, survivors);
    },
};

pub const ACCEPTING_FOR_A_WAITING_CLIENT: Scene = Scene {
    name: "accepting a handle from a full queue",
    // Before the commit, a death leaves the survivor asleep: the queue is full.
    points: &["accept.committed", "accept.live", "room.cleared"],
    setup: || served_by_both(2),
    act: ACCEPTING.act,
    beside: |survivor, survivors| {
        connect_when_served(survivor, survivors[0], "a", create_event(survivor)).unwrap();
        Vec::new()
    },
    after: ACCEPTING.after,
};

pub const ENDING_A_LISTENER: Scene = Scene {
    name: "closing a listener whose queue is full",
    points: &["queued.closed", "part.leaving", "part.unlinked", "release.cleared", "release.done"],
    setup: || {
        let mut actors = shared_directory();
        let Actors { victim, survivor, victims, survivors, .. } = &mut actors;
        victims.push(serve(victim, victims[0], "a").unwrap());
        let [near, far] = create_channel(survivor);
        connect(survivor, survivors[0], "a", far).unwrap();
        connect(survivor, survivors[0], "a", create_event(survivor)).unwrap();
        survivors.push(near);
        actors
    },
    act: |victim, victims| {
        victim.close_value(victims[1])?;
        victim.reclaim().map(drop)
    },
    beside: |survivor, survivors| {
        let event = create_event(survivor);
        let connected = connect(survivor, survivors[0], "a", event);
        assert!(matches!(connected, Err(Error::NotFound | Error::ShouldWait)), "{connected:?}");
        vec![event]
    },
    after: peer_of_offer_is_closed,
};

pub const COLLECTING_A_LISTENER: Scene = Scene {
    name: "collecting a listener and an end that hold each other",
    points: &["cycle.closed", "queued.closed", "release.cleared"],
    setup: || {
        let mut actors = shared_directory();
        let Actors { survivor, survivors, .. } = &mut actors;
        let listener = serve(survivor, survivors[0], "a").unwrap();
        let [near, far] = create_channel(survivor);
        connect(survivor, survivors[0], "a", far).unwrap();
        connect(survivor, survivors[0], "a", create_event(survivor)).unwrap();
        survivor.transfer_value(near, &[], &[listener]).unwrap();
        survivors.push(near);
        actors
    },
    act: |victim, _| victim.collect_cycles().map(drop),
    beside: nothing,
    after: |survivor, survivors| {
        survivor.collect_cycles().unwrap();
        peer_of_offer_is_closed(survivor, survivors);
    },
};
