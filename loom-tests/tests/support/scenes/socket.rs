//! Scenes of sockets: a ring grows, a message in the control plane, shutdown. What they share with fifos has scenes there.

use super::*;
use crate::support::sockets::*;
use jacinth_shm_loom::{Shutdown, SocketOptions, Taking};

pub const SCENES: &[Scene] = &[
    GROWING_A_RING,
    WRITING_A_CONTROL_MESSAGE,
    READING_A_CONTROL_MESSAGE,
    CLOSING_WITH_A_CONTROL_MESSAGE,
    SHUTTING_DOWN,
];

/// The victim has one side, the survivor the other.
fn owners(options: SocketOptions) -> Actors {
    let supervisor = first(&small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 4096;
    }));
    let [near, far] = create_socket(&supervisor, options);
    let (victim, process_slot) = child_with_slot(&supervisor, Some(near));
    let survivor = child(&supervisor, Some(far));
    let (near, far) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![near], survivor, survivors: vec![far] }
}

pub const GROWING_A_RING: Scene = Scene {
    name: "writing to a socket more than its ring holds",
    points: &["item.intended", "item.bound", "part.linked", "ring.closed", "item.opened", "stream.written"],
    setup: || owners(STREAM),
    act: |victim, victims| {
        send(victim, victims[0], &[1, 2, 3])?;
        send(victim, victims[0], &[4, 5])?;
        send(victim, victims[0], &[6]).map(drop)
    },
    beside: |survivor, survivors| {
        let mut got = Vec::new();
        let error = loop {
            match receive(survivor, survivors[0], 8) {
                Ok(some) => got.extend(some),
                Err(Error::ShouldWait) => loom::thread::yield_now(),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::PeerClosed);
        let wholes: [&[u8]; 4] = [&[], &[1, 2, 3], &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6]];
        assert!(wholes.contains(&&got[..]), "{got:?}");
        Vec::new()
    },
    after: close_all,
};

/// Sleeps until one of these, or the end of the other side.
fn await_or_end(survivor: &Thread, socket: HandleValue, signals: Signals) {
    assert_eq!(wait(survivor, socket, signals | PEER_CLOSED).0, Ok(()));
}

pub const WRITING_A_CONTROL_MESSAGE: Scene = Scene {
    name: "writing to the control plane of a socket",
    points: &["item.intended", "item.bound", "control.linked"],
    setup: || owners(SocketOptions::HAS_CONTROL),
    act: |victim, victims| send_control(victim, victims[0], &[1, 2]),
    beside: |survivor, survivors| {
        await_or_end(survivor, survivors[0], Signals::CONTROL_READABLE);
        let got = receive_control(survivor, survivors[0], Taking::Consume);
        assert!(got == Ok(vec![1, 2]) || got == Err(Error::ShouldWait), "{got:?}");
        Vec::new()
    },
    after: close_all,
};

pub const READING_A_CONTROL_MESSAGE: Scene = Scene {
    name: "reading from the control plane of a socket",
    points: &["item.leaving", "item.unlinked", "item.freed"],
    setup: || {
        let actors = owners(SocketOptions::HAS_CONTROL);
        assert_eq!(send_control(&actors.survivor, actors.survivors[0], &[3]), Ok(()));
        actors
    },
    act: |victim, victims| receive_control(victim, victims[0], Taking::Consume).map(drop),
    beside: |survivor, survivors| {
        await_or_end(survivor, survivors[0], Signals::CONTROL_WRITABLE);
        let sent = send_control(survivor, survivors[0], &[4, 5]);
        assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
        Vec::new()
    },
    after: close_all,
};

pub const CLOSING_WITH_A_CONTROL_MESSAGE: Scene = Scene {
    name: "closing a socket with an unread message in its control plane, and unread bytes",
    points: &["item.leaving", "item.unlinked", "item.freed"],
    setup: || owners(STREAM),
    act: |victim, _| {
        let (near, far) = victim.socket_create(SocketOptions::HAS_CONTROL, ALL)?;
        send_control(victim, near, &[1])?;
        send(victim, far, &[2])?;
        victim.close_value(near)?;
        victim.close_value(far)?;
        victim.collect().map(drop)
    },
    beside: nothing,
    after: close_all,
};

pub const SHUTTING_DOWN: Scene = Scene {
    name: "ending both directions of a socket",
    points: &["release.told", "shutdown.disabled"],
    setup: || {
        let actors = owners(STREAM);
        assert_eq!(send(&actors.victim, actors.victims[0], &[1]), Ok(1));
        actors
    },
    act: |victim, victims| victim.socket_shutdown(victims[0], ALL, Shutdown::all()),
    beside: |survivor, survivors| {
        for signal in [Signals::WRITE_DISABLED, Signals::PEER_WRITE_DISABLED] {
            await_or_end(survivor, survivors[0], signal);
        }
        let sent = send(survivor, survivors[0], &[2]);
        assert!(matches!(sent, Err(Error::BadState(_) | Error::PeerClosed)), "{sent:?}");
        let got = receive(survivor, survivors[0], 8);
        assert_eq!(got, Ok(vec![1]));
        let error = receive(survivor, survivors[0], 8).unwrap_err();
        assert!(matches!(error, Error::BadState(_) | Error::PeerClosed), "{error}");
        Vec::new()
    },
    after: close_all,
};
