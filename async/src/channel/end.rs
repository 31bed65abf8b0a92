//! The parts of an end that its futures use.

use super::inbox::Inbox;
use crate::reactor::ready::Ready;
use jacinth::{MessageBuf, Status};

/// An end of a channel, and what its futures share.
#[derive(Debug)]
pub(super) struct End {
    /// Before the channel: its keys are taken back before the handle is closed.
    pub(super) ready: Ready,
    pub(super) inbox: Inbox,
    pub(super) channel: jacinth::Channel,
}

impl End {
    /// The next message that is no reply.
    pub(super) fn try_receive(&self, message: &mut MessageBuf) -> Result<(), Status> {
        let has_read = !self.inbox.has_calls();
        if has_read {
            self.channel.read(message)?;
            // Looked at again: a task of another thread may have begun the first call since, and this may be its reply.
            if !self.inbox.has_calls() {
                return Ok(());
            }
        }
        self.inbox.receive(&self.channel, &self.ready, message, has_read)
    }

    /// The reply to a call.
    pub(super) fn try_reply(&self, id: u32) -> Result<MessageBuf, Status> {
        self.inbox.reply_to(&self.channel, &self.ready, id)
    }
}
