//! A few seconds of the soak: an arena, its workers, a kill every few milliseconds, and a look at what is left.
//!
//! The arena is made by a *founder*, a process of its own that is killed like any other: the supervisor moves from
//! process to process, until it comes to this one, which is not killed.

use crate::sleepers::HANG;
use crate::soak::worker;
use anyhow::{Context as _, Result};
use jacinth::*;
use serde::{Deserialize, Serialize};
use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The first argument of a founder.
pub const FOUNDER: &str = "soak-founder";

/// What an epoch came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Epoch {
    /// Workers and founders that were killed.
    pub kills: u64,
    /// Of those, how many ran the supervisor.
    pub supervisors_killed: u64,
    /// Operations that the workers have reported.
    pub operations: u64,
    /// The time from each death to PEER_CLOSED seen, in microseconds.
    pub latencies_us: Vec<u64>,
    /// What was left over, in words.
    pub leaks: Vec<String>,
    /// What an audit found.
    pub audit_failures: Vec<String>,
    /// Deaths that a sleeper was not told of.
    pub lost_wakes: u64,
    /// Workers that ended by themselves.
    pub failed_workers: u64,
}

/// How many workers there are.
const WORKERS: usize = 8;
/// After how many kills garbage is asked to be collected: the supervisor by itself looks for it more rarely than this
/// many deaths make it.
const KILLS_A_COLLECTION: u64 = 64;
/// The longest time between two kills.
const MOST_PAUSE_US: u64 = 6000;

fn config() -> Config {
    let mut config = Config::default();
    config.max_processes = 24;
    config.max_threads = 256;
    config.max_objects = 8192;
    config.max_handles_per_process = 4095;
    config.max_pending_messages = 64;
    config.pool_bytes = 8 << 20;
    config.max_loan_bytes = 256 << 10;
    config
}

/// Plays the founder.
pub fn found() -> ! {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("asking to die with the soak");
    let supervisor = Supervisor::create(&config()).expect("an arena");
    println!("{}", supervisor.socket_path().display());
    loop {
        std::thread::park();
    }
}

/// A worker's process, and a thread that sleeps until it is gone.
struct Seat {
    child: Child,
    line: Channel,
    gone: Receiver<Instant>,
}

struct Soak {
    supervisor: Supervisor,
    random: fastrand::Rng,
    seats: Vec<Seat>,
    epoch: Epoch,
}

/// Runs an epoch, and prints what came of it.
pub fn run(seconds: f64, seed: u64) -> Result<()> {
    let mut founder = Command::new("/proc/self/exe")
        .arg(FOUNDER)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the founder")?;
    let mut path = String::new();
    std::io::BufReader::new(founder.stdout.take().context("the founder's output")?).read_line(&mut path)?;
    attach(path.trim_end())?;
    let supervisor = Supervisor::get()?;
    let mut soak = Soak {
        supervisor,
        random: fastrand::Rng::with_seed(seed),
        seats: Vec::new(),
        epoch: Epoch::default(),
    };
    for _ in 0..WORKERS {
        let seat = soak.spawn()?;
        soak.seats.push(seat);
    }
    founder.kill()?;
    founder.wait()?;
    (soak.epoch.kills, soak.epoch.supervisors_killed) = (1, 1);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds && soak.epoch.lost_wakes == 0 {
        std::thread::sleep(Duration::from_micros(soak.random.u64(0..MOST_PAUSE_US)));
        let index = soak.random.usize(0..WORKERS);
        let successor = soak.spawn()?;
        let seat = std::mem::replace(&mut soak.seats[index], successor);
        soak.kill(seat)?;
        if soak.epoch.kills.is_multiple_of(KILLS_A_COLLECTION) {
            soak.supervisor.collect()?;
        }
    }
    for seat in std::mem::take(&mut soak.seats) {
        soak.kill(seat)?;
    }
    soak.look_at_what_is_left();
    crate::campaign::leader_crash::clear_away(&soak.supervisor);
    println!("{}", serde_json::to_string(&soak.epoch)?);
    Ok(())
}

impl Soak {
    /// A worker, with channels to some of the others.
    fn spawn(&mut self) -> Result<Seat> {
        let (line, theirs) = self.line()?;
        let mut program = Command::new("/proc/self/exe");
        program.args([worker::ROLE, &self.random.u64(..).to_string()]);
        program.stdin(Stdio::null()).stdout(Stdio::null());
        let child = self.supervisor.spawn(&mut program, theirs)?;
        for seat in &self.seats {
            if self.random.bool() {
                // An arena or a line may be full: then there is one channel less.
                let Ok((first, second)) = Channel::try_create() else { continue };
                let _ = line.write(b"a channel", &mut [first.into()]);
                let _ = seat.line.write(b"a channel", &mut [second.into()]);
            }
        }
        let (tell, gone) = channel();
        let on = line.raw_handle();
        std::thread::spawn(move || {
            let (result, _) = raw::wait_one(on, Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE);
            if result.is_ok() {
                let _ = tell.send(Instant::now());
            }
        });
        Ok(Seat { child, line, gone })
    }

    /// A line, if need be after a collection.
    fn line(&self) -> Result<(Channel, Channel)> {
        for _ in 0..20 {
            match Channel::try_create() {
                Err(Status::NO_RESOURCES) => drop(self.supervisor.collect()?),
                made => return Ok(made?),
            }
        }
        anyhow::bail!("the arena is full of what cannot be collected: {}", self.supervisor.inspect())
    }

    fn kill(&mut self, mut seat: Seat) -> Result<()> {
        if let Some(status) = seat.child.try_wait()? {
            eprintln!("a worker ended by itself, with {status}; its own words are above");
            self.epoch.failed_workers += 1;
        }
        let leads = self.supervisor.process_id() == Some(seat.child.id());
        let death = Instant::now();
        seat.child.kill()?;
        seat.child.wait()?;
        self.epoch.kills += 1;
        self.epoch.supervisors_killed += u64::from(leads);
        match seat.gone.recv_timeout(HANG) {
            Ok(seen) => {
                let latency = seen.saturating_duration_since(death).as_micros();
                self.epoch.latencies_us.push(u64::try_from(latency).unwrap_or(u64::MAX));
            }
            Err(_) => self.epoch.lost_wakes += 1,
        }
        let mut message = MessageBuf::new();
        while seat.line.read(&mut message).is_ok() {
            let report = message.bytes().try_into().map_or(0, u64::from_le_bytes);
            self.epoch.operations += report;
        }
        Ok(())
    }

    /// Nothing: the soak itself holds nothing any more.
    fn look_at_what_is_left(&mut self) {
        let start = Instant::now();
        let last = loop {
            let _ = self.supervisor.collect();
            let now = self.supervisor.inspect();
            let nothing = (now.objects, now.retired, now.handles, now.in_transit, now.messages, now.blocks);
            if now.processes == 1 && nothing == (0, 0, 0, 0, 0, 0) {
                break None;
            }
            if start.elapsed() > HANG {
                break Some(now);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.epoch.leaks.extend(last.map(|now| now.to_string()));
        let audit = self.supervisor.audit();
        if !audit.is_clean() {
            self.epoch.audit_failures.push(audit.to_string());
        }
    }
}
