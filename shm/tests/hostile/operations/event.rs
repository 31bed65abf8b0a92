//! Operations of events.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{ObjectClass, Result};

pub const OPERATIONS: &[HostileOperation] = &[create, signal];

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
