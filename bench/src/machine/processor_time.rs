//! The processor time of a process: user and system time of all its threads, also of those that have ended.

use anyhow::{Context as _, Result};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::time::Duration;

/// The processor time of another process so far.
pub fn of(process: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(process.cast_signed()));
    let time = clock.and_then(|clock| clock.now());
    time.map(Duration::from).with_context(|| format!("the processor time of process {process}"))
}
