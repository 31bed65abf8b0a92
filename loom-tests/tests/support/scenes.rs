//! Scenes of a death: a victim that does one thing, a survivor beside it, and what must hold afterwards.

use super::points::*;
use super::*;

/// Who takes part.
pub struct Cast {
    /// Will recover the victim.
    pub supervisor: Thread,
    /// Will die, if the plan says so; and its handles.
    pub victim: Thread,
    pub seat: Seat,
    pub victims: Vec<u32>,
    /// Goes on; and its handles, all of which it closes in `after`.
    pub survivor: Thread,
    pub survivors: Vec<u32>,
}

/// One scene. Whatever happens in it, after `after` nothing is left.
#[derive(Clone, Copy)]
pub struct Scene {
    pub name: &'static str,
    /// Where the victim may die: each point is reached in this scene.
    pub points: &'static [&'static [&'static str]],
    pub stage: fn() -> Cast,
    /// What the victim does.
    pub act: fn(&Thread, &[u32]) -> Result<()>,
    /// What the survivor does meanwhile. Gives the handles that it made.
    pub beside: fn(&Thread, &[u32]) -> Vec<u32>,
    /// What the survivor finds once the victim has been recovered.
    pub after: fn(&Thread, &[u32]),
}

/// When the victim is to die.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    pub name: &'static str,
    pub nth: u32,
}

fn config() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 1024;
    })
}

/// A supervisor, a victim that has one end of a channel and a survivor that has the other.
fn connected_cast() -> Cast {
    let supervisor = first(&config());
    let (near, far) = supervisor.create(Shape::Channel, CHANNEL, ALL).unwrap();
    let (victim, seat) = child_with_seat(&supervisor, Some(near));
    let survivor = child(&supervisor, far);
    let (near, far) = (startup(&victim), startup(&survivor));
    Cast { supervisor, victim, seat, victims: vec![near], survivor, survivors: vec![far] }
}

/// A victim and a survivor that each have a handle to one event.
fn shared_event() -> Cast {
    let supervisor = first(&config());
    let (event, _) = supervisor.create(Shape::Single, EVENT, ALL).unwrap();
    let copy = supervisor.duplicate(find(&supervisor, event), ALL).unwrap();
    let (victim, seat) = child_with_seat(&supervisor, Some(event));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Cast { supervisor, victim, seat, victims: vec![theirs], survivor, survivors: vec![ours] }
}

fn add_event(thread: &Thread, handles: &mut Vec<u32>) {
    handles.push(thread.create(Shape::Single, EVENT, ALL).unwrap().0);
}

fn nothing(_: &Thread, _: &[u32]) -> Vec<u32> {
    Vec::new()
}

/// The survivor's handle is the only one left of the event.
fn event_is_ours_alone(survivor: &Thread, survivors: &[u32]) {
    let basic = survivor.basic(find(survivor, survivors[0])).unwrap();
    assert_eq!((basic.handles, basic.kind), (1, EVENT));
    close_all(survivor, survivors);
}

/// The other side is seen to be closed, and then this one is.
fn peer_is_closed(survivor: &Thread, survivors: &[u32]) {
    // Nothing comes to light after PEER_CLOSED was seen: no message that committed was passed over.
    let late = survivor.try_receive(survivors[0]);
    assert_eq!(late.map(|inbox| inbox.bytes).unwrap_err(), Error::PeerClosed);
    assert_eq!(survivor.signals_of(survivors[0]).unwrap() & PEER_CLOSED, PEER_CLOSED);
    assert_eq!(survivor.send_value(survivors[0], &[1]), Err(Error::PeerClosed));
    close_all(survivor, survivors);
}

fn close_all(thread: &Thread, handles: &[u32]) {
    for handle in handles {
        thread.close_value(*handle).unwrap();
    }
}

/// One more reference to the shared event comes and goes.
fn count_up_and_down(survivor: &Thread, survivors: &[u32]) -> Vec<u32> {
    let copy = survivor.duplicate(find(survivor, survivors[0]), ALL).unwrap();
    survivor.close_value(copy).unwrap();
    Vec::new()
}

/// Takes a slot.
fn create_an_event(survivor: &Thread, _: &[u32]) -> Vec<u32> {
    vec![survivor.create(Shape::Single, EVENT, ALL).unwrap().0]
}

/// Writes to the other side, or finds it closed.
fn send_or_find_closed(survivor: &Thread, survivors: &[u32]) -> Vec<u32> {
    let sent = survivor.send_value(survivors[0], &message(4, 1));
    assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
    Vec::new()
}

/// Sleeps until the other side is closed.
fn await_the_end(survivor: &Thread, survivors: &[u32]) -> Vec<u32> {
    let (result, pending) = wait(survivor, survivors[0], PEER_CLOSED);
    assert_eq!((result, pending & PEER_CLOSED), (Ok(()), PEER_CLOSED));
    Vec::new()
}

/// Reads messages 1, 2, 3 … of `words` words until the other side is closed: each is whole, none is missing
/// between two others, and its handles are live.
fn read_to_the_end(survivor: &Thread, survivors: &[u32], words: usize) -> Vec<u32> {
    let mut number = 1;
    loop {
        match survivor.receive_next(survivors[0]) {
            Ok(received) => {
                assert_eq!(received.bytes, message(number, words));
                for handle in received.handles {
                    let basic = survivor.basic(find(survivor, handle.value)).unwrap();
                    assert_eq!((basic.kind, basic.rights, handle.kind), (EVENT, ALL, EVENT));
                    survivor.close_value(handle.value).unwrap();
                }
                number += 1;
            }
            Err(error) => {
                assert_eq!(error, Error::PeerClosed);
                return Vec::new();
            }
        }
    }
}

pub const CLOSING_A_SHARED_HANDLE: Scene = Scene {
    name: "closing a handle to a shared event",
    points: &[CLOSE, COUNT],
    stage: shared_event,
    act: |victim, victims| victim.close_value(victims[0]),
    beside: count_up_and_down,
    after: event_is_ours_alone,
};

pub const DUPLICATING: Scene = Scene {
    name: "duplicating a handle to a shared event",
    points: &[DUPLICATE, COUNT],
    stage: shared_event,
    act: |victim, victims| victim.duplicate(find(victim, victims[0]), ALL).map(drop),
    beside: count_up_and_down,
    after: event_is_ours_alone,
};

pub const CLOSING_A_SIDE: Scene = Scene {
    name: "closing the last handle to a side",
    points: &[CLOSE, COUNT, DYING],
    stage: connected_cast,
    act: |victim, victims| victim.close_value(victims[0]),
    beside: await_the_end,
    after: peer_is_closed,
};

pub const CLOSING_A_FULL_SIDE: Scene = Scene {
    name: "closing an end for which messages with handles are queued",
    points: &[CLOSE, COUNT, DYING, DRAIN],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.survivor, &mut cast.survivors);
        add_event(&cast.survivor, &mut cast.survivors);
        let event = cast.survivors.pop().unwrap();
        cast.survivor.transfer_value(cast.survivors[0], &message(1, 1), &[event]).unwrap();
        cast
    },
    act: |victim, victims| victim.close_value(victims[0]),
    beside: |survivor, survivors| {
        let sent = survivor.transfer_value(survivors[0], &message(2, 1), &[survivors[1]]);
        assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
        Vec::new()
    },
    after: |survivor, survivors| peer_is_closed(survivor, &survivors[..1]),
};

pub const CREATING: Scene = Scene {
    name: "creating a channel",
    points: &[CREATE],
    stage: shared_event,
    act: |victim, _| victim.create(Shape::Channel, CHANNEL, ALL).map(drop),
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const REPLACING: Scene = Scene {
    name: "replacing a handle to an end",
    points: &[MOVE, REPLACE],
    stage: connected_cast,
    act: |victim, victims| victim.replace(find(victim, victims[0]), ALL).map(drop),
    beside: await_the_end,
    after: peer_is_closed,
};

pub const LEAVING_A_STARTUP_HANDLE: Scene = Scene {
    name: "leaving an end to a child that is never started",
    points: &[MOVE, STARTUP],
    stage: connected_cast,
    act: |victim, victims| {
        let seat = victim.process().arena().reserve_seat(victim).unwrap();
        victim.leave_startup_handle(find(victim, victims[0]), seat)
    },
    beside: await_the_end,
    after: peer_is_closed,
};

pub const SENDING: Scene = Scene {
    name: "sending past the end of a segment",
    points: &[SEND, GROW],
    stage: connected_cast,
    act: |victim, victims| (1..=3).try_for_each(|number| victim.send_value(victims[0], &message(number, 1))),
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 1),
    after: peer_is_closed,
};

pub const SENDING_MUCH: Scene = Scene {
    name: "sending a message in a block",
    points: &[SEND, GROW, PAYLOAD],
    stage: connected_cast,
    act: |victim, victims| (1..=2).try_for_each(|number| victim.send_value(victims[0], &message(number, 9))),
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 9),
    after: peer_is_closed,
};

pub const SENDING_HANDLES: Scene = Scene {
    name: "sending two handles in a block",
    points: &[SEND, PAYLOAD, TRANSFER],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.victim, &mut cast.victims);
        cast.victims.push(cast.victim.duplicate(find(&cast.victim, cast.victims[1]), ALL).unwrap());
        cast
    },
    act: |victim, victims| victim.transfer_value(victims[0], &message(1, 7), &victims[1..]),
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 7),
    after: peer_is_closed,
};

pub const SENDING_WHAT_CANNOT_BE_SENT: Scene = Scene {
    name: "a send of handles that fails and closes them",
    points: &[TRANSFER_MARKED, CLOSE, COUNT, DYING],
    stage: || {
        let mut cast = connected_cast();
        let (first, second) = cast.victim.create(Shape::Pair, PAIR, ALL).unwrap();
        cast.victims.extend([Some(first), second].into_iter().flatten());
        cast
    },
    // One of them twice: it is gone when it is to be marked again.
    act: |victim, victims| match victim.transfer_value(victims[0], &[], &[victims[1], victims[2], victims[1]])
    {
        Err(Error::BadHandle) => Ok(()),
        result => result,
    },
    beside: await_the_end,
    after: peer_is_closed,
};

pub const SENDING_HANDLES_AGAIN: Scene = Scene {
    name: "sending one handle after another",
    points: &[],
    stage: SENDING_HANDLES.stage,
    act: |victim, victims| {
        let send =
            |number| victim.transfer_value(victims[0], &message(number, 2), &[victims[usize::from(number)]]);
        send(1).and_then(|()| send(2))
    },
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 2),
    after: peer_is_closed,
};

/// The list is marked as far as it goes.
const TRANSFER_MARKED: &[&str] = &["transfer.marked"];

pub const RECEIVING: Scene = Scene {
    name: "receiving messages with handles past the end of a segment",
    points: &[RECEIVE, LEAVE],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.survivor, &mut cast.survivors);
        let copy = cast.survivor.duplicate(find(&cast.survivor, cast.survivors[1]), ALL).unwrap();
        let far = cast.survivors[0];
        cast.survivor.transfer_value(far, &message(1, 1), &[copy]).unwrap();
        cast.survivor.send_value(far, &message(2, 1)).unwrap();
        cast.survivor.send_value(far, &message(3, 1)).unwrap();
        cast
    },
    act: |victim, victims| {
        for number in 1..=3 {
            let received = victim.try_receive(victims[0])?;
            assert_eq!(
                (received.bytes, received.handles.len()),
                (message(number, 1), usize::from(number == 1))
            );
        }
        Ok(())
    },
    beside: send_or_find_closed,
    after: |survivor, survivors| {
        let basic = survivor.basic(find(survivor, survivors[1])).unwrap();
        assert_eq!(basic.handles, 1, "the handle that was received, or not, is gone with its receiver");
        peer_is_closed(survivor, survivors);
    },
};

pub const RECEIVING_HANDLES_AGAIN: Scene = Scene {
    name: "receiving one handle after another",
    points: &[],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.survivor, &mut cast.survivors);
        for number in 1..=2 {
            let copy = cast.survivor.duplicate(find(&cast.survivor, cast.survivors[1]), ALL).unwrap();
            cast.survivor.transfer_value(cast.survivors[0], &message(number, 1), &[copy]).unwrap();
        }
        cast
    },
    act: |victim, victims| (1..=2).try_for_each(|_| victim.try_receive(victims[0]).map(drop)),
    beside: send_or_find_closed,
    after: RECEIVING.after,
};

pub const DISCARDING: Scene = Scene {
    name: "discarding a message with a handle",
    points: &[CLOSE, COUNT, DYING_SINGLE, DISCARDED],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.survivor, &mut cast.survivors);
        let event = cast.survivors.pop().unwrap();
        cast.survivor.transfer_value(cast.survivors[0], &message(1, 1), &[event]).unwrap();
        cast
    },
    act: |victim, victims| match victim.receive(find(victim, victims[0]), 0, &mut NoRoom, TooSmall::Discard) {
        Err(Error::BufferTooSmall { .. }) => Ok(()),
        result => result.map(drop),
    },
    beside: send_or_find_closed,
    after: peer_is_closed,
};

/// The victim's last record was a handle in a cell, in which the survivor has since written what looks like a handle
/// that the victim is closing.
pub const CLOSING_AFTER_A_DISCARD: Scene = Scene {
    name: "closing a handle, where the last record has become bytes",
    points: &[],
    stage: || {
        const CLOSING_BY_THE_VICTIM: u64 = 4 << 60 | 2 << 24;
        let mut cast = connected_cast();
        add_event(&cast.survivor, &mut cast.survivors);
        let (near, far) = (cast.victims[0], cast.survivors[0]);
        for number in 1..=2 {
            let copy = cast.survivor.duplicate(find(&cast.survivor, cast.survivors[1]), ALL).unwrap();
            cast.survivor.transfer_value(far, &message(number, 1), &[copy]).unwrap();
        }
        cast.victim.receive(find(&cast.victim, near), 0, &mut NoRoom, TooSmall::Discard).unwrap_err();
        cast.victims.push(cast.victim.try_receive(near).unwrap().handles[0].value);
        cast.survivor.send_value(far, &CLOSING_BY_THE_VICTIM.to_le_bytes().repeat(8)).unwrap();
        cast
    },
    act: |victim, victims| victim.close_value(victims[1]),
    beside: nothing,
    after: RECEIVING.after,
};

/// Consumed without being received.
const DISCARDED: &[&str] = &["receive.consumed"];
/// An object with one side has nobody to tell.
const DYING_SINGLE: &[&str] =
    &["dying.linked", "dying.hazard", "dying.cleared", "dying.done", "dying.finished", "dying.popped"];

pub const ENDING_A_CHANNEL: Scene = Scene {
    name: "closing both ends of a channel and making its slot free",
    points: &[CLOSE, DYING, RECLAIM, FREE],
    stage: || {
        let mut cast = shared_event();
        let (near, far) = cast.victim.create(Shape::Channel, CHANNEL, ALL).unwrap();
        for number in 1..=3 {
            cast.victim.send_value(near, &message(number, if number == 1 { 9 } else { 1 })).unwrap();
        }
        cast.victims.extend([near, far.unwrap()]);
        cast
    },
    act: |victim, victims| {
        victim.close_value(victims[1])?;
        victim.close_value(victims[2])?;
        victim.reclaim().map(drop)
    },
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const ENDING_A_CHANNEL_OF_USED_BLOCKS: Scene = Scene {
    name: "closing both ends of a channel some of whose blocks have been others'",
    points: &[],
    stage: || {
        let mut cast = shared_event();
        let (near, far) = cast.victim.create(Shape::Channel, CHANNEL, ALL).unwrap();
        cast.victim.send_value(near, &message(1, 1)).unwrap();
        close_all(&cast.victim, &[near, far.unwrap()]);
        cast.victim.reclaim().unwrap();
        let (near, far) = cast.victim.create(Shape::Channel, CHANNEL, ALL).unwrap();
        for number in 1..=3 {
            cast.victim.send_value(near, &message(number, if number == 1 { 9 } else { 1 })).unwrap();
        }
        cast.victims.extend([near, far.unwrap()]);
        cast
    },
    act: ENDING_A_CHANNEL.act,
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const COLLECTING_A_CYCLE: Scene = Scene {
    name: "closing two ends that are queued inside each other",
    points: &[CLOSE, DYING, DRAIN, CYCLE],
    stage: || {
        let cast = shared_event();
        for handle in cycle_of_two(&cast.victim) {
            cast.victim.close_value(handle).unwrap();
        }
        cast
    },
    act: |victim, _| victim.collect_cycles().map(drop),
    beside: count_up_and_down,
    after: |survivor, survivors| {
        survivor.collect_cycles().unwrap();
        event_is_ours_alone(survivor, survivors);
    },
};

/// Two channels, one end of each queued for one end of the other. Gives the ends that are left.
pub fn cycle_of_two(thread: &Thread) -> [u32; 2] {
    let (one, to_one) = thread.create(Shape::Channel, CHANNEL, ALL).unwrap();
    let (two, to_two) = thread.create(Shape::Channel, CHANNEL, ALL).unwrap();
    let (to_one, to_two) = (to_one.unwrap(), to_two.unwrap());
    thread.transfer_value(to_one, &[], &[two]).unwrap();
    thread.transfer_value(to_two, &[], &[one]).unwrap();
    [to_one, to_two]
}

pub const JOINING: Scene = Scene {
    name: "another thread that comes and goes",
    points: &[],
    stage: shared_event,
    act: |victim, _| Thread::join(victim.process()).map(drop),
    beside: nothing,
    after: |survivor, survivors| {
        event_is_ours_alone(survivor, survivors);
        let rows: Vec<_> = std::iter::from_fn(|| Thread::join(survivor.process()).ok()).collect();
        assert_eq!(rows.len(), 3, "every row but the supervisor's and the survivor's is free again");
    },
};

pub const LEAVING_EVERYTHING: Scene = Scene {
    name: "ending with handles of every kind",
    points: &[],
    stage: || {
        let mut cast = connected_cast();
        add_event(&cast.victim, &mut cast.victims);
        cast
    },
    act: |_, _| Ok(()),
    beside: nothing,
    after: peer_is_closed,
};

/// All scenes.
pub const SCENES: &[Scene] = &[
    CLOSING_A_SHARED_HANDLE,
    DUPLICATING,
    CLOSING_A_SIDE,
    CLOSING_A_FULL_SIDE,
    CREATING,
    REPLACING,
    LEAVING_A_STARTUP_HANDLE,
    SENDING,
    SENDING_MUCH,
    SENDING_HANDLES,
    SENDING_WHAT_CANNOT_BE_SENT,
    RECEIVING,
    DISCARDING,
    ENDING_A_CHANNEL,
    COLLECTING_A_CYCLE,
    LEAVING_EVERYTHING,
];

/// Lets the victim act, and die if it is to. Says whether it did.
pub fn act(scene: &Scene, victim: Thread, victims: &[u32], death: Option<Death>) -> bool {
    if let Some(death) = death {
        victim.die_at(death.name, death.nth);
    }
    let result = (scene.act)(&victim, victims);
    let died = victim.is_dead();
    match result {
        Ok(()) => {}
        Err(Error::Died) => assert!(died),
        // What a dead thread says is not heard.
        Err(error) => assert!(died, "{}: {error}", scene.name),
    }
    died
}

/// The end of a scene: the survivor's view, and then nothing may be left of anything.
pub fn assert_nothing_left(
    scene: &Scene,
    supervisor: &Thread,
    survivor: &Thread,
    survivors: &[u32],
    made: &[u32],
) {
    let audit = supervisor.process().arena().audit();
    assert!(audit.is_clean(), "{}: {audit}", scene.name);
    (scene.after)(survivor, survivors);
    close_all(survivor, made);
    for thread in [survivor, supervisor] {
        thread.reclaim().unwrap();
    }
    let audit = assert_clean(survivor, 0, 0);
    assert_eq!((audit.retired, audit.blocks, audit.messages), (0, 0, 0), "{}: {audit}", scene.name);
    for _ in 0..config().max_objects {
        survivor.create(Shape::Single, EVENT, ALL).expect("every slot is free again");
    }
}

/// The supervisor is dead as well. The survivor's process takes over from both, in either order, and finishes.
pub fn take_over(
    scene: &Scene,
    supervisor: &Thread,
    survivor: &Thread,
    survivors: &[u32],
    unfinished_first: bool,
) {
    let successor = sibling(survivor);
    let supervisors = Seat { row: supervisor.process().row(), epoch: 0 };
    if unfinished_first {
        successor.recover_unfinished().unwrap();
        successor.recover(supervisors).unwrap();
    } else {
        successor.recover(supervisors).unwrap();
        successor.recover_unfinished().unwrap();
    }
    let made = (scene.beside)(survivor, survivors);
    assert_nothing_left(scene, &successor, survivor, survivors, &made);
}
