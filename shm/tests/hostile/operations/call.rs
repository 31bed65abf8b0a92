//! Operations of channels: calls.

use super::{HostileOperation, Turn};
use jacinth_shm::{Result, Rights, VecBuf};

pub const OPERATIONS: &[HostileOperation] = &[begin, finish];

fn begin(turn: &mut Turn<'_>) -> Result<()> {
    let call =
        turn.thread.call_begin(turn.found()?, Rights::empty(), &turn.bytes, &turn.some, Rights::empty())?;
    turn.hands.calls.push(call);
    Ok(())
}

/// Finishes a call, or gives it up.
fn finish(turn: &mut Turn<'_>) -> Result<()> {
    let Some(call) = turn.hands.calls.pop() else { return Ok(()) };
    if turn.choices.below(4) == 0 {
        turn.thread.call_abandon(&call);
        return Ok(());
    }
    let (mut bytes, mut received) = (Vec::new(), Vec::new());
    let mut buffer = VecBuf::new(&mut bytes, &mut received);
    let result = turn.thread.call_finish(&call, turn.deadline_ns, &mut buffer).map(drop);
    turn.hands.values.extend(received.iter().map(|handle| handle.value));
    result
}
