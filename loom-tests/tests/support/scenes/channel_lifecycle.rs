//! Scenes of channels: created, closed, collected.

use super::*;

pub const SCENES: &[Scene] = &[
    CREATING,
    CREATING_WITH_OPTIONS,
    CREATING_IN_A_USED_SLOT,
    CLOSING_A_SIDE,
    CLOSING_A_FULL_SIDE,
    ENDING_A_CHANNEL,
    COLLECTING_A_CYCLE,
];

pub const CREATING: Scene = Scene {
    name: "creating a channel",
    points: &["create.*", "slot.virgin"],
    stage: shared_event,
    act: |victim, _| victim.create(Shape::Channel, CHANNEL, ALL).map(drop),
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const CREATING_WITH_OPTIONS: Scene = Scene {
    name: "creating a channel with options",
    points: &["create.*", "slot.virgin"],
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
    points: &["create.*", "slot.named", "slot.taken", "map.cleared"],
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

/// In a slot that the victim has retired itself, and that no thread names any more. It was an event's, which has no options.
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

pub const CLOSING_A_SIDE: Scene = Scene {
    name: "closing the last handle to a side",
    points: &["close.*", "count.*", "dying.*"],
    stage: connected_cast,
    act: |victim, victims| victim.close_value(victims[0]),
    beside: await_the_end,
    after: peer_is_closed,
};

pub const CLOSING_A_FULL_SIDE: Scene = Scene {
    name: "closing an end for which messages with handles are queued",
    points: &["close.*", "count.*", "dying.*", "drain.*"],
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

pub const ENDING_A_CHANNEL: Scene = Scene {
    name: "closing both ends of a channel and making its slot free",
    points: &[
        "close.*",
        "dying.*",
        "reclaim.*",
        "slot.freed",
        "free.intended",
        "free.unlinked",
        "free.word",
        "free.freed",
        "map.set",
    ],
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
    points: &["close.*", "dying.*", "drain.*", "cycle.*"],
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
