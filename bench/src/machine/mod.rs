//! The machine as a report describes it: its processor, its kernel, the number of processors. No name of it.

pub mod memory;
pub mod placement;
pub mod processor_time;

use procfs::{CpuInfo, Current as _};
use serde::Serialize;

/// The machine that a report is about.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's model, as /proc/cpuinfo has it.
    pub cpu: String,
    /// Logical processors that this process may use.
    pub cpus: usize,
    /// The kernel's version, its number only.
    pub kernel: String,
}

impl Machine {
    /// Looks at this machine.
    pub fn look() -> Self {
        let cpuinfo = CpuInfo::current().ok();
        let model = cpuinfo.as_ref().and_then(|cpuinfo| cpuinfo.model_name(0));
        let cpu = model.unwrap_or(std::env::consts::ARCH).to_owned();
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let kernel = release.split(['-', '+']).next().unwrap_or_default().to_owned();
        Self { cpu, cpus: std::thread::available_parallelism().map_or(1, usize::from), kernel }
    }
}
