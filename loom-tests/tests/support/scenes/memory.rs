//! Scenes of memory that changes hands: blocks, and the pages of slots.

use super::*;

pub const SCENES: &[Scene] =
    &[FREEING_ANOTHERS_BLOCK, GIVING_MEMORY_BACK, GIVING_SLOTS_BACK, CREATING_IN_A_GIVEN_SLOT];

/// The survivor may have two blocks, and has had one of them in the channel that the victim ends.
pub const FREEING_ANOTHERS_BLOCK: Scene = Scene {
    name: "freeing a block that counts for another process",
    points: &["free.*"],
    setup: || {
        let mut config = config();
        config.max_block_bytes_per_process = 512;
        let mut actors = actors_of(&config);
        actors.survivor.send_value(actors.survivors[0], &message(1, 1)).unwrap();
        close_all(&actors.survivor, &actors.survivors);
        actors.survivors.clear();
        actors
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
                let (near, far) = survivor.create(ObjectClass::Channel, ALL).unwrap();
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
    points: &["decommit.*", "trim.*"],
    setup: SENDING_IN_USED_BLOCKS.setup,
    act: |victim, _| IdleMemory::new().pass(victim, Unused::Now, &mut || true).map(drop),
    beside: send_or_find_closed,
    after: |survivor, survivors| {
        let (near, far) = survivor.create(ObjectClass::Channel, ALL).unwrap();
        for number in 1..=2 {
            assert_eq!(
                survivor.send_value(near, &message(number, BLOCK_WORDS)),
                Ok(()),
                "they are still to be had"
            );
        }
        close_all(survivor, &[near, far.unwrap()]);
        peer_is_closed(survivor, survivors);
    },
};

pub const GIVING_SLOTS_BACK: Scene = Scene {
    name: "giving the memory of free slots back",
    points: &["slots.*"],
    setup: event_behind_free_slots,
    act: |victim, _| IdleMemory::new().pass(victim, Unused::Now, &mut || true).map(drop),
    beside: create_what_there_is_room_for,
    after: event_is_ours_alone,
};

pub const CREATING_IN_A_GIVEN_SLOT: Scene = Scene {
    name: "creating a channel in a slot whose memory was given back",
    points: &["create.*", "slot.named", "slot.taken", "slot.anew"],
    setup: || {
        let actors = event_behind_free_slots();
        IdleMemory::new().pass(&actors.supervisor, Unused::Now, &mut || true).unwrap();
        actors
    },
    act: |victim, _| victim.create(ObjectClass::Channel, ALL).map(drop),
    beside: nothing,
    after: event_is_ours_alone,
};
