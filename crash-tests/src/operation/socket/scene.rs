//! The part that the operations on sockets share: sockets that a victim has an end of, and what comes out of them.
//!
//! Each byte follows from its position in its stream, so bytes that are missing, torn or twice there are seen.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use jacinth::*;
use std::ops::Range;

/// The place, in the fixture's list, of the survivor's end: the peer of the victim's.
pub(super) const OWN: usize = 0;
/// The place of the survivor's handle to the victim's end, if that is shared.
pub(super) const SHARED: usize = 1;

/// The bytes at these positions.
pub(super) fn bytes(positions: Range<usize>) -> Vec<u8> {
    positions.map(|position| (position % 251) as u8).collect()
}

/// A socket.
pub(super) fn create(options: SocketOpts) -> (NullableHandle, NullableHandle) {
    let (one, other) = Socket::create(options).expect("a socket");
    (one.into(), other.into())
}

/// Writes these bytes, or this datagram.
pub(super) fn write(end: &impl AsHandleRef, bytes: &[u8]) -> Result<usize, Status> {
    raw::socket_write(end.as_handle_ref().raw_handle(), SocketWriteOpts::empty(), bytes)
}

/// Reads bytes, or a datagram.
pub(super) fn read_into(end: &impl AsHandleRef, bytes: &mut [u8]) -> Result<usize, Status> {
    raw::socket_read(end.as_handle_ref().raw_handle(), SocketReadOpts::empty(), bytes)
}

/// Writes a message to the control plane.
pub(super) fn write_control(end: &impl AsHandleRef, bytes: &[u8]) -> Result<usize, Status> {
    raw::socket_write(end.as_handle_ref().raw_handle(), SocketWriteOpts::CONTROL, bytes)
}

/// Reads the message of the control plane.
pub(super) fn read_control(end: &impl AsHandleRef) -> Result<Vec<u8>, Status> {
    let mut bytes = vec![0; 1024];
    let many = raw::socket_read(end.as_handle_ref().raw_handle(), SocketReadOpts::CONTROL, &mut bytes)?;
    bytes.truncate(many);
    Ok(bytes)
}

/// Reads until there is nothing: each read by itself, and the status that ended it.
pub(super) fn read_each(end: &impl AsHandleRef) -> (Vec<Vec<u8>>, Status) {
    let mut reads = Vec::new();
    loop {
        let mut buffer = vec![0; 3000];
        match read_into(end, &mut buffer) {
            Ok(many) => reads.push(buffer[..many].to_vec()),
            Err(status) => return (reads, status),
        }
    }
}

/// The survivor keeps an end of a socket and sends the victim the other. `prepare` gets both: the survivor's, and then the
/// victim's.
pub(super) fn socket(
    options: SocketOpts,
    is_shared: bool,
    prepare: impl FnOnce(&NullableHandle, &NullableHandle),
) -> Fixture {
    let mut fixture = Fixture::new();
    let (ours, theirs) = create(options);
    let kept = is_shared.then(|| theirs.duplicate(Rights::SAME_RIGHTS).expect("a second handle"));
    prepare(&ours, &theirs);
    fixture.kept = [Some(ours), kept].into_iter().flatten().collect();
    fixture.send(vec![theirs]);
    fixture
}

/// In the victim: its control channel and its end.
pub(super) fn control_and_end() -> (Channel, NullableHandle) {
    let control = startup_channel();
    let end = receive_handles(&control).remove(0);
    (control, end)
}

/// What was found is one of these states: before the victim's first step, after it, and so on. A victim that has finished has
/// done all of them.
pub(super) fn check_state<T: PartialEq + std::fmt::Debug>(
    outcome: Outcome,
    found: &T,
    states: &[T],
) -> CheckResult {
    let is_last = states.last() == Some(found);
    if is_last || outcome == Outcome::Killed && states.contains(found) {
        Ok(())
    } else {
        let mut text = format!("{found:?}");
        text.truncate(200);
        Err(format!("{text} is not what is permitted of a victim that was {outcome:?}"))
    }
}

/// The survivor goes on at both ends, which are empty: what it writes at one comes out at the other.
pub(super) fn check_goes_on(fixture: &Fixture) -> CheckResult {
    let (ours, theirs) = (&fixture.kept[OWN], &fixture.kept[SHARED]);
    for round in 0..3 {
        for (from, to) in [(theirs, ours), (ours, theirs)] {
            let sent = bytes(round..round + 7);
            if write(from, &sent) != Ok(7) || read_each(to) != (vec![sent], Status::SHOULD_WAIT) {
                return Err(format!("the survivor cannot go on, round {round}"));
            }
        }
    }
    Ok(())
}
