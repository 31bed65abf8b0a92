//! Operations of event pairs.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{ObjectClass, Result};

pub const OPERATIONS: &[HostileOperation] = &[create, signal_peer];

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (one, other) = turn.thread.create(ObjectClass::EventPair, ALL)?;
    turn.hands.values.push(one);
    turn.hands.values.extend(other);
    Ok(())
}

fn signal_peer(turn: &mut Turn<'_>) -> Result<()> {
    let (clear, set) = (turn.signals(), turn.signals());
    turn.thread.signal_peer(turn.found()?, clear, set)
}
