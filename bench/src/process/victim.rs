//! A process that is there to be killed: the same program again, with one end of a channel.

use crate::machine::placement;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use jacinth::{Channel, Event, MessageBuf, MonotonicDuration, MonotonicInstant, Signals, Status, Supervisor};
use rustix::process::{Pid, Signal, kill_process};
use std::hint::black_box;
use std::process::{Child, Command, Stdio};

/// The hidden subcommand that makes this program a victim.
pub const SUBCOMMAND: &str = "victim";

/// The message that the victim sends when it is ready.
const READY: &[u8] = b"ready";
/// No memory is made of smaller pages.
const PAGE_BYTES: usize = 4096;

/// How many messages a victim puts into each channel.
const MESSAGES_A_CHANNEL: usize = 8000;

/// The objects and messages that a victim leaves.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Workload {
    /// Memory of its own that it has touched
    #[arg(long, default_value_t = 0)]
    pub touched_bytes: usize,
    /// Events that it holds
    #[arg(long, default_value_t = 0)]
    pub events: usize,
    /// Unread messages of 64 bytes, in channels of which it holds both ends
    #[arg(long, default_value_t = 0)]
    pub messages: usize,
}

/// A victim, as the process that will kill it holds it.
pub struct Victim {
    child: Child,
    channel: Channel,
}

impl Victim {
    /// Starts one on this processor, and waits until it has made its workload.
    pub fn spawn(supervisor: &Supervisor, cpu: Option<usize>, workload: Workload) -> Result<Self> {
        let (channel, startup) = Channel::try_create().context("making the victim's channel")?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).stdin(Stdio::null());
        command.arg("--touched-bytes").arg(workload.touched_bytes.to_string());
        command.arg("--events").arg(workload.events.to_string());
        command.arg("--messages").arg(workload.messages.to_string());
        if let Some(cpu) = cpu {
            command.arg("--cpu").arg(cpu.to_string());
        }
        let child = supervisor.spawn(&mut command, startup).context("starting a victim")?;
        let victim = Self { child, channel };
        let wanted = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
        let deadline = MonotonicInstant::after(MonotonicDuration::from_seconds(60));
        victim.channel.wait_one(wanted, deadline).to_result().context("waiting for a victim")?;
        let mut message = MessageBuf::new();
        victim.channel.read(&mut message).context("hearing from a victim")?;
        if message.bytes() != READY {
            bail!("a victim said {:?}", message.bytes());
        }
        Ok(victim)
    }

    /// Its process.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// The channel of which it has the other end.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Kills it.
    pub fn kill(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::KILL).context("killing a victim")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is a victim, until killed.
pub fn play(cpu: Option<usize>, workload: Workload) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if let Some(cpu) = cpu {
        placement::pin(cpu)?;
    }
    let channel = Channel::from(jacinth::take_startup_handle()?);
    let mut memory = vec![0_u8; workload.touched_bytes];
    for page in memory.chunks_mut(PAGE_BYTES) {
        page[0] = 1;
    }
    let events = (0..workload.events).map(|_| Event::try_create()).collect::<Result<Vec<_>, _>>()?;
    let channels = (0..workload.messages.div_ceil(MESSAGES_A_CHANNEL))
        .map(|channel| full_channel(MESSAGES_A_CHANNEL.min(workload.messages - channel * MESSAGES_A_CHANNEL)))
        .collect::<Result<Vec<_>, _>>()?;
    channel.write(READY, &mut [])?;
    loop {
        std::thread::park();
        black_box((&memory, &events, &channels));
    }
}

fn full_channel(messages: usize) -> Result<(Channel, Channel), Status> {
    let (writer, reader) = Channel::try_create()?;
    for _ in 0..messages {
        writer.write(&[0x5a; 64], &mut [])?;
    }
    Ok((writer, reader))
}
