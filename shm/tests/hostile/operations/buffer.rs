//! Operations of buffers.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{HandleValue, ObjectClass, Result, Rights};

/// The operations of buffers.
pub const OPERATIONS: &[HostileOperation] = &[create, for_a_channel, size, view, view, forward];

const NONE: Rights = Rights::empty();

/// A buffer of the process: mostly one that it has, if it has one.
fn buffer(turn: &mut Turn<'_>) -> HandleValue {
    let is_buffer = |value: &&HandleValue| {
        turn.thread.lookup(**value).and_then(|found| turn.thread.class(found)) == Ok(ObjectClass::Buffer)
    };
    let buffers: Vec<HandleValue> = turn.hands.values.iter().filter(is_buffer).copied().collect();
    if buffers.is_empty() || turn.choices.below(16) == 0 {
        return turn.value;
    }
    buffers[turn.choices.below(buffers.len())]
}

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let mut buffer = turn.thread.buffer_create(turn.bytes.len(), ALL)?;
    buffer.unsent_mut().write_at(0, &turn.bytes)?;
    if turn.choices.below(4) == 0 {
        return turn.thread.discard(buffer);
    }
    turn.hands.values.push(turn.thread.freeze(buffer)?);
    Ok(())
}

fn for_a_channel(turn: &mut Turn<'_>) -> Result<()> {
    let buffer = turn.thread.reserve_buffer(turn.found()?, NONE, turn.bytes.len(), ALL)?;
    turn.hands.values.push(turn.thread.freeze(buffer)?);
    Ok(())
}

fn size(turn: &mut Turn<'_>) -> Result<()> {
    let buffer = buffer(turn);
    turn.thread.buffer_size(turn.thread.lookup(buffer)?, NONE).map(drop)
}

/// Looks at the first and the last byte: others may write them at that time, so no reference is kept.
fn view(turn: &mut Turn<'_>) -> Result<()> {
    let buffer = buffer(turn);
    let view = turn.thread.view(turn.thread.lookup(buffer)?, NONE)?;
    std::hint::black_box((view.bytes().first().copied(), view.bytes().last().copied()));
    turn.thread.end_view(view)
}

fn forward(turn: &mut Turn<'_>) -> Result<()> {
    let buffer = buffer(turn);
    let copy = turn.thread.duplicate(turn.thread.lookup(buffer)?, ALL)?;
    turn.thread.send_with_handles(turn.found()?, NONE, &turn.bytes, &[copy], NONE, None)
}
