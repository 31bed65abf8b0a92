//! Scenes of channels: created, closed, collected.

use super::*;
use jacinth_shm_loom::HandleValue;

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
    points: &["create.*", "slot.never_used"],
    setup: shared_event,
    act: |victim, _| victim.create(ObjectClass::Channel, ALL).map(drop),
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const CREATING_WITH_OPTIONS: Scene = Scene {
    name: "creating a channel with options",
    points: &["create.*", "slot.never_used"],
    setup: shared_event,
    act: |victim, _| {
        let options = ChannelOptions { max_pending_messages: 1, discard_late_replies: true };
        victim.create_channel(options, ALL).map(drop)
    },
    beside: nothing,
    // Channels in all the slots there are have no options.
    after: |survivor, survivors| {
        let channels = [(); 2].map(|()| survivor.create(ObjectClass::Channel, ALL).unwrap());
        for (near, far) in channels {
            let far = far.unwrap();
            let call = survivor
                .call_begin(find(survivor, near), Rights::empty(), &message(1, 1), &[], Rights::empty())
                .unwrap();
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
    setup: || {
        let actors = shared_event();
        let (event, _) = actors.supervisor.create(ObjectClass::Event, ALL).unwrap();
        actors.supervisor.close_value(event).unwrap();
        assert_eq!(actors.supervisor.collect().unwrap(), 1);
        actors
    },
    act: |victim, _| victim.create(ObjectClass::Channel, ALL).map(drop),
    beside: nothing,
    after: event_is_ours_alone,
};

/// In a slot that the victim has retired itself, and that no thread names any more. It was an event's, which has no options.
pub const CREATING_IN_A_CLEARED_SLOT: Scene = Scene {
    name: "creating a channel with options in a slot that was the victim's",
    points: &[],
    setup: || {
        let actors = shared_event();
        let (event, _) = actors.victim.create(ObjectClass::Event, ALL).unwrap();
        actors.victim.close_value(event).unwrap();
        actors
    },
    act: CREATING_WITH_OPTIONS.act,
    beside: nothing,
    after: CREATING_WITH_OPTIONS.after,
};

pub const CLOSING_A_SIDE: Scene = Scene {
    name: "closing the last handle to a side",
    points: &["close.*", "count.*", "release.*"],
    setup: connected_actors,
    act: |victim, victims| victim.close_value(victims[0]),
    beside: await_the_end,
    after: peer_is_closed,
};

pub const CLOSING_A_FULL_SIDE: Scene = Scene {
    name: "closing an end for which messages with handles are queued",
    points: &["close.*", "count.*", "release.*", "drain.*"],
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.survivor, &mut actors.survivors);
        add_event(&actors.survivor, &mut actors.survivors);
        let event = actors.survivors.pop().unwrap();
        actors.survivor.transfer_value(actors.survivors[0], &message(1, 1), &[event]).unwrap();
        actors
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
        "release.*",
        "reclaim.*",
        "slot.freed",
        "free.intended",
        "free.unlinked",
        "free.word",
        "free.freed",
        "map.set",
    ],
    setup: || {
        let mut actors = shared_event();
        let (near, far) = actors.victim.create(ObjectClass::Channel, ALL).unwrap();
        for number in 1..=3 {
            actors
                .victim
                .send_value(near, &message(number, if number == 1 { BLOCK_WORDS } else { 1 }))
                .unwrap();
        }
        actors.victims.extend([near, far.unwrap()]);
        actors
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
    setup: || {
        let mut actors = shared_event();
        let (near, far) = actors.victim.create(ObjectClass::Channel, ALL).unwrap();
        actors.victim.send_value(near, &message(1, 1)).unwrap();
        close_all(&actors.victim, &[near, far.unwrap()]);
        actors.victim.reclaim().unwrap();
        let (near, far) = actors.victim.create(ObjectClass::Channel, ALL).unwrap();
        for number in 1..=3 {
            actors
                .victim
                .send_value(near, &message(number, if number == 1 { BLOCK_WORDS } else { 1 }))
                .unwrap();
        }
        actors.victims.extend([near, far.unwrap()]);
        actors
    },
    act: ENDING_A_CHANNEL.act,
    beside: create_an_event,
    after: event_is_ours_alone,
};

pub const COLLECTING_A_CYCLE: Scene = Scene {
    name: "closing two ends that are queued inside each other",
    points: &["close.*", "release.*", "drain.*", "cycle.*"],
    setup: || {
        let actors = shared_event();
        for handle in cycle_of_two(&actors.victim) {
            actors.victim.close_value(handle).unwrap();
        }
        actors
    },
    act: |victim, _| victim.collect_cycles().map(drop),
    beside: count_up_and_down,
    after: |survivor, survivors| {
        survivor.collect_cycles().unwrap();
        event_is_ours_alone(survivor, survivors);
    },
};

/// Two channels, one end of each queued for one end of the other. Gives the ends that are left.
pub fn cycle_of_two(thread: &Thread) -> [HandleValue; 2] {
    let (one, to_one) = thread.create(ObjectClass::Channel, ALL).unwrap();
    let (two, to_two) = thread.create(ObjectClass::Channel, ALL).unwrap();
    let (to_one, to_two) = (to_one.unwrap(), to_two.unwrap());
    thread.transfer_value(to_one, &[], &[two]).unwrap();
    thread.transfer_value(to_two, &[], &[one]).unwrap();
    [to_one, to_two]
}
