//! A process that is there to be killed: the same program again, with one end of a channel.

use crate::placement;
use anyhow::{Context as _, Result, bail};
use jacinth::{
    AsHandleRef as _, Channel, MessageBuf, MonotonicDuration, MonotonicInstant, Signals, Supervisor,
};
use rustix::process::{Pid, Signal, kill_process};
use std::hint::black_box;
use std::process::{Child, Command, Stdio};

/// The hidden subcommand that makes this program a victim.
pub const SUBCOMMAND: &str = "victim";

/// What the victim sends when it is ready.
const READY: &[u8] = b"ready";
/// No memory is made of smaller pages.
const PAGE_BYTES: usize = 4096;

/// A victim, as the process that will kill it holds it.
pub struct Victim {
    child: Child,
    channel: Channel,
}

impl Victim {
    /// Starts one on this processor, and waits until it has touched so much memory of its own.
    pub fn spawn(supervisor: &Supervisor, cpu: Option<usize>, touch_bytes: usize) -> Result<Self> {
        let (channel, startup) = Channel::create().context("making the victim's channel")?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).arg("--touch-bytes").arg(touch_bytes.to_string()).stdin(Stdio::null());
        if let Some(cpu) = cpu {
            command.arg("--cpu").arg(cpu.to_string());
        }
        let child = supervisor.spawn(&mut command, startup).context("starting a victim")?;
        let victim = Self { child, channel };
        let wanted = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
        let deadline = MonotonicInstant::after(MonotonicDuration::from_seconds(60));
        victim.channel.wait(wanted, deadline).context("waiting for a victim")?;
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

    /// The end whose peer it has.
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
pub fn play(cpu: Option<usize>, touch_bytes: usize) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if let Some(cpu) = cpu {
        placement::pin(cpu)?;
    }
    let channel = Channel::from(jacinth::take_startup_handle()?);
    let mut memory = vec![0_u8; touch_bytes];
    for page in memory.chunks_mut(PAGE_BYTES) {
        page[0] = 1;
    }
    channel.write(READY, &mut Vec::new())?;
    loop {
        std::thread::park();
        black_box(&memory);
    }
}
