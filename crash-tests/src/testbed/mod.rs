//! A testbed: one arena, its supervisor and survivor, and one victim after another.
//!
//! A testbed is a process of its own. A process has one attachment, and an arena with a defect is of no more use. All
//! deaths of one operation happen in one arena, so that the losses add up.

pub mod defect;
pub mod fault_plan;
pub mod recovery_step;
pub mod round;
mod verify;
mod watchdog;

use crate::arena;
use crate::arena::usage::ResourceUsage;
use crate::process::leader;
use crate::sleepers::{HANG, Sleepers};
use crate::tracing::code::Code;
use anyhow::{Context as _, Result};
use defect::{Defect, DefectKind};
use jacinth::Supervisor;
use std::process::Child;
use std::time::{Duration, Instant};
use watchdog::Watchdog;

/// The most sleepers of an operation.
const MOST_SLEEPERS: usize = 2;

/// The result of a check.
pub type Check<T = ()> = std::result::Result<T, Defect>;

/// One arena with a survivor, which is this process.
pub struct Testbed {
    supervisor: Supervisor,
    /// The program's instructions.
    pub code: Code,
    sleepers: Sleepers,
    watchdog: Watchdog,
    /// The contents of the arena between two rounds.
    baseline: ResourceUsage,
    /// How many processes have been recovered.
    recovered: u32,
    /// The process that made the arena, if this one did not.
    initial_leader: Option<Child>,
}

impl Testbed {
    /// Makes an arena. Its supervisor runs in this process.
    pub fn new() -> Result<Self> {
        Self::with(Supervisor::create(&arena::config()).context("making an arena")?, None)
    }

    /// Attaches to the arena of a new initial leader. When that one dies, this process leads.
    pub fn under_initial_leader() -> Result<Self> {
        let (supervisor, leader) = leader::start(leader::ROLE)?;
        Self::with(supervisor, Some(leader))
    }

    fn with(supervisor: Supervisor, initial_leader: Option<Child>) -> Result<Self> {
        let code = Code::of_this_program()?;
        arena::use_every_slot();
        let sleepers = Sleepers::new(MOST_SLEEPERS);
        let recovered = supervisor.collect()?.processes;
        let baseline = ResourceUsage::of(&supervisor);
        let watchdog = Watchdog::start();
        Ok(Self { supervisor, code, sleepers, watchdog, baseline, recovered, initial_leader })
    }

    /// Removes the files that the initial leader would have removed at its own end.
    pub fn clean_up(&self) {
        leader::remove_socket(&self.supervisor);
    }

    /// Lets the supervisor recover dead processes.
    fn recover(&mut self) -> Check {
        let report = self.supervisor.collect();
        let report = report.map_err(|status| {
            Defect::new(DefectKind::BrokenGuarantee, format!("the supervisor reports {status}"))
        })?;
        self.recovered = report.processes;
        Ok(())
    }

    fn audit(&self, when: &str) -> Check {
        let audit = self.supervisor.audit();
        if audit.is_clean() {
            Ok(())
        } else {
            Err(Defect::new(DefectKind::Audit, format!("{when}: {audit}")))
        }
    }

    /// Waits until the arena has the same contents as before the round. Processes that the victim has started end first.
    fn wait_for_baseline(&mut self) -> Check {
        let start = Instant::now();
        loop {
            self.recover()?;
            let now = ResourceUsage::of(&self.supervisor);
            if now.matches(&self.baseline) {
                return Ok(());
            }
            if start.elapsed() > HANG / 4 {
                let text = format!("there were {}, and there are {now}", self.baseline);
                return Err(Defect::new(DefectKind::Leak, text));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
