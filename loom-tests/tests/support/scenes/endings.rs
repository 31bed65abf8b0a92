//! Scenes of endings: of channels, of cycles of them, of processes.

use super::*;

pub const ENDING_A_CHANNEL: Scene = Scene {
    name: "closing both ends of a channel and making its slot free",
    points: &[CLOSE, DYING, RECLAIM, FREE, MAP_SET],
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

/// The survivor may have two blocks, and has had one of them in the channel that the victim ends.
pub const FREEING_ANOTHERS_BLOCK: Scene = Scene {
    name: "freeing a block that counts for another process",
    points: &[FREE, CREDIT],
    stage: || {
        let mut config = config();
        config.max_block_bytes_per_process = 512;
        let mut cast = cast_of(&config);
        cast.survivor.send_value(cast.survivors[0], &message(1, 1)).unwrap();
        close_all(&cast.survivor, &cast.survivors);
        cast.survivors.clear();
        cast
    },
    act: |victim, victims| {
        victim.close_value(victims[0])?;
        victim.reclaim().map(drop)
    },
    beside: create_an_event,
    after: |survivor, _| {
        survivor.collect().unwrap();
        let channels: Vec<_> = (0..2)
            .map(|_| {
                let (near, far) = survivor.create(Shape::Channel, CHANNEL, ALL).unwrap();
                assert_eq!(survivor.send_value(near, &message(1, 1)), Ok(()), "the credit has come back");
                [near, far.unwrap()]
            })
            .collect();
        channels.iter().for_each(|channel| close_all(survivor, channel));
    },
};

/// The victim has freed three blocks, two of which share a word of the map.
pub const GIVING_MEMORY_BACK: Scene = Scene {
    name: "giving the memory of free blocks back",
    points: &[GIVE, TRIM],
    stage: SENDING_IN_USED_BLOCKS.stage,
    act: |victim, _| IdleMemory::new().pass(victim, Unused::Now, &mut || true).map(drop),
    beside: send_or_find_closed,
    after: |survivor, survivors| {
        let (near, far) = survivor.create(Shape::Channel, CHANNEL, ALL).unwrap();
        for number in 1..=2 {
            assert_eq!(survivor.send_value(near, &message(number, 9)), Ok(()), "they are still to be had");
        }
        close_all(survivor, &[near, far.unwrap()]);
        peer_is_closed(survivor, survivors);
    },
};

pub const GIVING_SLOTS_BACK: Scene = Scene {
    name: "giving the memory of free slots back",
    points: &[SLOTS],
    stage: event_behind_free_slots,
    act: |victim, _| IdleMemory::new().pass(victim, Unused::Now, &mut || true).map(drop),
    beside: create_what_there_is_room_for,
    after: event_is_ours_alone,
};

pub const CREATING_IN_A_GIVEN_SLOT: Scene = Scene {
    name: "creating a channel in a slot whose memory was given back",
    points: &[CREATE, SLOT, SLOT_ANEW],
    stage: || {
        let cast = event_behind_free_slots();
        IdleMemory::new().pass(&cast.supervisor, Unused::Now, &mut || true).unwrap();
        cast
    },
    act: |victim, _| victim.create(Shape::Channel, CHANNEL, ALL).map(drop),
    beside: nothing,
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
