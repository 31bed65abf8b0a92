//! Where the two processes run, and whether the machine stayed still meanwhile.
//!
//! On virtual machines two processors drift between two cores (a cache line's round trip takes 60 to 100 ns where the
//! cores share a cache, 100 ns and more elsewhere) and two threads of one core (30 to 45 ns), and are taken away for
//! milliseconds. So each attempt is bracketed by a short probe, a bare cache-line ping-pong, and by the steal time of
//! /proc/stat. Other programs take processors too: the kernel counts how long the two processes stood ready and did not
//! run. A disturbed attempt is measured again. Measurements that are not pinned are
//! bracketed by the steal time alone.

use anyhow::{Context as _, Result};
use procfs::process::Process;
use rustix::process::Pid;
use rustix::thread::CpuSet;
use serde::Serialize;
use std::time::Duration;

/// The names of the library's own threads begin so.
const LIBRARY_THREADS: &str = "jacinth-";

/// The processors of the two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// The one of the process that times.
    pub near: usize,
    /// The one of the process that answers.
    pub far: usize,
    /// All that this program may use.
    allowed: CpuSet,
}

impl Cores {
    /// Two processors on different cores where there are such, any two otherwise; `None` when there is only one.
    pub fn choose() -> Result<Option<Self>> {
        let allowed = rustix::thread::sched_getaffinity(None).context("sched_getaffinity")?;
        let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
        let [near, others @ ..] = &cpus[..] else { return Ok(None) };
        let far = others.iter().find(|&&cpu| core_of(cpu) != core_of(*near)).or(others.first());
        Ok(far.map(|&far| Self { near: *near, far, allowed }))
    }

    /// Does something on the near side while its thread is bound to no processor, so that the threads which are started
    /// meanwhile are not either.
    pub fn unbound<T>(&self, what: impl FnOnce() -> Result<T>) -> Result<T> {
        rustix::thread::sched_setaffinity(None, &self.allowed).context("sched_setaffinity")?;
        let done = what();
        pin(self.near)?;
        done
    }
}

/// The library's own threads of this process, held on one processor until the drop.
pub struct HeldThreads {
    threads: Vec<Pid>,
    allowed: CpuSet,
}

impl HeldThreads {
    /// Holds them on the near processor. The threads that they start meanwhile stay there.
    pub fn near(cores: &Cores) -> Result<Self> {
        let mut held = Self { threads: Vec::new(), allowed: cores.allowed };
        let mut near = CpuSet::new();
        near.set(cores.near);
        for task in Process::myself()?.tasks()?.flatten() {
            // A thread that has ended meanwhile needs no processor.
            let Ok(stat) = task.stat() else { continue };
            if let Some(thread) = Pid::from_raw(task.tid)
                && stat.comm.starts_with(LIBRARY_THREADS)
            {
                held.threads.push(thread);
                rustix::thread::sched_setaffinity(Some(thread), &near)
                    .with_context(|| format!("holding the thread {}", stat.comm))?;
            }
        }
        Ok(held)
    }
}

impl Drop for HeldThreads {
    fn drop(&mut self) {
        for thread in &self.threads {
            // Fails for a thread that has ended.
            let _ = rustix::thread::sched_setaffinity(Some(*thread), &self.allowed);
        }
    }
}

/// A processor's place as the kernel reports it: package and core.
fn core_of(cpu: usize) -> Option<(String, String)> {
    let read = |what: &str| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu{cpu}/topology/{what}")).ok()
    };
    Some((read("physical_package_id")?, read("core_id")?))
}

/// Binds the calling thread to one processor.
pub fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set).with_context(|| format!("pinning to processor {cpu}"))
}

/// How near each other two processors really are, by the time a cache line takes there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Two cores.
    SeparateCores,
    /// Two threads of one core.
    SiblingsOfOneCore,
    /// One processor for both processes.
    OneProcessor,
}

impl Placement {
    /// Below this, a round trip never left the core.
    const SIBLINGS_BELOW_NS: f64 = 50.0;

    /// Reads a probe.
    pub fn of(line_round_trip_ns: f64) -> Self {
        if line_round_trip_ns < Self::SIBLINGS_BELOW_NS {
            Self::SiblingsOfOneCore
        } else {
            Self::SeparateCores
        }
    }
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SeparateCores => "two separate cores",
            Self::SiblingsOfOneCore => "two threads of one core",
            Self::OneProcessor => "one processor for both, not pinned",
        })
    }
}

/// The time for which the first thread of a process was ready to run and did not run, since it began: another thread
/// had its processor.
pub fn waited(process: u32) -> Duration {
    let schedstat = Process::new(process.cast_signed()).and_then(|process| process.schedstat());
    Duration::from_nanos(schedstat.map_or(0, |schedstat| schedstat.run_delay))
}

/// The time that the hypervisor has taken from these processors since boot.
pub fn stolen(cores: Cores) -> Duration {
    // Not by `procfs`, which numbers the lines: after an offline processor the numbers would be those of others.
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = |cpu: usize| -> u64 {
        let name = format!("cpu{cpu}");
        stat.lines()
            .map(|line| line.split_ascii_whitespace())
            .find_map(|mut fields| {
                (fields.next() == Some(&name)).then(|| fields.nth(7)?.parse().ok()).flatten()
            })
            .unwrap_or(0)
    };
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis((ticks(cores.near) + ticks(cores.far)) * 1000 / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_that_share_a_cache_are_two() {
        assert_eq!(Placement::of(60.0), Placement::SeparateCores);
        assert_eq!(Placement::of(45.0), Placement::SiblingsOfOneCore);
    }
}
