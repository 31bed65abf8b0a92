//! Jacinth itself: every call with its full checks of handle, type and rights.

pub mod call;
pub mod channel;
pub mod fifo;
pub mod loan;
pub mod many_handles;
pub mod operation;
pub mod peer_closed;
pub mod port;
pub mod rpc;
pub mod socket;
pub mod transfer;
pub mod vmo;
pub mod writers;

use super::Stage;
use anyhow::{Context as _, Result};
use jacinth::{Channel, MessageBuf, MonotonicDuration, MonotonicInstant, NullableHandle, Signals};

/// The name of the column.
pub const WHO: &str = "jacinth";

/// How long a wait spins in the measurements that are said to spin: longer than anything takes.
const FOR_EVER: MonotonicDuration = MonotonicDuration::from_seconds(1);

/// The signals that a reader waits for.
const READABLE_OR_CLOSED: Signals = Signals::CHANNEL_READABLE.union(Signals::CHANNEL_PEER_CLOSED);

/// A new channel, one end of which the far side has been given.
fn hand_over(stage: &Stage<'_>) -> Result<Channel> {
    let (ours, theirs) = Channel::try_create().context("making a channel")?;
    stage.handover.write(b"", &mut [theirs.into()]).context("handing a channel over")?;
    Ok(ours)
}

/// The end that the near side has handed over.
fn take_over(stage: &Stage<'_>) -> Result<Channel> {
    take_handle(stage).map(Channel::from)
}

/// The handle that the near side has handed over.
fn take_handle(stage: &Stage<'_>) -> Result<NullableHandle> {
    let mut message = MessageBuf::new();
    stage
        .handover
        .wait_one(READABLE_OR_CLOSED, MonotonicInstant::INFINITE)
        .to_result()
        .context("waiting for a handle")?;
    stage.handover.read(&mut message).context("taking a handle")?;
    message.take_handle(0).context("a message came without a handle")
}
