//! Scenes of processes and threads that come and go.

use super::*;

/// No crash point stands in these operations: `killed.rs` and `failover.rs` explore the scenes.
pub const SCENES: &[Scene] = &[];

pub const JOINING: Scene = Scene {
    name: "another thread that comes and goes",
    points: &[],
    setup: shared_event,
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
    setup: || {
        let mut actors = connected_actors();
        add_event(&actors.victim, &mut actors.victims);
        actors
    },
    act: |_, _| Ok(()),
    beside: nothing,
    after: peer_is_closed,
};
