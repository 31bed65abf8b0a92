//! Operations of channels: messages by copies.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{ObjectClass, OnOverflow, Result, Rights, VecBuf};

pub const OPERATIONS: &[HostileOperation] =
    &[create, write, write, write, write_handles, write_handles, read, read, write_batch, read_batch];

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (one, other) = turn.thread.create(ObjectClass::Channel, ALL)?;
    turn.hands.values.push(one);
    turn.hands.values.extend(other);
    Ok(())
}

fn write(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.send(turn.found()?, Rights::empty(), &turn.bytes)
}

fn write_handles(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.send_with_handles(
        turn.found()?,
        Rights::empty(),
        &turn.bytes,
        &turn.some,
        Rights::empty(),
        None,
    )
}

fn read(turn: &mut Turn<'_>) -> Result<()> {
    let (mut bytes, mut received) = (Vec::new(), Vec::new());
    let mut buffer = VecBuf::new(&mut bytes, &mut received);
    let result = turn.thread.receive(turn.found()?, Rights::empty(), &mut buffer, OnOverflow::Keep).map(drop);
    turn.hands.values.extend(received.iter().map(|handle| handle.value));
    result
}

fn write_batch(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.send_batch(turn.found()?, Rights::empty(), &[&turn.bytes[..], &b"2"[..]]).map(drop)
}

fn read_batch(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.receive_batch(turn.found()?, Rights::empty(), 10, &mut Vec::new(), &mut Vec::new()).map(drop)
}
