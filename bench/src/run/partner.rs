//! The second process: the same program again, which plays the far side of each measurement on orders.
//!
//! One partner serves a whole run. It is spawned into the arena by the supervisor; orders come by its standard input
//! (a [`Link`]), channels by the channel that is its startup handle. An attempt that fails may leave it waiting for
//! ever, so then another takes its place.

use crate::machine::placement::{self, Cores};
use crate::measure::{Effort, Measurement, Sample, Stage, full_name};
use crate::process::link::{Link, Order, Reply};
use crate::row;
use anyhow::{Context as _, Result};
use jacinth::{Channel, Supervisor};
use std::process::{Child, Command, Stdio};

/// The hidden subcommand that makes this program the partner.
pub const SUBCOMMAND: &str = "partner";

/// The other process, as the near one holds it.
pub struct Partner {
    child: Child,
    link: Link,
    handover: Channel,
    cores: Option<Cores>,
}

impl Partner {
    /// Starts one, on the far one of these processors.
    pub fn spawn(supervisor: &Supervisor, cores: Option<Cores>) -> Result<Self> {
        let (link, theirs) = Link::pair()?;
        let (handover, startup) = Channel::try_create().context("making the startup channel")?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).stdin(Stdio::from(theirs));
        if let Some(cores) = cores {
            command.arg("--cpu").arg(cores.far.to_string());
        }
        let child = supervisor.spawn(&mut command, startup).context("starting the second process")?;
        Ok(Self { child, link, handover, cores })
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// One attempt at a measurement.
    pub fn measure(&self, measurement: &dyn Measurement, effort: Effort) -> Result<Sample> {
        self.link.send(&Order::Run(full_name(measurement)))?;
        let stage = Stage { link: &self.link, handover: &self.handover, cores: self.cores, effort };
        measurement.near(&stage)
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the partner, until the other process is gone.
pub fn play(cpu: Option<usize>) -> Result<()> {
    // The other process may die while this one spins on plain memory, which shows no death.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    if let Some(cpu) = cpu {
        placement::pin(cpu)?;
    }
    let handover = Channel::from(jacinth::take_startup_handle()?);
    let link = Link::inherited()?;
    while let Some(Order::Run(name)) = link.receive()? {
        // How long, and where, is the near side's business.
        let stage = Stage { link: &link, handover: &handover, cores: None, effort: Effort::PROBE };
        let played = row::find(&name)
            .with_context(|| format!("no measurement {name}"))
            .and_then(|one| one.far(&stage));
        if let Err(error) = played {
            link.send(&Reply::Failed(format!("{error:#}")))?;
        }
    }
    Ok(())
}
