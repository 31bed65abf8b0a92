//! Operations of timers.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{ObjectClass, Result, Rights, Signals, WaitItem};

pub const OPERATIONS: &[HostileOperation] = &[create, set, cancel, wait];

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (timer, _) = turn.thread.create(ObjectClass::Timer, ALL)?;
    turn.hands.values.push(timer);
    Ok(())
}

/// To a time that has passed, or comes soon, or never.
fn set(turn: &mut Turn<'_>) -> Result<()> {
    let deadline_ns = [0, turn.deadline_ns, i64::MAX][turn.choices.below(3)];
    turn.thread.timer_set(turn.found()?, Rights::empty(), deadline_ns)
}

fn cancel(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.timer_cancel(turn.found()?, Rights::empty())
}

/// For the expiry of all that are timers.
fn wait(turn: &mut Turn<'_>) -> Result<()> {
    let item = |handle| WaitItem { handle, waitfor: Signals::SIGNALED, pending: Signals::empty() };
    let mut items: Vec<_> = turn.some.iter().copied().map(item).collect();
    turn.thread.wait_many(&mut items, Rights::empty(), turn.deadline_ns)
}
