//! A process dies at each named point of each operation, while another goes on.
//!
//! The victim and then its supervisor run in one model thread: the kernel gives the recovering process a
//! happens-before edge from all that the dead one did. The survivor runs beside both. Every scene ends with
//! its promise to the survivor, a clean audit, and an empty arena.

mod support;

use std::collections::BTreeSet;
use support::deaths::{explore_deaths, explore_deaths_at};
use support::points;
use support::scenes::*;

/// Declares the tests, and lists the scenes that they explore.
macro_rules! explorations {
    ($($(#[$attribute:meta])+ fn $test:ident() { $($explore:ident($scene:ident, $preemptions:expr);)+ })+) => {
        $($(#[$attribute])+ fn $test() { $($explore($scene, $preemptions);)+ })+

        /// The scenes that a test explores.
        const EXPLORED: &[Scene] = &[$($($scene),+),+];
    };
}

explorations! {
    /// INV-REF-1, INV-COUNT-2: the survivor changes the same count, and helps.
    #[test]
    fn dead_closer_drops_its_reference_once() {
        explore_deaths(CLOSING_A_SHARED_HANDLE, 2);
    }

    /// INV-LATCH-1: the checks afterwards are in `killed.rs`.
    #[test]
    fn dead_clearer_leaves_nothing_behind() {
        explore_deaths(CLEARING_A_WATCHED_SIGNAL, 1);
    }

    /// INV-COOKIE-2: recovery completes a setting that has begun, before the row is another thread's.
    #[test]
    fn dead_setters_cookie_is_its_own() {
        explore_deaths(SETTING_THE_FIRST_COOKIE, 1);
    }

    /// INV-COOKIE-2: the survivor completes a setting that has begun, or recovery does.
    #[test]
    fn dead_setter_leaves_one_scope() {
        explore_deaths(SETTING_A_CONTESTED_COOKIE, 1);
    }

    /// INV-COOKIE-3.
    #[test]
    fn dead_setter_leaves_one_cookie() {
        explore_deaths(REPLACING_A_COOKIE, 1);
    }

    /// INV-TIMER-2: the survivor sleeps on the timer and is woken, by the victim or for it.
    #[test]
    fn dead_setter_wakes_the_timers_sleeper() {
        explore_deaths(SETTING_AN_AWAITED_TIMER, 1);
    }

    /// INV-TIMER-2: the checks afterwards are in `killed.rs`.
    #[test]
    fn dead_canceller_leaves_the_timer_whole() {
        explore_deaths(CANCELLING_A_WATCHED_TIMER, 1);
    }

    /// INV-TIMER-1.
    #[test]
    fn dead_observer_leaves_a_true_expiry() {
        explore_deaths(SEEING_A_TIMER_EXPIRE, 2);
    }

    /// INV-VMO-3: the extent is the object's, or free, and the survivor writes to it too.
    #[test]
    fn dead_writer_leaves_its_pages() {
        explore_deaths(WRITING_PAGES, 1);
    }

    /// INV-VMO-2: the size is the old one with all bytes, or the new one, and cut bytes are zero.
    #[test]
    fn dead_shrinker_leaves_one_size() {
        explore_deaths(CUTTING_A_VMO, 1);
    }

    /// INV-VMO-5: no word of a clone is left, and the survivor that waits for the last one is woken.
    #[test]
    fn dead_clones_leave_no_child() {
        explore_deaths(CLONING_A_VMO, 0);
        explore_deaths(CLOSING_A_CLONE, 1);
        explore_deaths(CLOSING_AN_OBSERVED_CLONE, 0);
    }

    /// INV-VMO-1: what a dead reclaimer has not cleared is cleared.
    #[test]
    fn dead_reclaimer_leaves_zero_extents() {
        explore_deaths(CLOSING_A_VMO, 0);
    }

    /// INV-STREAM-1: the peer reads what was written, and then sees the end.
    #[test]
    fn dead_owner_of_a_fifo_is_seen() {
        explore_deaths(WRITING_ALONE, 1);
        explore_deaths(READING_ALONE, 1);
        explore_deaths(SHARING_A_SIDE, 1);
    }

    /// INV-STREAM-5: no block is lost.
    #[test]
    fn dead_creator_leaves_no_fifo() {
        explore_deaths(OPENING_RINGS, 0);
        explore_deaths(CLOSING_A_SHARED_FIFO, 0);
    }

    /// INV-STREAM-3, INV-STREAM-5: the write is whole or missing, and the survivor goes on.
    #[test]
    fn dead_shared_writer_holds_up_nobody() {
        explore_deaths(WRITING_THE_FIRST_ITEM, 0);
        explore_deaths(WRITING_BESIDE_ANOTHER, 0);
    }

    /// INV-STREAM-4, INV-STREAM-5: an element is read once, and the survivor goes on.
    #[test]
    fn dead_shared_reader_holds_up_nobody() {
        explore_deaths(READING_BESIDE_ANOTHER, 0);
    }

    /// INV-STREAM-2, INV-STREAM-5: the peer reads whole writes, and then sees the end.
    #[test]
    fn dead_owner_of_a_socket_is_seen() {
        explore_deaths(GROWING_A_RING, 1);
    }

    /// INV-STREAM-5: a message is there or not, and the survivor that waits for it, or for its place, is woken.
    #[test]
    fn dead_user_of_control_is_seen() {
        explore_deaths(WRITING_A_CONTROL_MESSAGE, 1);
        explore_deaths(READING_A_CONTROL_MESSAGE, 1);
        explore_deaths(CLOSING_WITH_A_CONTROL_MESSAGE, 0);
    }

    /// INV-SHUTDOWN-1: the survivor is woken, reads what was written, and writes no more.
    #[test]
    fn dead_shutdown_wakes_the_peer() {
        explore_deaths(SHUTTING_DOWN, 1);
    }

    /// INV-ACCEPT-1, INV-PART-1: a socket is queued with its rights, or closed, and the survivor shares another.
    #[test]
    fn dead_sharer_leaves_the_queue_usable() {
        explore_deaths(SHARING_A_SOCKET, 1);
        explore_deaths(SHARING_BESIDE_ANOTHER, 1);
    }

    /// INV-ACCEPT-1: the survivor sleeps until a socket is queued, and is woken, by the victim or for it.
    #[test]
    fn dead_sharer_wakes_a_sleeping_acceptor() {
        explore_deaths(SHARING_WITH_A_SLEEPER, 1);
    }

    /// INV-ACCEPT-2.
    #[test]
    fn dead_sharers_late_socket_is_closed() {
        explore_deaths(SHARING_WITH_A_CLOSER, 1);
    }

    /// INV-ACCEPT-1, INV-ACCEPT-3: a socket is accepted once, and a survivor that waits for its place is woken.
    #[test]
    fn dead_acceptor_takes_one_socket() {
        explore_deaths(ACCEPTING_A_SOCKET, 1);
        explore_deaths(ACCEPTING_FOR_A_WAITING_SHARER, 1);
    }

    /// INV-ACCEPT-2, INV-PART-1: a queued socket is closed, and so is one that comes meanwhile.
    #[test]
    fn dead_closer_closes_the_queued_socket() {
        explore_deaths(CLOSING_AN_ACCEPTOR, 1);
        explore_deaths(CLOSING_A_CARRIER, 1);
    }

    /// INV-REF-1, INV-COUNT-2, INV-COUNT-3.
    #[test]
    fn dead_duplicator_leaves_no_reference() {
        explore_deaths_at(DUPLICATING, |name| if name == "duplicate.counted" { 2 } else { 1 });
    }

    /// INV-RELEASE-1, INV-RELEASE-2: the survivor sleeps on the other side and is woken, by the victim or for it.
    #[test]
    fn dead_closer_wakes_the_sleeping_peer() {
        explore_deaths(CLOSING_A_SIDE, 1);
    }

    /// INV-RELEASE-3, INV-TRANSFER-1: the survivor sends another handle to the side that ends.
    #[test]
    fn dead_closer_closes_the_queued_handles() {
        explore_deaths_at(CLOSING_A_FULL_SIDE, |name| {
            usize::from(["release.told", "drain.closed"].contains(&name))
        });
    }

    /// INV-CREATE-1, INV-LIFECYCLE-1.
    #[test]
    fn dead_creator_leaves_no_object() {
        explore_deaths(CREATING, 1);
    }

    /// INV-LATE-1: a creator's options go with it.
    #[test]
    fn dead_creator_leaves_no_options() {
        explore_deaths(CREATING_WITH_OPTIONS, 0);
    }

    /// INV-SLOT-1: the map of free slots is right again.
    #[test]
    fn dead_creators_slot_is_free_again() {
        explore_deaths(CREATING_IN_A_USED_SLOT, 1);
    }

    /// INV-ENTRY-1, INV-ENTRY-2.
    #[test]
    fn dead_replacer_leaves_no_handle() {
        explore_deaths(REPLACING, 1);
    }

    /// INV-ENTRY-1: the process slot of a child that never came is recovered with its spawner.
    #[test]
    fn dead_spawners_child_slot_is_recovered() {
        explore_deaths(LEAVING_A_STARTUP_HANDLE, 1);
    }

    /// INV-RING-2, INV-RING-4, INV-BLOCK-1: the survivor reads the sent messages, whole and in order, then PEER_CLOSED.
    #[test]
    fn dead_writers_messages_arrive_in_order() {
        explore_deaths_at(SENDING, |name| if name == "send.written" || name == "grow.linked" { 2 } else { 1 });
    }

    /// INV-RING-1, INV-RING-2: recovery stores the tail past all messages of an unfinished batch.
    #[test]
    fn dead_writers_batch_arrives_in_order() {
        explore_deaths(SENDING_A_BATCH, 1);
    }

    /// INV-RING-2, INV-BLOCK-1, INV-BLOCK-2.
    #[test]
    fn dead_writers_payload_block_is_recovered() {
        explore_deaths(SENDING_MUCH, 2);
    }

    /// INV-FREE-1, INV-FREE-2, INV-BLOCK-4.
    #[test]
    fn dead_writers_reused_blocks_are_recovered() {
        explore_deaths_at(SENDING_IN_USED_BLOCKS, |name| {
            usize::from(["take.owned", "map.cleared"].contains(&name))
        });
    }

    /// INV-TRANSFER-1: the message comes with all its handles, or not at all.
    #[test]
    fn dead_writers_handles_come_all_or_none() {
        explore_deaths(SENDING_HANDLES, 1);
    }

    /// INV-RING-1, INV-TRANSFER-1: a message in a slot is read or completed, with its handle, and no other comes before it.
    #[test]
    fn dead_writers_slot_comes_with_its_handle() {
        explore_deaths_at(SENDING_A_HANDLE, |name| if name == "send.sent" { 2 } else { 0 });
    }

    /// INV-TRANSFER-1, INV-RELEASE-3: the handle of a message between its header and its tail is closed once.
    #[test]
    fn dead_writers_handle_closes_with_its_reader() {
        explore_deaths(SENDING_A_HANDLE_TO_A_CLOSER, 1);
    }

    /// INV-TRANSFER-1: a send that fails closes its handles, once each, also when recovery finishes it.
    #[test]
    fn dead_writers_unsendable_handle_closes_once() {
        explore_deaths(SENDING_WHAT_CANNOT_BE_SENT, 1);
    }

    /// INV-ENTRY-1: a handle that was marked, and is the sender's again, is closed once.
    #[test]
    fn dead_writers_unmarked_handles_close_once() {
        explore_deaths(SENDING_WHAT_IS_LENT, 0);
    }

    /// INV-PART-1, INV-BUFFER-1: a buffer comes with its bytes, or not at all.
    #[test]
    fn dead_senders_buffer_is_whole_or_gone() {
        explore_deaths(SENDING_A_BUFFER, 0);
    }

    /// INV-BLOCK-2: the block of a buffer is freed once.
    #[test]
    fn dead_closer_frees_the_buffers_block() {
        explore_deaths(CLOSING_A_BUFFER, 0);
    }

    /// INV-RING-3, INV-RING-5, INV-ENTRY-1: a handle received or not, its reference is counted once.
    #[test]
    fn dead_readers_handles_are_counted_once() {
        explore_deaths(RECEIVING, 2);
    }

    /// INV-ORDER-1, INV-ORDER-2, INV-ORDER-3: a message is taken once, and the survivor's writes meanwhile go with
    /// the channel.
    #[test]
    fn dead_callers_early_reply_is_taken_once() {
        explore_deaths_at(TAKING_AHEAD, |name| usize::from(["ahead.passed", "receive.consumed"].contains(&name)));
    }

    /// INV-IDLE-1, INV-RING-4: the survivor leaves the segment that the victim has left, at any moment.
    #[test]
    fn ring_shrinks_despite_a_dead_peer() {
        explore_deaths_at(SHRINKING, |name| if name == "grow.linked" { 2 } else { 0 });
        explore_deaths(LEAVING_A_SHRUNK_RING, 1);
    }

    /// INV-RING-3, INV-ENTRY-2: handles of a discarded message are closed once.
    #[test]
    fn dead_discarder_closes_handles_once() {
        explore_deaths(DISCARDING, 2);
    }

    /// INV-LIFECYCLE-3, INV-BLOCK-1, INV-BLOCK-2: the slot and every block come back, each once.
    #[test]
    fn dead_closer_frees_slot_and_blocks_once() {
        explore_deaths(ENDING_A_CHANNEL, 1);
    }

    /// INV-CREDIT-2: the process that the block counted for may have another one.
    #[test]
    fn dead_freer_returns_the_block_credit() {
        explore_deaths(FREEING_ANOTHERS_BLOCK, 1);
    }

    /// INV-DECOMMIT-1, INV-FREE-1.
    #[test]
    fn death_loses_no_returned_block() {
        explore_deaths(GIVING_MEMORY_BACK, 1);
    }

    /// INV-PAGE-1, INV-PAGE-3, INV-FREE-1.
    #[test]
    fn death_loses_no_returned_slot() {
        explore_deaths(GIVING_SLOTS_BACK, 1);
    }

    /// INV-PAGE-2, INV-PAGE-4.
    #[test]
    fn dead_creators_returned_slot_is_recovered() {
        explore_deaths(CREATING_IN_A_GIVEN_SLOT, 1);
    }

    /// INV-CELL-1, INV-PART-1: a packet is queued whole or not at all, and the port goes on.
    #[test]
    fn dead_senders_packet_is_whole_or_absent() {
        explore_deaths(QUEUEING, 0);
    }

    /// INV-RING-P3: packets that found no place are found.
    #[test]
    fn death_loses_no_overflowed_packet() {
        explore_deaths(QUEUEING_TOO_MUCH, 0);
    }

    /// INV-CELL-2, INV-CELL-4: a packet that was taken is gone, and its cell is free.
    #[test]
    fn dead_waiter_takes_one_packet() {
        explore_deaths(TAKING_A_PACKET, 1);
    }

    /// INV-OBSERVER-1: a registration that has not committed is undone, and any other ends with its handle.
    #[test]
    fn dead_registrar_leaves_no_observer() {
        explore_deaths(OBSERVING_WITH_A_SHARED_PORT, 0);
        explore_deaths(OBSERVING_A_SHARED_EVENT, 0);
        explore_deaths(OBSERVING_WHAT_IS_ASSERTED, 0);
    }

    /// INV-OBSERVE-1, INV-OBSERVE-3: recovery fires for the dead thread, once.
    #[test]
    fn dead_signaller_fires_all_observers() {
        explore_deaths(SIGNALLING_AN_OBSERVED_EVENT, 0);
        explore_deaths(WRITING_TO_AN_OBSERVED_END, 0);
    }

    /// INV-DUE-1: a deadline that a dead thread has set, or looked at, is met.
    #[test]
    fn death_hides_no_deadline() {
        explore_deaths(SETTING_AN_OBSERVED_TIMER, 0);
        explore_deaths(WAITING_FOR_A_DUE_TIMER, 0);
    }

    /// INV-OBSERVER-1, INV-OBSERVER-2.
    #[test]
    fn dead_closer_ends_its_observers() {
        explore_deaths(CLOSING_AN_OBSERVED_HANDLE, 0);
        explore_deaths(REPLACING_AN_OBSERVED_HANDLE, 0);
        explore_deaths(CANCELLING, 0);
        explore_deaths(ENDING_AN_OBSERVED_EVENT, 0);
    }

    /// INV-PART-1: every block of the port comes back, once.
    #[test]
    fn dead_closer_frees_the_ports_blocks() {
        explore_deaths(ENDING_A_PORT, 0);
    }

    /// INV-NAME-3, INV-PART-1: its name is free, and other servers go on.
    #[test]
    fn dead_servers_name_is_free() {
        explore_deaths(SERVING, 0);
    }

    /// INV-NAME-3: the survivor sleeps until the name is free, and is woken, by the victim or for it.
    #[test]
    fn dead_server_wakes_the_next() {
        explore_deaths(ENDING_AN_AWAITED_NAME, 0);
    }

    /// INV-ACCEPT-1, INV-RECOVER-3: a handle is queued with its rights, or closed.
    #[test]
    fn dead_clients_handle_keeps_its_rights() {
        explore_deaths(OFFERING, 1);
    }

    /// INV-ACCEPT-2.
    #[test]
    fn dead_clients_late_offer_is_closed() {
        explore_deaths(OFFERING_TO_A_CLOSER, 0);
    }

    /// INV-ACCEPT-1, INV-ACCEPT-3.
    #[test]
    fn dead_acceptor_takes_one_handle() {
        explore_deaths(ACCEPTING, 1);
    }

    /// INV-LISTENER-1: the survivor sleeps until there is room, and is woken, by the victim or for it.
    #[test]
    fn dead_acceptor_wakes_a_waiting_client() {
        explore_deaths(ACCEPTING_FOR_A_WAITING_CLIENT, 1);
    }

    /// INV-ACCEPT-2, INV-PART-1.
    #[test]
    fn dead_closer_closes_the_listeners_queue() {
        explore_deaths(ENDING_A_LISTENER, 0);
    }

    /// INV-CYCLE-2: a cycle through a listener.
    #[test]
    fn dead_collector_leaves_listeners_collectable() {
        explore_deaths(COLLECTING_A_LISTENER, 0);
    }

    /// INV-CYCLE-2: the next collector collects the rest of a dead collector's cycles.
    #[test]
    fn next_collector_finishes_a_dead_ones_cycles() {
        explore_deaths(COLLECTING_A_CYCLE, 1);
    }
}

/// Every scene of `SCENES` has a test that explores it, and the tests explore no others.
#[test]
fn a_test_explores_each_scene() {
    let mut declared: Vec<_> = ALL_SCENES.iter().copied().flatten().map(|scene| scene.name).collect();
    let mut explored: Vec<_> = EXPLORED.iter().map(|scene| scene.name).collect();
    declared.sort_unstable();
    explored.sort_unstable();
    assert_eq!(explored, declared);
    explored.dedup();
    assert_eq!(explored.len(), declared.len(), "two scenes have one name");
}

/// Every crash point of the sources is one at which the victim of a test dies, or the supervisor of `failover.rs`.
#[test]
fn every_crash_point_is_died_at() {
    let scenes = EXPLORED.iter().flat_map(|scene| points::matching(scene.points));
    let died_at: BTreeSet<_> = scenes.chain(points::matching(points::OF_RECOVERY)).collect();
    assert_eq!(died_at.into_iter().collect::<Vec<_>>(), points::all());
}
