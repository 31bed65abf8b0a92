//! Scenes of handles: made, closed, copied, replaced, left to a child.

use super::*;

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

pub const CLEARING_A_WATCHED_SIGNAL: Scene = Scene {
    name: "setting and clearing a signal that a sleeper waits for",
    points: &[SIGNAL],
    stage: watched_event,
    act: |victim, victims| {
        victim.signal(find(victim, victims[0]), 0, USER)?;
        victim.signal(find(victim, victims[0]), USER, 0)
    },
    beside: nothing,
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
    points: &[CREATE, SLOT_VIRGIN],
    stage: shared_event,
    act: |victim, _| victim.create(Shape::Channel, CHANNEL, ALL).map(drop),
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const CREATING_WITH_OPTIONS: Scene = Scene {
    name: "creating a channel with options",
    points: &[CREATE, SLOT_VIRGIN],
    stage: shared_event,
    act: |victim, _| {
        let options = ChannelOptions { max_pending_messages: 1, discard_late_replies: true };
        victim.create_with(Shape::Channel, CHANNEL, ALL, options).map(drop)
    },
    beside: nothing,
    // Channels in all the slots there are have no options.
    after: |survivor, survivors| {
        let channels = [(); 2].map(|()| survivor.create(Shape::Channel, CHANNEL, ALL).unwrap());
        for (near, far) in channels {
            let far = far.unwrap();
            let call = survivor.call_begin(find(survivor, near), 0, &message(1, 1), &[], 0).unwrap();
            let ended = survivor.call_finish(&call, 0, &mut Inbox::default());
            assert_eq!(ended.unwrap_err(), Error::TimedOut);
            let request = survivor.try_receive(far).unwrap().bytes;
            survivor.send_value(far, &request).unwrap();
            assert_eq!(survivor.try_receive(near).unwrap().bytes, request, "late replies are kept");
            (1..=2).for_each(|number| survivor.send_value(near, &message(number, 1)).unwrap());
            close_all(survivor, &[near, far]);
        }
        event_is_ours_alone(survivor, survivors);
    },
};

pub const CREATING_IN_A_USED_SLOT: Scene = Scene {
    name: "creating a channel in a slot that another process has freed",
    points: &[CREATE, SLOT, MAP_CLEARED],
    stage: || {
        let cast = shared_event();
        let (event, _) = cast.supervisor.create(Shape::Single, EVENT, ALL).unwrap();
        cast.supervisor.close_value(event).unwrap();
        assert_eq!(cast.supervisor.collect().unwrap(), 1);
        cast
    },
    act: |victim, _| victim.create(Shape::Channel, CHANNEL, ALL).map(drop),
    beside: nothing,
    after: event_is_ours_alone,
};

/// In a slot that the victim has retired itself, and that nobody names any more. It was an event's, which has no options.
pub const CREATING_IN_A_CLEARED_SLOT: Scene = Scene {
    name: "creating a channel with options in a slot that was the victim's",
    points: &[],
    stage: || {
        let cast = shared_event();
        let (event, _) = cast.victim.create(Shape::Single, EVENT, ALL).unwrap();
        cast.victim.close_value(event).unwrap();
        cast
    },
    act: CREATING_WITH_OPTIONS.act,
    beside: nothing,
    after: CREATING_WITH_OPTIONS.after,
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
