//! Scenes of buffers: one that is made and sent, and one whose last handle is closed.

use super::*;
use crate::support::buffers::*;

pub const SCENES: &[Scene] = &[SENDING_A_BUFFER, CLOSING_A_BUFFER];

pub const SENDING_A_BUFFER: Scene = Scene {
    name: "making a buffer and sending it",
    points: &["part.intended", "part.linked", "part.bound", "buffer.frozen"],
    setup: connected_actors,
    act: |victim, victims| {
        let buffer = buffer_of(victim, 7)?;
        victim.send_with_handles(find(victim, victims[0]), ALL, &[], &[buffer], ALL, None)
    },
    beside: |_, _| Vec::new(),
    after: |survivor, survivors| {
        if let Ok(message) = survivor.try_receive(survivors[0]) {
            let buffer = message.handles[0].value;
            assert_eq!(survivor.buffer_look(find(survivor, buffer), || ()), Ok([7, 7]));
            survivor.close(find(survivor, buffer)).unwrap();
        }
        close_all(survivor, survivors);
    },
};

pub const CLOSING_A_BUFFER: Scene = Scene {
    name: "closing the last handle to a buffer",
    points: &["part.leaving", "part.unlinked"],
    setup: connected_actors,
    act: |victim, _| {
        let buffer = buffer_of(victim, 9)?;
        victim.close_value(buffer)
    },
    beside: |_, _| Vec::new(),
    after: |survivor, survivors| {
        // Its block is free: there are no more.
        let buffers: Vec<_> = std::iter::from_fn(|| buffer_of(survivor, 1).ok()).collect();
        assert!(!buffers.is_empty());
        buffers.into_iter().for_each(|buffer| survivor.close(find(survivor, buffer)).unwrap());
        close_all(survivor, survivors);
    },
};
