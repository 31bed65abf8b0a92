//! Operations of events.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{ObjectClass, Result};

pub const OPERATIONS: &[HostileOperation] = &[create, signal, set_cookie, cookie];

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (one, other) = turn.thread.create(ObjectClass::Event, ALL)?;
    turn.hands.values.push(one);
    turn.hands.values.extend(other);
    Ok(())
}

fn signal(turn: &mut Turn<'_>) -> Result<()> {
    let (clear, set) = (turn.signals(), turn.signals());
    turn.thread.signal(turn.found()?, clear, set)
}

fn set_cookie(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.set_cookie(turn.found()?, turn.found()?, 7)
}

fn cookie(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.cookie(turn.found()?, turn.found()?).map(drop)
}
