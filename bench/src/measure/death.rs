//! How long after a SIGKILL a sleeper knows.
//!
//! Each time a new victim is spawned into the arena with one end of a channel; a thread of the measuring process goes to
//! sleep until it learns of the death, by the measured means; another thread kills.
//!
//! The victim runs on the far processor. All threads that are to learn of its death run on the near one: the waiter, and
//! with it the library's own threads, which are held there. Otherwise the kernel chooses a processor for the thread that
//! sleeps on the robust futexes, at the moment of its wake. The wake comes from the victim's last thread, some 50 µs after
//! the kill. If the kernel wakes the sleeper on that thread's own processor, it has to wait there until the kernel has
//! taken the victim's memory down, 0.3 to 1 ms, because a kernel without full preemption lets a dying thread go on. By
//! then the pidfd is ready too, and the early notice is none. The choice depends on where the sleeper ran before, and on
//! whether the other processor had halted: a halted one counts as taken away by the hypervisor (`vcpu_is_preempted`). So
//! the ratio to the pidfd jumped between 0.2 and 2 from run to run.

use super::measurement::{Measurement, Stage, Unit};
use super::sample::{LONGEST_NS, Latency, Sample};
use crate::machine::placement::HeldThreads;
use crate::process::link::Reply;
use crate::process::victim::{Victim, Workload};
use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use jacinth::Supervisor;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// A means by which a sleeper learns of a victim's death.
pub trait DeathObserver: Sync + Sized {
    /// The name of its column.
    const WHO: &'static str;

    /// Makes ready to learn of this victim's death.
    fn of(victim: &Victim) -> Result<Self>;

    /// Sleeps until it has died.
    fn wait(&self, victim: &Victim) -> Result<()>;
}

/// The measurement.
pub struct Death<N> {
    what: &'static str,
    touched_bytes: usize,
    _observer: PhantomData<fn() -> N>,
}

/// The fewest deaths of an attempt.
const DEATHS: u32 = 3;
/// By then a waiter is asleep.
const ASLEEP_AFTER: Duration = Duration::from_millis(2);

impl<N: DeathObserver> Death<N> {
    /// Of a victim that has touched so much memory of its own.
    pub const fn new(what: &'static str, touched_bytes: usize) -> Self {
        Self { what, touched_bytes, _observer: PhantomData }
    }
}

impl<N: DeathObserver> Measurement for Death<N> {
    fn who(&self) -> &'static str {
        N::WHO
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn sleeps(&self) -> bool {
        true
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        let supervisor = Supervisor::get()?;
        let _held = stage.cores.as_ref().map(HeldThreads::near).transpose()?;
        let mut each = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3)?;
        let start = Instant::now();
        for deaths in 0.. {
            if deaths >= DEATHS && start.elapsed() > stage.effort.pass {
                break;
            }
            let workload = Workload { touched_bytes: self.touched_bytes, ..Workload::default() };
            let victim = Victim::spawn(&supervisor, stage.cores.map(|cores| cores.far), workload)?;
            let told = kill_while_waiting::<N>(&victim)?;
            each.saturating_record(told.as_nanos() as u64);
        }
        Ok(Sample::Latency(Latency { typical_ns: each.value_at_quantile(0.5) as f64, each }))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }
}

fn kill_while_waiting<N: DeathObserver>(victim: &Victim) -> Result<Duration> {
    let observer = N::of(victim)?;
    std::thread::scope(|threads| {
        let waiter = threads.spawn(|| observer.wait(victim).map(|()| Instant::now()));
        std::thread::sleep(ASLEEP_AFTER);
        let start = Instant::now();
        victim.kill()?;
        let told = waiter.join().map_err(|_| anyhow!("the waiter panicked"))??;
        Ok(told - start)
    })
}
