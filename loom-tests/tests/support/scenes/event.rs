//! Scenes of events: signals that a sleeper waits for.

use super::*;

pub const SCENES: &[Scene] = &[CLEARING_A_WATCHED_SIGNAL];

pub const CLEARING_A_WATCHED_SIGNAL: Scene = Scene {
    name: "setting and clearing a signal that a sleeper waits for",
    points: &["signal.*"],
    setup: watched_event,
    act: |victim, victims| {
        victim.signal(find(victim, victims[0]), Signals::empty(), USER)?;
        victim.signal(find(victim, victims[0]), USER, Signals::empty())
    },
    beside: nothing,
    after: event_is_ours_alone,
};
