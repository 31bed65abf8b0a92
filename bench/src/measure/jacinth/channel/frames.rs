//! A buffer for each frame, and a handle to it for each reader. A channel to a reader holds few messages.

use super::super::READABLE_OR_CLOSED;
use crate::measure::frames::{FanOut, FrameReader, QUEUED};
use crate::process::team::Seat;
use anyhow::{Context as _, Result};
use jacinth::{
    Buffer, BufferMut, Channel, ChannelOptions, MessageBuf, MonotonicInstant, Rights, Signals, Supervisor,
};
use std::process::{Child, Command};

/// The source's ends of the readers' channels.
pub struct Buffers {
    readers: Vec<Channel>,
}

/// A reader's end.
pub struct BufferReader {
    source: Channel,
    message: MessageBuf,
}

impl FanOut for Buffers {
    const WHO: &'static str = super::super::WHO;
    type Reader = BufferReader;

    fn source() -> Result<Self> {
        Ok(Self { readers: Vec::new() })
    }

    fn start(&mut self, reader: &mut Command) -> Result<Child> {
        let few = ChannelOptions::new().max_pending_messages(QUEUED as u32);
        let (ours, theirs) = Channel::create_with(few).context("making a reader's channel")?;
        self.readers.push(ours);
        Ok(Supervisor::get()?.spawn(reader, theirs)?)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let mut frame = BufferMut::create(bytes.len())?;
        frame.copy_from_slice(bytes);
        let frame = frame.freeze()?;
        for reader in &self.readers {
            let shared = frame.duplicate(Rights::SAME_RIGHTS)?;
            let has_room = Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED;
            reader.wait_one(has_room, MonotonicInstant::INFINITE).to_result()?;
            reader.write(b"", &mut [shared.into()])?;
        }
        Ok(())
    }
}

impl FrameReader for BufferReader {
    fn join(_: &Seat) -> Result<Self> {
        Ok(Self { source: jacinth::take_startup_handle()?.into(), message: MessageBuf::new() })
    }

    fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Result<T> {
        self.source.wait_one(READABLE_OR_CLOSED, MonotonicInstant::INFINITE).to_result()?;
        self.source.read(&mut self.message)?;
        let frame =
            self.message.take_handle(0).map(Buffer::from).context("a message came without a frame")?;
        Ok(look(&frame.view()?))
    }
}
