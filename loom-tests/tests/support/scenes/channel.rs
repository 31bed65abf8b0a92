//! Scenes of channels: messages sent, received, discarded.

use super::*;

pub const SCENES: &[Scene] = &[
    SENDING,
    SENDING_A_BATCH,
    SENDING_MUCH,
    SENDING_IN_USED_BLOCKS,
    SENDING_HANDLES,
    SENDING_A_HANDLE,
    SENDING_A_HANDLE_TO_A_CLOSER,
    RECEIVING,
    SHRINKING,
    LEAVING_A_SHRUNK_RING,
    TAKING_AHEAD,
    DISCARDING,
    SENDING_WHAT_CANNOT_BE_SENT,
    SENDING_WHAT_IS_LENT,
];

pub const SENDING: Scene = Scene {
    name: "sending past the end of a segment",
    points: &["send.*", "grow.*", "take.marked", "take.never_used"],
    setup: connected_actors,
    act: |victim, victims| (1..=3).try_for_each(|number| victim.send_value(victims[0], &message(number, 1))),
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 1),
    after: peer_is_closed,
};

/// The survivor's reads make room while the batch is written, so that it goes round the segment. The tail is stored at
/// its end.
pub const SENDING_A_BATCH: Scene = Scene {
    name: "sending a batch that goes round a segment",
    points: &["send.sent", "send.published"],
    setup: || {
        let actors = connected_actors();
        // The survivor looks at the slots from its first message on.
        actors.victim.send_value(actors.victims[0], &message(9, 1)).unwrap();
        actors.survivor.try_receive(actors.survivors[0]).unwrap();
        actors
    },
    act: |victim, victims| {
        let messages = [1, 2, 3].map(|number| message(number, 1));
        let bytes = messages.each_ref().map(Vec::as_slice);
        victim.send_batch(find(victim, victims[0]), Rights::empty(), &bytes).map(drop)
    },
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 1),
    after: peer_is_closed,
};

pub const SENDING_MUCH: Scene = Scene {
    name: "sending a message in a block",
    points: &["send.*", "grow.*", "payload.*"],
    setup: connected_actors,
    act: |victim, victims| {
        (1..=2).try_for_each(|number| victim.send_value(victims[0], &message(number, BLOCK_WORDS)))
    },
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, BLOCK_WORDS),
    after: peer_is_closed,
};

/// The blocks of a channel that has ended: two that share a word of the map, and one beyond.
pub const SENDING_IN_USED_BLOCKS: Scene = Scene {
    name: "sending in blocks that have been another channel's",
    points: &["take.intended", "take.owned", "map.cleared", "grow.*", "payload.*"],
    setup: || {
        let actors = connected_actors();
        let (near, far) = actors.victim.create(ObjectClass::Channel, ALL).unwrap();
        for number in 1..=2 {
            actors.victim.send_value(near, &message(number, BLOCK_WORDS)).unwrap();
        }
        close_all(&actors.victim, &[near, far.unwrap()]);
        actors.victim.reclaim().unwrap();
        actors
    },
    act: SENDING_MUCH.act,
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, BLOCK_WORDS),
    after: peer_is_closed,
};

pub const SENDING_HANDLES: Scene = Scene {
    name: "sending two handles in a block",
    points: &["send.*", "payload.*", "transfer.*"],
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.victim, &mut actors.victims);
        actors.victims.push(actors.victim.duplicate(find(&actors.victim, actors.victims[1]), ALL).unwrap());
        actors
    },
    act: |victim, victims| victim.transfer_value(victims[0], &message(1, BLOCK_WORDS), &victims[1..]),
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, BLOCK_WORDS),
    after: peer_is_closed,
};

/// The handle lies in the slot, and the survivor takes messages for a stream: it looks at the tail, and then at slots.
pub const SENDING_A_HANDLE: Scene = Scene {
    name: "sending a handle in a slot",
    points: &["send.*", "transfer.*"],
    setup: || {
        let mut actors = connected_actors();
        for _ in 0..3 {
            actors.victim.send_value(actors.victims[0], &message(9, 1)).unwrap();
            actors.survivor.try_receive(actors.survivors[0]).unwrap();
        }
        add_event(&actors.victim, &mut actors.victims);
        actors
    },
    act: |victim, victims| {
        victim.transfer_value(victims[0], &message(1, 1), &victims[1..])?;
        victim.send_value(victims[0], &message(2, 1))
    },
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 1),
    after: peer_is_closed,
};

pub const SENDING_A_HANDLE_TO_A_CLOSER: Scene = Scene {
    name: "sending a handle to an end that closes",
    points: &["send.*", "transfer.*"],
    setup: || {
        let mut actors = connected_actors();
        actors.victim.send_value(actors.victims[0], &message(9, 1)).unwrap();
        actors.survivor.try_receive(actors.survivors[0]).unwrap();
        add_event(&actors.victim, &mut actors.victims);
        actors
    },
    act: |victim, victims| match victim.transfer_value(victims[0], &message(1, 1), &victims[1..]) {
        Err(Error::PeerClosed) => Ok(()),
        result => result,
    },
    beside: |survivor, survivors| {
        // The message, if it is there already.
        let handles = survivor.try_receive(survivors[0]).map_or(Vec::new(), |received| received.handles);
        close_all(survivor, survivors);
        handles.iter().map(|handle| handle.value).collect()
    },
    after: |_, _| (),
};

pub const SENDING_HANDLES_AGAIN: Scene = Scene {
    name: "sending one handle after another",
    points: &[],
    setup: SENDING_HANDLES.setup,
    act: |victim, victims| {
        let send =
            |number| victim.transfer_value(victims[0], &message(number, 2), &[victims[usize::from(number)]]);
        send(1).and_then(|()| send(2))
    },
    beside: |survivor, survivors| read_to_the_end(survivor, survivors, 2),
    after: peer_is_closed,
};

pub const RECEIVING: Scene = Scene {
    name: "receiving messages with handles past the end of a segment",
    points: &["receive.*", "leave.*"],
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.survivor, &mut actors.survivors);
        let copy = actors.survivor.duplicate(find(&actors.survivor, actors.survivors[1]), ALL).unwrap();
        let far = actors.survivors[0];
        actors.survivor.transfer_value(far, &message(1, 1), &[copy]).unwrap();
        actors.survivor.send_value(far, &message(2, 1)).unwrap();
        actors.survivor.send_value(far, &message(3, 1)).unwrap();
        actors
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
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.survivor, &mut actors.survivors);
        for number in 1..=2 {
            let copy = actors.survivor.duplicate(find(&actors.survivor, actors.survivors[1]), ALL).unwrap();
            actors.survivor.transfer_value(actors.survivors[0], &message(number, 1), &[copy]).unwrap();
        }
        actors
    },
    act: |victim, victims| (1..=2).try_for_each(|_| victim.try_receive(victims[0]).map(drop)),
    beside: send_or_find_closed,
    after: RECEIVING.after,
};

/// The victim's ring has grown and is empty: a small segment is linked, and the survivor leaves the large one.
pub const SHRINKING: Scene = Scene {
    name: "shrinking a ring that is empty",
    points: &["grow.*", "send.*"],
    setup: || {
        let actors = connected_actors();
        (1..=3).for_each(|number| actors.victim.send_value(actors.victims[0], &message(number, 1)).unwrap());
        (1..=3).for_each(|_| drop(actors.survivor.try_receive(actors.survivors[0]).unwrap()));
        actors
    },
    act: |victim, victims| {
        victim.trim_objects(true)?;
        victim.send_value(victims[0], &message(1, 1))
    },
    beside: |survivor, survivors| {
        survivor.trim_objects(true).unwrap();
        // Takes the block that was left, if it was.
        for number in 1..=3 {
            let sent = survivor.send_value(survivors[0], &message(number, 1));
            assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
        }
        read_to_the_end(survivor, survivors, 1)
    },
    after: peer_is_closed,
};

/// The victim leaves the large segment of a ring that shrinks.
pub const LEAVING_A_SHRUNK_RING: Scene = Scene {
    name: "leaving the large segment of a ring that shrinks",
    points: &["leave.*"],
    setup: || {
        let actors = connected_actors();
        (1..=3)
            .for_each(|number| actors.survivor.send_value(actors.survivors[0], &message(number, 1)).unwrap());
        (1..=3).for_each(|_| drop(actors.victim.try_receive(actors.victims[0]).unwrap()));
        actors.survivor.trim_objects(true).unwrap();
        actors
    },
    act: |victim, _| victim.trim_objects(true).map(drop),
    beside: send_or_find_closed,
    after: peer_is_closed,
};

/// The first message stays unread; the replies behind it are taken, and their segment, of two messages, goes.
pub const TAKING_AHEAD: Scene = Scene {
    name: "taking replies ahead of an unread message",
    points: &["ahead.*", "receive.*"],
    setup: || {
        let mut config = config();
        (config.max_pending_messages, config.max_loan_bytes, config.pool_bytes) = (5, 256, 2048);
        let mut actors = actors_of(&config);
        add_event(&actors.survivor, &mut actors.survivors);
        let copy = actors.survivor.duplicate(find(&actors.survivor, actors.survivors[1]), ALL).unwrap();
        // This call stays open, so that the next calls search the messages that are there already.
        let near = find(&actors.victim, actors.victims[0]);
        let open = actors
            .victim
            .call_begin(near, Rights::empty(), &message(1, 1), &[], Rights::empty())
            .unwrap()
            .txid();
        let far = actors.survivors[0];
        actors.survivor.try_receive(far).unwrap();
        actors.survivor.send_value(far, &message(1, 1)).unwrap();
        for number in 1..=4 {
            // One lies in a block, and one carries a handle.
            let mut reply = message(number, if number == 2 { BLOCK_WORDS } else { 1 });
            reply[..4].copy_from_slice(&(open.0 + u32::from(number)).to_le_bytes());
            match number {
                3 => actors.survivor.transfer_value(far, &reply, &[copy]).unwrap(),
                _ => actors.survivor.send_value(far, &reply).unwrap(),
            }
        }
        actors
    },
    act: |victim, victims| {
        let near = find(victim, victims[0]);
        let mut calls = Vec::new();
        for number in 1..=4 {
            calls.push(victim.call_begin(
                near,
                Rights::empty(),
                &message(number, 1),
                &[],
                Rights::empty(),
            )?);
        }
        for (call, number) in calls.iter().zip(1..) {
            let mut inbox = Inbox::default();
            victim.call_finish(call, 0, &mut inbox)?;
            assert_eq!((inbox.bytes[4], inbox.handles.len()), (number, usize::from(number == 3)));
        }
        assert_eq!(victim.try_receive(victims[0])?.bytes, message(1, 1));
        Ok(())
    },
    beside: send_or_find_full,
    after: |survivor, survivors| {
        let basic = survivor.basic(find(survivor, survivors[1])).unwrap();
        assert_eq!(basic.handles, 1, "the handle that was received, or not, is gone with its receiver");
        while survivor.try_receive(survivors[0]).is_ok() {}
        peer_is_closed(survivor, survivors);
    },
};

/// Writes to the other side as soon as it has consumed something, or finds it closed.
fn send_or_find_full(survivor: &Thread, survivors: &[HandleValue]) -> Vec<HandleValue> {
    for _ in 0..2 {
        let sent = survivor.send_value(survivors[0], &message(5, BLOCK_WORDS));
        assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed | Error::ShouldWait)), "{sent:?}");
    }
    Vec::new()
}

pub const DISCARDING: Scene = Scene {
    name: "discarding a message with a handle",
    // An event has no other side: no peer is told (`dying.told`).
    points: &[
        "close.*",
        "count.*",
        "release.linked",
        "release.hazard",
        "release.cleared",
        "release.done",
        "release.finished",
        "release.popped",
        "receive.consumed",
    ],
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.survivor, &mut actors.survivors);
        let event = actors.survivors.pop().unwrap();
        actors.survivor.transfer_value(actors.survivors[0], &message(1, 1), &[event]).unwrap();
        actors
    },
    act: |victim, victims| match victim.receive(
        find(victim, victims[0]),
        Rights::empty(),
        &mut NoRoom,
        OnOverflow::Discard,
    ) {
        Err(Error::BufferTooSmall { .. }) => Ok(()),
        result => result.map(drop),
    },
    beside: send_or_find_closed,
    after: peer_is_closed,
};

/// The victim's last record was a handle in a slot, in which the survivor has since written bytes that look like a handle
/// that the victim is closing.
pub const CLOSING_AFTER_A_DISCARD: Scene = Scene {
    name: "closing a handle, where the last record has become bytes",
    points: &[],
    setup: || {
        const CLOSING_BY_THE_VICTIM: u64 = 4 << 60 | 2 << 24;
        let mut actors = connected_actors();
        add_event(&actors.survivor, &mut actors.survivors);
        let (near, far) = (actors.victims[0], actors.survivors[0]);
        for number in 1..=2 {
            let copy = actors.survivor.duplicate(find(&actors.survivor, actors.survivors[1]), ALL).unwrap();
            actors.survivor.transfer_value(far, &message(number, 1), &[copy]).unwrap();
        }
        actors
            .victim
            .receive(find(&actors.victim, near), Rights::empty(), &mut NoRoom, OnOverflow::Discard)
            .unwrap_err();
        actors.victims.push(actors.victim.try_receive(near).unwrap().handles[0].value);
        actors.survivor.send_value(far, &CLOSING_BY_THE_VICTIM.to_le_bytes().repeat(8)).unwrap();
        actors
    },
    act: |victim, victims| victim.close_value(victims[1]),
    beside: nothing,
    after: RECEIVING.after,
};

pub const SENDING_WHAT_CANNOT_BE_SENT: Scene = Scene {
    name: "a send of handles that fails and closes them",
    points: &["transfer.marked", "close.*", "count.*", "release.*"],
    setup: || {
        let mut actors = connected_actors();
        let (first, second) = actors.victim.create(ObjectClass::EventPair, ALL).unwrap();
        actors.victims.extend([Some(first), second].into_iter().flatten());
        actors
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

pub const SENDING_WHAT_IS_LENT: Scene = Scene {
    name: "a send of handles that is refused, because one end has a loan",
    points: &["unmark.live"],
    setup: || {
        let mut actors = connected_actors();
        let (near, far) = actors.victim.create(ObjectClass::Channel, ALL).unwrap();
        actors.victims.extend([far, Some(near)].into_iter().flatten());
        actors
    },
    act: |victim, victims| {
        let loan = victim.reserve(find(victim, victims[2]), ALL, 1, 0)?;
        match victim.transfer_value(victims[0], &[], &victims[1..]) {
            Err(Error::BadState(_)) => {}
            result => return result,
        }
        // All of them are the victim's still.
        victim.return_loan(loan)?;
        victims[1..].iter().try_for_each(|handle| victim.close_value(*handle))
    },
    beside: await_the_end,
    after: peer_is_closed,
};
