//! Operations of channels: messages written and read in place.

use super::{HostileOperation, Turn};
use jacinth_shm::{Result, Rights};

pub const OPERATIONS: &[HostileOperation] = &[reserve, commit, receive_in_place, finish];

fn reserve(turn: &mut Turn<'_>) -> Result<()> {
    let mut loan = turn.thread.reserve(turn.found()?, Rights::empty(), turn.bytes.len(), 0)?;
    let written = loan.unsent_mut().write_at(0, &turn.bytes);
    turn.hands.loans.push(loan);
    written
}

/// Sends a loan, or returns it.
fn commit(turn: &mut Turn<'_>) -> Result<()> {
    match turn.hands.loans.pop() {
        Some(loan) if turn.choices.below(4) > 0 => turn.thread.commit(loan, &[], Rights::empty()),
        Some(loan) => turn.thread.return_loan(loan),
        None => Ok(()),
    }
}

fn receive_in_place(turn: &mut Turn<'_>) -> Result<()> {
    let held = turn.thread.receive_in_place(turn.found()?, Rights::empty())?;
    turn.hands.messages.push(held);
    Ok(())
}

fn finish(turn: &mut Turn<'_>) -> Result<()> {
    let Some(held) = turn.hands.messages.pop() else { return Ok(()) };
    let mut copy = vec![0; held.len().min(1 << 20)];
    let read = held.read_at(0, &mut copy);
    let values = &mut turn.hands.values;
    turn.thread.finish(held, &mut |handle| values.push(handle.value)).and(read)
}
