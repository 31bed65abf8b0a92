//! The second process of a scenario: the same program again, with one end of a channel.

use anyhow::{Context as _, Result, ensure};
use clap::{Subcommand, ValueEnum};
use jacinth::{
    Channel, ChannelOptions, MessageBuf, MonotonicDuration, MonotonicInstant, NullableHandle, Signals,
    Status, Supervisor,
};
use std::process::{Child, Command, Stdio};

/// The hidden subcommand that makes this program a peer.
#[derive(Subcommand)]
pub enum Role {
    /// Be the second process of a scenario
    #[command(hide = true)]
    Peer {
        /// Its part
        #[arg(value_enum)]
        part: Part,
        /// Where its random choices start
        #[arg(default_value_t = 0)]
        seed: u64,
    },
}

/// The part of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Closes the handles that are sent to it
    Closer,
    /// Sends the elements of a fifo back
    Echo,
    /// Sends the bytes of a socket back
    EchoBytes,
    /// Sends some messages, and ends
    Client,
    /// Works at random until it is killed
    Worker,
}

/// A peer that runs, and the end of its channel. It is killed when this is dropped.
pub struct Peer {
    child: Child,
    /// The channel to the peer, which has the other end.
    pub line: Channel,
}

impl Peer {
    /// Starts one.
    pub fn spawn(supervisor: &Supervisor, part: Part, seed: u64) -> Result<Self> {
        let options = if part == Part::Worker { short() } else { ChannelOptions::new() };
        let (line, startup) = Channel::create_with(options).context("making a peer's channel")?;
        let name = part.to_possible_value().context("every part has a name")?;
        let mut command = Command::new("/proc/self/exe");
        command.args(["peer", name.get_name(), &seed.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = supervisor.spawn(&mut command, startup).context("starting a peer")?;
        Ok(Self { child, line })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing a peer")?;
        self.child.wait().context("waiting for a peer")?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub fn join(&mut self) -> Result<()> {
        let status = self.child.wait().context("waiting for a peer")?;
        ensure!(status.success(), "a peer ended with {status}");
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Channels that fill up soon, so that the memory in use is soon constant.
pub fn short() -> ChannelOptions {
    ChannelOptions::new().max_pending_messages(32)
}

/// When work that depends on another process must be done.
pub fn deadline() -> MonotonicInstant {
    MonotonicInstant::after(MonotonicDuration::from_seconds(60))
}

/// Writes the message, once there is room for it.
pub fn send(line: &Channel, bytes: &[u8], handles: &mut [NullableHandle]) -> Result<()> {
    loop {
        match line.write(bytes, handles) {
            Err(Status::SHOULD_WAIT) => {
                let wanted = Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED;
                line.wait_one(wanted, deadline()).to_result().context("waiting for room")?;
            }
            written => return written.context("writing"),
        }
    }
}

/// Reads the next message, once there is one. `false` when the other end is closed.
pub fn receive(line: &Channel, message: &mut MessageBuf) -> Result<bool> {
    loop {
        match line.read(message) {
            Err(Status::SHOULD_WAIT) => {
                let wanted = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                line.wait_one(wanted, deadline()).to_result().context("waiting for a message")?;
            }
            Err(Status::PEER_CLOSED) => return Ok(false),
            read => return read.context("reading").map(|()| true),
        }
    }
}
