//! Scenes of sockets: a ring grows, a message in the control plane, shutdown, sockets that are shared over a socket. What they
//! share with fifos has scenes there.

use super::*;
use crate::support::names::duplicate;
use crate::support::sockets::*;
use jacinth_shm_loom::{Shutdown, SocketOptions, Taking};

pub const SCENES: &[Scene] = &[
    GROWING_A_RING,
    WRITING_A_CONTROL_MESSAGE,
    READING_A_CONTROL_MESSAGE,
    CLOSING_WITH_A_CONTROL_MESSAGE,
    SHUTTING_DOWN,
    SHARING_A_SOCKET,
    SHARING_BESIDE_ANOTHER,
    SHARING_WITH_A_SLEEPER,
    SHARING_WITH_A_CLOSER,
    ACCEPTING_A_SOCKET,
    ACCEPTING_FOR_A_WAITING_SHARER,
    CLOSING_AN_ACCEPTOR,
    CLOSING_A_CARRIER,
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

/// The end of a carrier at which sockets are shared.
const NEAR: usize = 0;
/// The end at which they are accepted.
const FAR: usize = 1;

/// A socket that others are shared over: the survivor has both ends, and the victim a second handle to one of them.
fn carrier(end: usize) -> Actors {
    let supervisor = first(&small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 4096;
    }));
    let survivor = child(&supervisor, None);
    let ends = create_socket(&survivor, SocketOptions::HAS_ACCEPT);
    let (victim, process_slot) = child_with_slot(&survivor, Some(duplicate(&survivor, ends[end])));
    let theirs = startup(&victim);
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: ends.to_vec() }
}

/// Shares one end of a new socket over a carrier, and keeps the other.
fn share_new(thread: &Thread, carrier: HandleValue) -> HandleValue {
    let [kept, shared] = create_socket(thread, STREAM);
    assert_eq!(thread.socket_share(carrier, ALL, shared, ALL), Ok(()));
    kept
}

/// The victim can share an end of a socket whose other end the survivor keeps. The queue that it goes to has no block yet.
fn sharer() -> Actors {
    let mut actors = carrier(NEAR);
    let Actors { victim, survivor, victims, survivors, .. } = &mut actors;
    // The victim gets the end by the queue of its own side.
    survivors.push(share_new(survivor, survivors[FAR]));
    victims.push(victim.socket_accept(victims[0], ALL).unwrap().value);
    actors
}

/// The victim can accept an end of a socket whose other end the survivor keeps.
fn acceptor() -> Actors {
    let mut actors = carrier(FAR);
    let Actors { survivor, survivors, .. } = &mut actors;
    survivors.push(share_new(survivor, survivors[NEAR]));
    actors
}

/// The socket that is queued, if there is one. It must have all rights.
fn accept_shared(thread: &Thread, carrier: HandleValue) -> Option<HandleValue> {
    match thread.socket_accept(carrier, ALL) {
        Ok(received) => {
            assert_eq!(received.rights, ALL, "the rights go with the handle");
            Some(received.value)
        }
        Err(error) => {
            assert_eq!(error, Error::ShouldWait);
            None
        }
    }
}

fn accept_beside(survivor: &Thread, survivors: &[HandleValue]) -> Vec<HandleValue> {
    accept_shared(survivor, survivors[FAR]).into_iter().collect()
}

/// What is still queued comes out, and the queue takes and gives another socket.
fn queue_goes_on(survivor: &Thread, survivors: &[HandleValue]) {
    let &[near, far, kept] = survivors else { panic!("{survivors:?}") };
    while let Some(queued) = accept_shared(survivor, far) {
        survivor.close_value(queued).unwrap();
    }
    assert_eq!(survivor.socket_share(near, ALL, kept, ALL), Ok(()));
    let kept = accept_shared(survivor, far).unwrap();
    close_all(survivor, &[near, far, kept]);
}

pub const SHARING_A_SOCKET: Scene = Scene {
    name: "sharing a socket",
    points: &["part.intended", "part.linked", "part.bound", "offer.*", "move.*"],
    setup: sharer,
    act: |victim, victims| victim.socket_share(victims[0], ALL, victims[1], ALL),
    beside: accept_beside,
    after: |survivor, survivors| {
        // The end comes, from the victim or from recovery, or is closed.
        if let Some(end) = accept_shared(survivor, survivors[FAR]) {
            assert_eq!(send(survivor, end, &[1]), Ok(1));
            assert_eq!(receive(survivor, survivors[2], 8), Ok(vec![1]));
            survivor.close_value(end).unwrap();
        }
        queue_goes_on(survivor, survivors);
    },
};

pub const SHARING_BESIDE_ANOTHER: Scene = Scene {
    name: "sharing a socket while another thread shares one",
    // One of them finds that the other has linked the block, or has the place.
    points: &["part.intended", "part.linked", "offer.reserved", "move.committed"],
    setup: sharer,
    act: |victim, victims| match victim.socket_share(victims[0], ALL, victims[1], ALL) {
        Err(Error::ShouldWait) => victim.close_value(victims[1]),
        shared => shared,
    },
    beside: |survivor, survivors| {
        let [kept, shared] = create_socket(survivor, STREAM);
        match survivor.socket_share(survivors[NEAR], ALL, shared, ALL) {
            Ok(()) => vec![kept],
            Err(error) => {
                assert_eq!(error, Error::ShouldWait);
                vec![kept, shared]
            }
        }
    },
    after: queue_goes_on,
};

pub const SHARING_WITH_A_SLEEPER: Scene = Scene {
    name: "sharing a socket with a sleeper",
    // Before the commit, a death leaves the survivor asleep: nothing is queued.
    points: &["move.committed", "offer.live", "move.freed", "offer.moved"],
    setup: sharer,
    act: SHARING_A_SOCKET.act,
    beside: |survivor, survivors| {
        assert_eq!(wait(survivor, survivors[FAR], Signals::ACCEPT).0, Ok(()));
        vec![accept_shared(survivor, survivors[FAR]).unwrap()]
    },
    after: queue_goes_on,
};

pub const SHARING_WITH_A_CLOSER: Scene = Scene {
    name: "sharing a socket with an end that is closed",
    points: &["offer.*", "move.committed"],
    setup: sharer,
    act: |victim, victims| match victim.socket_share(victims[0], ALL, victims[1], ALL) {
        Err(Error::PeerClosed) => victim.close_value(victims[1]),
        shared => shared,
    },
    beside: |survivor, survivors| {
        survivor.close_value(survivors[FAR]).unwrap();
        Vec::new()
    },
    after: |survivor, survivors| {
        assert_eq!(survivor.signals_of(survivors[2]).unwrap() & PEER_CLOSED, PEER_CLOSED);
        close_all(survivor, &[survivors[NEAR], survivors[2]]);
    },
};

pub const ACCEPTING_A_SOCKET: Scene = Scene {
    name: "accepting a socket",
    points: &["accept.*"],
    setup: acceptor,
    act: |victim, victims| match victim.socket_accept(victims[0], ALL) {
        Ok(_) | Err(Error::ShouldWait) => Ok(()),
        Err(error) => Err(error),
    },
    beside: accept_beside,
    after: queue_goes_on,
};

pub const ACCEPTING_FOR_A_WAITING_SHARER: Scene = Scene {
    name: "accepting a socket while another waits for its place",
    // Before the commit, a death leaves the survivor asleep: the queue is full.
    points: &["accept.committed", "accept.live"],
    setup: acceptor,
    act: ACCEPTING_A_SOCKET.act,
    beside: |survivor, survivors| {
        assert_eq!(wait(survivor, survivors[NEAR], Signals::SHARE).0, Ok(()));
        vec![share_new(survivor, survivors[NEAR])]
    },
    after: queue_goes_on,
};

pub const CLOSING_AN_ACCEPTOR: Scene = Scene {
    name: "closing an end to which a socket was shared",
    points: &["queued.closed", "release.told", "release.done"],
    setup: || {
        let mut actors = acceptor();
        let Actors { survivor, survivors, .. } = &mut actors;
        survivor.close_value(survivors.remove(FAR)).unwrap();
        survivors.extend(create_socket(survivor, STREAM));
        actors
    },
    act: |victim, victims| victim.close_value(victims[0]),
    beside: |survivor, survivors| {
        let shared = survivor.socket_share(survivors[NEAR], ALL, survivors[3], ALL);
        if let Err(error) = shared {
            assert!(matches!(error, Error::PeerClosed | Error::ShouldWait), "{error}");
            survivor.close_value(survivors[3]).unwrap();
        }
        Vec::new()
    },
    after: |survivor, survivors| {
        for kept in &survivors[1..3] {
            assert_eq!(survivor.signals_of(*kept).unwrap() & PEER_CLOSED, PEER_CLOSED);
        }
        close_all(survivor, &survivors[..3]);
    },
};

pub const CLOSING_A_CARRIER: Scene = Scene {
    name: "closing both ends of a carrier with a queued socket",
    points: &["queued.closed", "part.leaving", "part.unlinked"],
    setup: || owners(STREAM),
    act: |victim, victims| {
        let (near, far) = victim.socket_create(SocketOptions::HAS_ACCEPT, ALL)?;
        victim.socket_share(near, ALL, victims[0], ALL)?;
        victim.close_value(near)?;
        victim.close_value(far)?;
        victim.collect().map(drop)
    },
    beside: await_the_end,
    after: close_all,
};
