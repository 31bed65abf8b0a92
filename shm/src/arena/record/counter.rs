//! What each thread has done, counted without contention: a thread writes its own row, a reader adds them up.

use crate::arena::Arena;
use crate::sync::Relaxed;

/// What is counted.
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

/// Totals since the arena was created, over all processes, dead ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages written to channels.
    pub messages_sent: u64,
    /// Messages taken out of channels by a read.
    pub messages_received: u64,
    /// Handles that travelled in messages.
    pub handles_moved: u64,
    /// Objects created; a pair counts once.
    pub objects_created: u64,
    /// Objects whose last reference went.
    pub objects_retired: u64,
    /// Times that a thread went to sleep on a futex.
    pub sleeps: u64,
    /// Times that a thread woke sleepers.
    pub wakes: u64,
    /// Blocks that channels gave back.
    pub blocks_freed: u64,
}

pub(crate) fn counters(arena: &Arena) -> Counters {
    // Relaxed throughout: statistics publish nothing.
    let rows = (1..arena.layout().threads.count as u64)
        .take_while(|tag| *tag < arena.header().threads_hwm.load(Relaxed));
    let mut totals = [0u64; crate::arena::record::row::COUNTERS];
    for row in rows.filter_map(|tag| arena.thread(tag as u16).ok()) {
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
