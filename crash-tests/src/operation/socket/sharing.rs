//! Sockets that are shared over a socket, their *carrier*, whose ends the survivor holds both. It keeps the other end of each
//! socket that is shared, too.

use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel};
use crate::operation::guarantee::CLOSE;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::socket::scene::{OWN, SHARED, control_and_end, create, read_each, socket, write};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a share.
const SHARE: &str = "the socket is queued with its rights, or closed, and the survivor shares another";
/// The guarantee of a share that is refused.
const REFUSED: &str = "the socket is closed, and the one that is queued stays";
/// The guarantee of an accept.
const ACCEPT: &str = "the socket goes to the victim, and ends with it, or stays queued";
/// The guarantee of closing an end.
const QUEUE_CLOSED: &str = "the queued socket is closed, and the other end sees PEER_CLOSED";

/// The place, in the fixture's list, of the other end of the socket that the victim shares or accepts.
const KEPT: usize = 2;

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        // The block of the queue comes with it.
        share("socket_share_first", 0).exercises_recovery(),
        share("socket_share", 1),
        share_refused(),
        accept().exercises_recovery(),
        close().exercises_recovery(),
        close_both().exercises_recovery(),
    ]
}

/// Shares one end of a new socket over a carrier. The other end.
fn share_new(carrier: &NullableHandle) -> NullableHandle {
    let (kept, shared) = create(SocketOpts::STREAM);
    raw::socket_share(carrier.raw_handle(), shared.into_raw()).expect("a place in the queue");
    kept
}

/// In the victim: its control channel, its end of the carrier, and the socket that it is to share.
fn control_end_and_shared() -> (Channel, NullableHandle, NullableHandle) {
    let (control, end) = control_and_end();
    let shared = receive_handles(&control).remove(0);
    (control, end, shared)
}

/// The socket that is queued at an end, if there is one.
fn accepted(end: &NullableHandle) -> Result<Option<NullableHandle>, String> {
    match raw::socket_accept(end.raw_handle()) {
        Ok(value) => Ok(Some(NullableHandle::from_raw(value))),
        Err(Status::SHOULD_WAIT) => Ok(None),
        Err(status) => Err(format!("accepting: {status}")),
    }
}

fn check_connected(end: &NullableHandle, kept: &NullableHandle) -> CheckResult {
    let found = (write(end, b"over the shared one"), read_each(kept));
    if found == (Ok(19), (vec![b"over the shared one".to_vec()], Status::SHOULD_WAIT)) {
        Ok(())
    } else {
        Err(format!("what came was another socket, or without its rights: {found:?}"))
    }
}

fn check_closed(kept: &NullableHandle) -> CheckResult {
    if signals_of(kept).contains(Signals::SOCKET_PEER_CLOSED) {
        Ok(())
    } else {
        Err("a socket that is not queued is not closed either".into())
    }
}

/// The socket whose other end is kept is queued at an end, or it is closed. With a victim that has finished: it is queued, if it
/// was to be.
fn check_kept(fixture: &Fixture, end: usize, outcome: Outcome, was_to_be_queued: bool) -> CheckResult {
    let (end, kept) = (&fixture.kept[end], &fixture.kept[KEPT]);
    let queued = accepted(end)?;
    if outcome == Outcome::Finished && queued.is_some() != was_to_be_queued {
        return Err(format!("the victim has finished, and the queue has {queued:?}"));
    }
    if let Some(queued) = queued {
        check_connected(&queued, kept)?;
    }
    check_closed(kept)
}

fn check_goes_on(fixture: &Fixture) -> CheckResult {
    for round in 0..3 {
        for (from, to) in [(SHARED, OWN), (OWN, SHARED)] {
            let (from, to) = (&fixture.kept[from], &fixture.kept[to]);
            let kept = share_new(from);
            let queued = accepted(to)?.ok_or(format!("the queue is empty, round {round}"))?;
            check_connected(&queued, &kept)?;
        }
    }
    Ok(())
}

/// The victim shares a socket, after as many others as the survivor has taken out again.
fn share(name: &str, before: usize) -> OperationSpec {
    OperationSpec::new(name, SHARE)
        .set_up(move || {
            let mut fixture = socket(SocketOpts::HAS_ACCEPT, true, |ours, theirs| {
                for _ in 0..before {
                    drop(share_new(theirs));
                    drop(accepted(ours).expect("a queue").expect("a socket"));
                }
            });
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_ACCEPT);
            send_one(&mut fixture);
            fixture
        })
        .prepare(|| {
            let (control, end, shared) = control_end_and_shared();
            move || {
                raw::socket_share(end.raw_handle(), shared.into_raw()).expect("a place in the queue");
                (end, control)
            }
        })
        .check(|fixture, outcome| {
            check_kept(fixture, OWN, outcome, true)?;
            check_goes_on(fixture)
        })
}

/// Sends the victim one end of a new socket, and keeps the other.
fn send_one(fixture: &mut Fixture) {
    let (kept, shared) = create(SocketOpts::STREAM);
    fixture.kept.push(kept);
    fixture.send(vec![shared]);
}

/// The queue is full: the socket is closed.
fn share_refused() -> OperationSpec {
    OperationSpec::new("socket_share_refused", REFUSED)
        .set_up(|| {
            let mut first = None;
            let mut fixture =
                socket(SocketOpts::HAS_ACCEPT, true, |_, theirs| first = Some(share_new(theirs)));
            send_one(&mut fixture);
            fixture.sleep_on(fixture.kept[KEPT].raw_handle(), Signals::SOCKET_PEER_CLOSED);
            fixture.kept.extend(first);
            fixture
        })
        .prepare(|| {
            let (control, end, shared) = control_end_and_shared();
            move || {
                let refused = raw::socket_share(end.raw_handle(), shared.into_raw());
                assert_eq!(refused, Err(Status::SHOULD_WAIT));
                (end, control)
            }
        })
        .check(|fixture, _| {
            check_closed(&fixture.kept[KEPT])?;
            let queued = accepted(&fixture.kept[OWN])?.ok_or("the queue is empty")?;
            check_connected(&queued, &fixture.kept[KEPT + 1])?;
            check_goes_on(fixture)
        })
}

/// The victim accepts a socket, and another thread waits for its place.
fn accept() -> OperationSpec {
    OperationSpec::new("socket_accept", ACCEPT)
        .set_up(|| {
            let mut kept = None;
            let mut fixture = socket(SocketOpts::HAS_ACCEPT, true, |ours, _| kept = Some(share_new(ours)));
            fixture.kept.extend(kept);
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_SHARE);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                let accepted = raw::socket_accept(end.raw_handle()).expect("a socket");
                (NullableHandle::from_raw(accepted), end, control)
            }
        })
        .check(|fixture, outcome| {
            check_kept(fixture, SHARED, outcome, false)?;
            check_goes_on(fixture)
        })
}

/// The victim closes the only handle to an end with a queued socket.
fn close() -> OperationSpec {
    OperationSpec::new("close_socket_with_queued", QUEUE_CLOSED)
        .set_up(|| {
            let mut kept = None;
            let mut fixture = socket(SocketOpts::HAS_ACCEPT, false, |ours, _| kept = Some(share_new(ours)));
            fixture.kept.extend(kept);
            fixture.sleep_on(fixture.kept[1].raw_handle(), Signals::SOCKET_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                drop(end);
                control
            }
        })
        .check(|fixture, _| {
            fixture.kept.iter().try_for_each(check_closed)?;
            let (_kept, shared) = create(SocketOpts::STREAM);
            match raw::socket_share(fixture.kept[OWN].raw_handle(), shared.into_raw()) {
                Err(Status::PEER_CLOSED) => Ok(()),
                other => Err(format!("sharing with the dead victim gave {other:?}")),
            }
        })
}

/// The victim closes both ends of a carrier, each of which has a socket in its queue.
fn close_both() -> OperationSpec {
    OperationSpec::new("close_socket_both_with_queued", CLOSE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            for _ in 0..2 {
                send_one(&mut fixture);
            }
            fixture.sleep_on(fixture.kept[1].raw_handle(), Signals::SOCKET_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let (one, other) = create(SocketOpts::HAS_ACCEPT);
            for end in [&one, &other] {
                let shared = receive_handles(&control).remove(0);
                raw::socket_share(end.raw_handle(), shared.into_raw()).expect("a place in the queue");
            }
            move || {
                drop((one, other));
                control
            }
        })
        .check(|fixture, _| fixture.kept.iter().try_for_each(check_closed))
}

/// The socket that an accept was refused is still queued.
pub(super) fn check_still_queued(fixture: &Fixture) -> CheckResult {
    let queued = accepted(&fixture.kept[SHARED])?.ok_or("the queue is empty")?;
    check_connected(&queued, &fixture.kept[KEPT])?;
    drop(queued);
    check_goes_on(fixture)
}
