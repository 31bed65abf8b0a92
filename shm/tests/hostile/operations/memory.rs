//! Operations that free ended objects.

use super::{Operation, Turn};
use jacinth_shm::Result;

pub const OPERATIONS: &[Operation] = &[collect, reclaim];

fn collect(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.collect().map(drop)
}

fn reclaim(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.reclaim().map(drop)
}
