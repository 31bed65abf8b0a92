//! A few seconds of the soak: one arena, its workers, a kill every few milliseconds, and a check that the arena is empty then.
//!
//! The arena is made by an initial leader, a process of its own that is killed like any other. Leadership moves from
//! process to process until it comes to this one, which is not killed.

use crate::process::leader;
use crate::sleepers::HANG;
use crate::soak::worker;
use anyhow::{Result, bail};
use jacinth::*;
use serde::{Deserialize, Serialize};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The role of a process with one arena of a soak. The job follows, as JSON.
pub const ROLE: &str = "soak-arena";
/// The role of its initial leader.
pub const LEADER_ROLE: &str = "soak-leader";

/// How long to use an arena.
#[derive(Serialize, Deserialize)]
pub struct ArenaRunJob {
    /// For how long, in seconds.
    pub seconds: f64,
    /// The seed of all random choices.
    pub seed: u64,
}

/// The result for one arena.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ArenaRun {
    /// Workers and leaders that were killed.
    pub kills: u64,
    /// Of those, how many ran the supervisor.
    pub leaders_killed: u64,
    /// Operations that the workers have reported.
    pub operations: u64,
    /// The time from each death to PEER_CLOSED, in microseconds.
    pub latencies_us: Vec<u64>,
    /// The contents of an arena that was not empty in the end.
    pub leaks: Vec<String>,
    /// The findings of the audit.
    pub audit_failures: Vec<String>,
    /// Deaths that did not wake a sleeper.
    pub lost_wakes: u64,
    /// Workers that ended by themselves.
    pub failed_workers: u64,
}

/// How many workers there are.
const WORKERS: usize = 8;
/// The soak asks for a collection after so many kills. By itself the supervisor collects garbage cycles more rarely than
/// these deaths leave them.
const KILLS_PER_COLLECTION: u64 = 64;
/// The longest time between two kills, in microseconds.
const MOST_PAUSE_US: u64 = 6000;

/// The arena's limits.
pub fn config() -> Config {
    let mut config = Config::default();
    config.max_processes = 24;
    config.max_threads = 256;
    config.max_objects = 8192;
    config.max_handles_per_process = 4095;
    config.max_pending_messages = 64;
    config.pool_bytes = 8 << 20;
    config.vmo_pool_bytes = 8 << 20;
    config.max_loan_bytes = 256 << 10;
    config
}

/// A worker's process, and a thread that sleeps until the worker is gone.
struct Worker {
    child: Child,
    control: Channel,
    death_seen: Receiver<Instant>,
}

struct Soak {
    supervisor: Supervisor,
    random: fastrand::Rng,
    workers: Vec<Worker>,
    result: ArenaRun,
}

/// Performs the job, and prints its result.
pub fn run(job: &str) -> Result<()> {
    let ArenaRunJob { seconds, seed } = serde_json::from_str(job)?;
    let (supervisor, mut leader) = leader::start(LEADER_ROLE)?;
    let random = fastrand::Rng::with_seed(seed);
    let mut soak = Soak { supervisor, random, workers: Vec::new(), result: ArenaRun::default() };
    for _ in 0..WORKERS {
        let worker = soak.spawn()?;
        soak.workers.push(worker);
    }
    leader.kill()?;
    leader.wait()?;
    (soak.result.kills, soak.result.leaders_killed) = (1, 1);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds && soak.result.lost_wakes == 0 {
        std::thread::sleep(Duration::from_micros(soak.random.u64(0..MOST_PAUSE_US)));
        let index = soak.random.usize(0..WORKERS);
        let successor = soak.spawn()?;
        let worker = std::mem::replace(&mut soak.workers[index], successor);
        soak.kill(worker)?;
        if soak.result.kills.is_multiple_of(KILLS_PER_COLLECTION) {
            soak.supervisor.collect()?;
        }
    }
    for worker in std::mem::take(&mut soak.workers) {
        soak.kill(worker)?;
    }
    soak.check_that_the_arena_is_empty();
    leader::remove_socket(&soak.supervisor);
    println!("{}", serde_json::to_string(&soak.result)?);
    Ok(())
}

impl Soak {
    /// Starts a worker, with channels to some of the others.
    fn spawn(&mut self) -> Result<Worker> {
        let (control, theirs) = self.create_channel()?;
        let mut program = Command::new("/proc/self/exe");
        program.args([worker::ROLE, &self.random.u64(..).to_string()]);
        program.stdin(Stdio::null()).stdout(Stdio::null());
        let child = self.supervisor.spawn(&mut program, theirs)?;
        for worker in &self.workers {
            if self.random.bool() {
                // The arena or a control channel may be full: then these two have no channel.
                let Ok((first, second)) = Channel::try_create() else { continue };
                let _ = control.write(b"a channel", &mut [first.into()]);
                let _ = worker.control.write(b"a channel", &mut [second.into()]);
            }
        }
        let (report, death_seen) = channel();
        let on = control.raw_handle();
        std::thread::spawn(move || {
            let (result, _) = raw::wait_one(on, Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE);
            if result.is_ok() {
                let _ = report.send(Instant::now());
            }
        });
        Ok(Worker { child, control, death_seen })
    }

    /// Creates a channel. Collects garbage first if the arena is full of it.
    fn create_channel(&self) -> Result<(Channel, Channel)> {
        for _ in 0..20 {
            match Channel::try_create() {
                Err(Status::NO_RESOURCES) => drop(self.supervisor.collect()?),
                created => return Ok(created?),
            }
        }
        bail!("the arena is full, and a collection frees nothing: {}", self.supervisor.inspect())
    }

    fn kill(&mut self, mut worker: Worker) -> Result<()> {
        if let Some(status) = worker.child.try_wait()? {
            eprintln!("a worker ended by itself, with {status}; its own output is above");
            self.result.failed_workers += 1;
        }
        let leads = self.supervisor.process_id() == Some(worker.child.id());
        let death = Instant::now();
        worker.child.kill()?;
        worker.child.wait()?;
        self.result.kills += 1;
        self.result.leaders_killed += u64::from(leads);
        match worker.death_seen.recv_timeout(HANG) {
            Ok(seen) => {
                let latency = seen.saturating_duration_since(death).as_micros();
                self.result.latencies_us.push(u64::try_from(latency).unwrap_or(u64::MAX));
            }
            Err(_) => self.result.lost_wakes += 1,
        }
        let mut message = MessageBuf::new();
        while worker.control.read(&mut message).is_ok() {
            self.result.operations += message.bytes().try_into().map_or(0, u64::from_le_bytes);
        }
        Ok(())
    }

    /// All workers are dead, and the soak itself holds no handle: the arena must become empty.
    fn check_that_the_arena_is_empty(&mut self) {
        let start = Instant::now();
        let last = loop {
            let _ = self.supervisor.collect();
            let now = self.supervisor.inspect();
            let held = (now.objects, now.retired, now.handles, now.in_transit, now.messages, now.blocks);
            if now.processes == 1 && held == (0, 0, 0, 0, 0, 0) {
                break None;
            }
            if start.elapsed() > HANG {
                break Some(now);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.result.leaks.extend(last.map(|now| now.to_string()));
        let audit = self.supervisor.audit();
        if !audit.is_clean() {
            self.result.audit_failures.push(audit.to_string());
        }
    }
}
