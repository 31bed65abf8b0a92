//! Scenes of ports: packets that are queued and taken, observers that come, fire and go.

use super::super::ports::*;
use super::*;

pub const SCENES: &[Scene] = &[
    QUEUEING,
    QUEUEING_TOO_MUCH,
    TAKING_A_PACKET,
    OBSERVING_WITH_A_SHARED_PORT,
    OBSERVING_A_SHARED_EVENT,
    OBSERVING_WHAT_IS_ASSERTED,
    SIGNALLING_AN_OBSERVED_EVENT,
    WRITING_TO_AN_OBSERVED_END,
    CLOSING_AN_OBSERVED_HANDLE,
    REPLACING_AN_OBSERVED_HANDLE,
    CANCELLING,
    ENDING_A_PORT,
    ENDING_AN_OBSERVED_EVENT,
    SETTING_AN_OBSERVED_TIMER,
    WAITING_FOR_A_DUE_TIMER,
];

const EVERY_STEP_OF_QUEUEING: &[&str] =
    &["queue.*", "part.intended", "part.linked", "part.bound", "port.placed", "port.passed", "port.queued"];

fn config() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 4096;
    })
}

/// A victim and a survivor that each have a handle to one object.
fn sharing(class: ObjectClass, prepare: impl FnOnce(&Thread, HandleValue)) -> Actors {
    let supervisor = first(&config());
    let shared = supervisor.create(class, ALL).unwrap().0;
    prepare(&supervisor, shared);
    let copy = supervisor.duplicate(find(&supervisor, shared), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(shared));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

fn shared_port() -> Actors {
    sharing(ObjectClass::Port, |_, _| {})
}

/// The victim has a port of its own.
fn with_victims_port(mut actors: Actors) -> Actors {
    actors.victims.push(create_port(&actors.victim));
    actors
}

/// The survivor has a port of its own.
fn with_survivors_port(mut actors: Actors) -> Actors {
    actors.survivors.push(create_port(&actors.survivor));
    actors
}

/// The packets of the victim come whole or not at all, and others go on.
fn at_most_one_packet(survivor: &Thread, survivors: &[HandleValue]) {
    let packets = next_all(survivor, survivors[0]);
    assert!(packets.iter().filter(|key| **key == 1).count() <= 1, "{packets:?}");
    queue(survivor, survivors[0], 9).unwrap();
    assert_eq!(next_all(survivor, survivors[0]), [9]);
    close_all(survivor, survivors);
}

pub const QUEUEING: Scene = Scene {
    name: "queueing the first packet of a port",
    points: EVERY_STEP_OF_QUEUEING,
    setup: shared_port,
    act: |victim, victims| queue(victim, victims[0], 1),
    // `port.rs` has the models of two senders. Here the first blocks of the port must be the victim's.
    beside: nothing,
    after: at_most_one_packet,
};

pub const QUEUEING_TOO_MUCH: Scene = Scene {
    name: "queueing a packet that finds the ring full, and taking all",
    points: &["port.overflowed", "port.refilled"],
    setup: || {
        // The event's observers have their packets at once.
        sharing(ObjectClass::Port, |supervisor, port| {
            let event = create_event(supervisor);
            supervisor.signal(find(supervisor, event), Signals::empty(), USER).unwrap();
            observe(supervisor, event, port, once(3, USER)).unwrap();
            observe(supervisor, event, port, once(4, USER)).unwrap();
            supervisor.close_value(event).unwrap();
        })
    },
    act: |victim, victims| {
        queue(victim, victims[0], 1)?;
        for _ in 0..3 {
            match victim.port_wait(victims[0], Rights::empty(), 0) {
                Ok(_) | Err(Error::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    },
    beside: nothing,
    after: at_most_one_packet,
};

pub const TAKING_A_PACKET: Scene = Scene {
    name: "taking a packet",
    points: &["port.taken", "port.packet", "port.emptied"],
    setup: || sharing(ObjectClass::Port, |supervisor, port| queue(supervisor, port, 1).unwrap()),
    act: |victim, victims| match victim.port_wait(victims[0], Rights::empty(), 0) {
        Err(Error::TimedOut) => Ok(()),
        taken => taken.map(drop),
    },
    beside: |survivor, survivors| {
        queue(survivor, survivors[0], 2).unwrap();
        Vec::new()
    },
    after: |survivor, survivors| {
        let packets = next_all(survivor, survivors[0]);
        assert!([&[1, 2][..], &[2], &[1], &[]].contains(&&packets[..]), "{packets:?}");
        queue(survivor, survivors[0], 9).unwrap();
        assert_eq!(next_all(survivor, survivors[0]), [9]);
        close_all(survivor, survivors);
    },
};

pub const OBSERVING_WITH_A_SHARED_PORT: Scene = Scene {
    name: "registering an observer with a port that others have too",
    points: &["observe.reserved", "observe.shown", "observe.armed", "observe.named"],
    setup: shared_port,
    act: |victim, victims| {
        let event = create_event(victim);
        observe(victim, event, victims[0], once(1, USER))?;
        victim.signal(find(victim, event), Signals::empty(), USER)
    },
    beside: nothing,
    after: at_most_one_packet,
};

pub const OBSERVING_A_SHARED_EVENT: Scene = Scene {
    name: "registering two observers of an event that others signal",
    points: &[
        "observe.indexed",
        "observe.named",
        "observe.reserved",
        "observe.shown",
        "observe.armed",
        "observe.fired",
        "index.intended",
        "index.linked",
        "index.bound",
    ],
    setup: || with_victims_port(shared_event_of(config())),
    act: |victim, victims| {
        observe(victim, victims[0], victims[1], repeating(1, USER))?;
        observe(victim, victims[0], victims[1], repeating(2, USER))
    },
    beside: |survivor, survivors| {
        survivor.signal(find(survivor, survivors[0]), Signals::empty(), USER).unwrap();
        Vec::new()
    },
    after: event_is_ours_alone,
};

fn shared_event_of(_: Config) -> Actors {
    sharing(ObjectClass::Event, |_, _| {})
}

pub const OBSERVING_WHAT_IS_ASSERTED: Scene = Scene {
    name: "registering an observer that has its packet at once",
    points: &["observe.reserved", "observe.at_once"],
    setup: shared_port,
    act: |victim, victims| {
        let event = create_event(victim);
        victim.signal(find(victim, event), Signals::empty(), USER)?;
        observe(victim, event, victims[0], once(1, USER))
    },
    beside: nothing,
    after: at_most_one_packet,
};

pub const SIGNALLING_AN_OBSERVED_EVENT: Scene = Scene {
    name: "setting and clearing a signal that ports observe",
    points: &["signal.*", "evaluate.*", "port.placed", "port.passed", "port.queued"],
    setup: || {
        let actors = with_survivors_port(shared_event_of(config()));
        let [event, port] = actors.survivors[..] else { unreachable!() };
        observe(&actors.survivor, event, port, once(1, USER)).unwrap();
        observe(&actors.survivor, event, port, repeating(2, USER)).unwrap();
        actors
    },
    act: |victim, victims| {
        victim.signal(find(victim, victims[0]), Signals::empty(), USER)?;
        victim.signal(find(victim, victims[0]), USER, Signals::empty())
    },
    beside: nothing,
    after: |survivor, survivors| {
        let [event, port] = survivors else { unreachable!() };
        let mut packets = next_all(survivor, *port);
        packets.sort_unstable();
        // Either both have fired, or the signal was never set: then they fire now.
        if packets.is_empty() {
            assert!(survivor.signals_of(*event).unwrap().is_empty());
            survivor.signal(find(survivor, *event), Signals::empty(), USER).unwrap();
            packets = next_all(survivor, *port);
            packets.sort_unstable();
        }
        assert_eq!(packets, [1, 2]);
        close_all(survivor, survivors);
    },
};

pub const WRITING_TO_AN_OBSERVED_END: Scene = Scene {
    name: "writing to an end that a port observes",
    points: &["send.sent", "send.published", "evaluate.fired", "evaluate.walked"],
    setup: || {
        let actors = with_survivors_port(actors_of(&config()));
        let [end, port] = actors.survivors[..] else { unreachable!() };
        let wait = repeating(1, Signals::READABLE);
        observe(&actors.survivor, end, port, wait).unwrap();
        actors
    },
    act: |victim, victims| victim.send_value(victims[0], &message(1, 1)),
    beside: nothing,
    after: |survivor, survivors| {
        let [end, port] = survivors else { unreachable!() };
        let packets = next_all(survivor, *port);
        let readable = survivor.try_receive(*end).is_ok();
        assert_eq!(packets.is_empty(), !readable, "a message is announced");
        close_all(survivor, survivors);
    },
};

pub const CLOSING_AN_OBSERVED_HANDLE: Scene = Scene {
    name: "closing a handle with observers",
    points: &["close.*", "observe.ended"],
    setup: || {
        let actors = with_victims_port(shared_event_of(config()));
        observe(&actors.victim, actors.victims[0], actors.victims[1], once(1, USER)).unwrap();
        observe(&actors.victim, actors.victims[0], actors.victims[1], repeating(2, USER)).unwrap();
        actors
    },
    act: |victim, victims| victim.close_value(victims[0]),
    beside: |survivor, survivors| {
        survivor.signal(find(survivor, survivors[0]), Signals::empty(), USER).unwrap();
        Vec::new()
    },
    after: event_is_ours_alone,
};

pub const REPLACING_AN_OBSERVED_HANDLE: Scene = Scene {
    name: "replacing a handle with observers",
    points: &["move.*", "replace.*", "observe.ended"],
    setup: || {
        let actors = with_victims_port(shared_event_of(config()));
        observe(&actors.victim, actors.victims[0], actors.victims[1], once(1, USER)).unwrap();
        actors
    },
    act: |victim, victims| victim.replace(find(victim, victims[0]), ALL).map(drop),
    beside: nothing,
    after: event_is_ours_alone,
};

pub const CANCELLING: Scene = Scene {
    name: "cancelling an observer",
    points: &["observe.ended"],
    setup: || {
        let actors = with_victims_port(shared_event_of(config()));
        observe(&actors.victim, actors.victims[0], actors.victims[1], once(1, USER)).unwrap();
        actors
    },
    act: |victim, victims| {
        victim.port_cancel(find(victim, victims[1]), find(victim, victims[0]), 1).map(drop)
    },
    beside: |survivor, survivors| {
        survivor.signal(find(survivor, survivors[0]), Signals::empty(), USER).unwrap();
        Vec::new()
    },
    after: event_is_ours_alone,
};

pub const ENDING_A_PORT: Scene = Scene {
    name: "closing and reclaiming a port with an observer and a packet",
    points: &["part.leaving", "part.unlinked"],
    setup: || {
        let actors = with_victims_port(shared_event_of(config()));
        observe(&actors.victim, actors.victims[0], actors.victims[1], once(1, USER)).unwrap();
        queue(&actors.victim, actors.victims[1], 2).unwrap();
        actors
    },
    act: |victim, victims| {
        victim.close_value(victims[1])?;
        victim.reclaim().map(drop)
    },
    beside: |survivor, survivors| {
        survivor.signal(find(survivor, survivors[0]), Signals::empty(), USER).unwrap();
        Vec::new()
    },
    after: event_is_ours_alone,
};

pub const ENDING_AN_OBSERVED_EVENT: Scene = Scene {
    name: "closing and reclaiming an event that was observed",
    points: &["index.leaving", "index.unlinked"],
    setup: || {
        let mut actors = shared_port();
        actors.victims.push(create_event(&actors.victim));
        let [port, event] = actors.victims[..] else { unreachable!() };
        observe(&actors.victim, event, port, once(1, USER)).unwrap();
        observe(&actors.victim, event, port, once(2, USER)).unwrap();
        actors
    },
    act: |victim, victims| {
        victim.close_value(victims[1])?;
        victim.reclaim().map(drop)
    },
    beside: nothing,
    after: at_most_one_packet,
};

/// A victim and a survivor that share a timer, which the survivor's port observes.
fn observed_timer() -> Actors {
    let actors = with_survivors_port(sharing(ObjectClass::Timer, |_, _| {}));
    let [timer, port] = actors.survivors[..] else { unreachable!() };
    let wait = repeating(1, Signals::SIGNALED);
    observe(&actors.survivor, timer, port, wait).unwrap();
    actors
}

/// The timer fires once when it is set to a time that has passed, also if it was set to another time before.
fn timer_fires_once(survivor: &Thread, survivors: &[HandleValue]) {
    let [timer, port] = survivors else { unreachable!() };
    next_all(survivor, *port);
    survivor.timer_set(find(survivor, *timer), ALL, i64::MAX).unwrap();
    assert_eq!(next(survivor, *port), None);
    survivor.timer_set(find(survivor, *timer), ALL, 0).unwrap();
    assert_eq!(next_all(survivor, *port), [1]);
    close_all(survivor, survivors);
}

pub const SETTING_AN_OBSERVED_TIMER: Scene = Scene {
    name: "setting a timer that a port observes",
    points: &["timer.changed", "deadline.lowered", "evaluate.walked"],
    setup: || {
        time_passes(true);
        observed_timer()
    },
    act: |victim, victims| victim.timer_set(find(victim, victims[0]), ALL, DUE_NS),
    beside: nothing,
    after: timer_fires_once,
};

pub const WAITING_FOR_A_DUE_TIMER: Scene = Scene {
    name: "waiting at a port whose timer is due",
    points: &["deadline.fired", "evaluate.fired", "port.placed"],
    setup: || {
        time_passes(true);
        let supervisor = first(&config());
        let port = create_port(&supervisor);
        let copy = supervisor.duplicate(find(&supervisor, port), ALL).unwrap();
        let (victim, process_slot) = child_with_slot(&supervisor, Some(port));
        let survivor = child(&supervisor, Some(copy));
        let (theirs, ours) = (startup(&victim), startup(&survivor));
        let timer = survivor.create(ObjectClass::Timer, ALL).unwrap().0;
        let wait = repeating(1, Signals::SIGNALED);
        observe(&survivor, timer, ours, wait).unwrap();
        survivor.timer_set(find(&survivor, timer), ALL, DUE_NS).unwrap();
        pass_time_until(DUE_NS);
        Actors {
            supervisor,
            victim,
            process_slot,
            victims: vec![theirs],
            survivor,
            survivors: vec![timer, ours],
        }
    },
    act: |victim, victims| match victim.port_wait(victims[0], Rights::empty(), 0) {
        Err(Error::TimedOut) => Ok(()),
        taken => taken.map(drop),
    },
    beside: nothing,
    after: timer_fires_once,
};
