//! Counters of each thread's work, without contention: a thread writes its own row, and a reader adds the rows up.

use crate::arena::Arena;
use crate::arena::word::reference::Tag;
use crate::sync::Relaxed;

/// The events that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    MessagesSent = 0,
    MessagesReceived = 1,
    HandlesMoved = 2,
    ObjectsCreated = 3,
    ObjectsRetired = 4,
    Sleeps = 5,
    Wakes = 6,
    BlocksFreed = 7,
}

/// Totals since the arena was created, over all processes, including dead ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counters {
    /// Messages written to channels.
    pub messages_sent: u64,
    /// Messages that a read took out of channels.
    pub messages_received: u64,
    /// Handles that were moved in messages.
    pub handles_moved: u64,
    /// Objects created. A pair counts once.
    pub objects_created: u64,
    /// Objects that lost their last reference.
    pub objects_retired: u64,
    /// Times that a thread went to sleep on a futex.
    pub sleeps: u64,
    /// Times that a thread woke sleepers.
    pub wakes: u64,
    /// Blocks that channels freed.
    pub blocks_freed: u64,
}

pub(crate) fn counters(arena: &Arena) -> Counters {
    // Relaxed throughout: statistics publish no other store.
    let rows = (1..arena.layout().threads.count as u64)
        .take_while(|tag| *tag < arena.header().threads_hwm.load(Relaxed));
    let mut totals = [0u64; crate::arena::record::row::COUNTERS];
    for row in rows.filter_map(|tag| arena.thread(Tag(tag as u16)).ok()) {
        for (total, counter) in totals.iter_mut().zip(row.counters()) {
            *total = total.wrapping_add(counter.load(Relaxed));
        }
    }
    let [
        messages_sent,
        messages_received,
        handles_moved,
        objects_created,
        objects_retired,
        sleeps,
        wakes,
        blocks_freed,
    ] = totals;
    Counters {
        messages_sent,
        messages_received,
        handles_moved,
        objects_created,
        objects_retired,
        sleeps,
        wakes,
        blocks_freed,
    }
}
