//! Scenes of handles: closed, copied, replaced, left to a child.

use super::*;

pub const SCENES: &[Scene] = &[CLOSING_A_SHARED_HANDLE, DUPLICATING, REPLACING, LEAVING_A_STARTUP_HANDLE];

pub const CLOSING_A_SHARED_HANDLE: Scene = Scene {
    name: "closing a handle to a shared event",
    points: &["close.*", "count.*"],
    setup: shared_event,
    act: |victim, victims| victim.close_value(victims[0]),
    beside: count_up_and_down,
    after: event_is_ours_alone,
};

pub const DUPLICATING: Scene = Scene {
    name: "duplicating a handle to a shared event",
    points: &["duplicate.*", "count.*"],
    setup: shared_event,
    act: |victim, victims| victim.duplicate(find(victim, victims[0]), ALL).map(drop),
    beside: count_up_and_down,
    after: event_is_ours_alone,
};

pub const REPLACING: Scene = Scene {
    name: "replacing a handle to an end",
    points: &["move.*", "replace.*"],
    setup: connected_actors,
    act: |victim, victims| victim.replace(find(victim, victims[0]), ALL).map(drop),
    beside: await_the_end,
    after: peer_is_closed,
};

pub const LEAVING_A_STARTUP_HANDLE: Scene = Scene {
    name: "leaving an end to a child that is never started",
    points: &["move.*", "startup.*"],
    setup: connected_actors,
    act: |victim, victims| {
        let process_slot = victim.process().arena().reserve_slot(victim).unwrap();
        victim.leave_startup_handle(find(victim, victims[0]), process_slot)
    },
    beside: await_the_end,
    after: peer_is_closed,
};
