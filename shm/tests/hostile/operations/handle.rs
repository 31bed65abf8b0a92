//! Operations on handles of any object.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{HandleValue, Result, Rights, Signals, WaitItem};

pub const OPERATIONS: &[HostileOperation] = &[duplicate, replace, close, wait_one, wait_many, describe];

fn duplicate(turn: &mut Turn<'_>) -> Result<()> {
    let value = turn.thread.duplicate(turn.found()?, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

fn replace(turn: &mut Turn<'_>) -> Result<()> {
    let value = turn.thread.replace(turn.found()?, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

fn close(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.close(turn.found()?)
}

fn wait_one(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.set_spin_ns(turn.choices.below(10_000) as i64);
    let waitfor = turn.signals();
    turn.thread.wait_one(turn.value, Rights::empty(), waitfor, turn.deadline_ns).0
}

fn wait_many(turn: &mut Turn<'_>) -> Result<()> {
    let item = |value: &HandleValue| WaitItem {
        handle: *value,
        waitfor: Signals::from_bits_retain(1 << 24),
        pending: Signals::empty(),
    };
    let mut items: Vec<_> = turn.some.iter().map(item).collect();
    turn.thread.wait_many(&mut items, Rights::empty(), turn.deadline_ns)
}

fn describe(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.basic(turn.found()?)?;
    turn.thread.class(turn.found()?)?;
    turn.thread.set_name(turn.found()?, &[b'x'; 32])?;
    let _ = turn.thread.handle_counts(turn.found()?);
    turn.thread.name(turn.found()?).map(drop)
}
