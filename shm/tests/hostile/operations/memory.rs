//! Operations that free ended objects.

use super::{HostileOperation, Turn};
use jacinth_shm::Result;

pub const OPERATIONS: &[HostileOperation] = &[collect, reclaim];

fn collect(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.collect().map(drop)
}

fn reclaim(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.reclaim().map(drop)
}
