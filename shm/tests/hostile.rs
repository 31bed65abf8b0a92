//! P5: no value read from the arena is believed unchecked. Random words of it change while operations run, and every
//! operation still ends, by doing its work or by an error: never by a crash, a hang or a wild access.
//!
//! Each seed runs in a process of its own, so that a crash is seen, and is killed when it hangs.

#[path = "hostile/mod.rs"]
mod hostile;

use hostile::operations::{
    ALL, Hands, OPERATIONS, busy_directory, busy_fifos, busy_port, busy_sockets, busy_vmos, operate,
};
use hostile::raw::Raw;
use hostile::{Choices, script};
use jacinth_shm::{Arena, Config, ObjectClass, Process, Thread};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SEED: &str = "JACINTH_TEST_HOSTILE_SEED";
/// Each process goes on for this long; on a busy machine for longer, until it has done enough.
const RUN: Duration = Duration::from_millis(2500);
/// A process in which no operation has ended for this long hangs, however busy the machine is.
const HANG: Duration = Duration::from_secs(40);
/// One that does not notice by itself that it hangs is killed after so long.
const LOST: Duration = Duration::from_secs(600);
/// The operation that each thread of a round is in, for the report of a hang: thread 0 is the supervisor.
static DOING: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
/// How often something has ended: an operation, a step of the supervisor's, or a script.
static ENDED: AtomicU64 = AtomicU64::new(0);

fn note_end() {
    ENDED.fetch_add(1, Ordering::Relaxed);
}

/// Ends the process if it hangs.
fn watch() -> ! {
    let (mut seen, mut since) = (ENDED.load(Ordering::Relaxed), Instant::now());
    while since.elapsed() < HANG {
        std::thread::sleep(Duration::from_millis(500));
        let now = ENDED.load(Ordering::Relaxed);
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    eprintln!("hangs in {:?}", DOING.each_ref().map(|doing| doing.load(Ordering::Relaxed)));
    std::process::abort();
}

impl Choices for fastrand::Rng {
    fn below(&mut self, end: usize) -> usize {
        self.usize(..end)
    }

    fn word(&mut self) -> u64 {
        self.u64(..)
    }
}

#[test]
fn operations_end_on_a_damaged_arena() {
    each_seed_alone("operations_end_on_a_damaged_arena", rounds);
}

#[test]
fn random_scripts_end() {
    each_seed_alone("random_scripts_end", |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let start = Instant::now();
        while start.elapsed() < RUN {
            let bytes: Vec<u8> = (0..random.usize(0..2000)).map(|_| random.u8(..)).collect();
            let play = if random.u8(..) < 200 { script::run } else { script::attach };
            std::panic::catch_unwind(|| play(&bytes)).unwrap_or_else(|_| panic!("the script was {bytes:?}"));
            note_end();
        }
    });
}

/// Runs the test of this name again with several seeds, each in a process of its own.
fn each_seed_alone(test: &str, run: fn(u64)) {
    if let Ok(seed) = std::env::var(SEED) {
        std::thread::spawn(|| watch());
        return run(seed.parse().unwrap());
    }
    let first: u64 = std::env::var("JACINTH_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut children: Vec<_> = (first..first + 4)
        .map(|seed| {
            let output = tempfile::NamedTempFile::new().unwrap();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(SEED, seed.to_string());
            let file = output.reopen().unwrap();
            command.stdout(file.try_clone().unwrap()).stderr(file);
            (seed, command.spawn().unwrap(), output)
        })
        .collect();
    let start = Instant::now();
    let mut failed = String::new();
    for (seed, child, output) in &mut children {
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status.to_string(),
                None if start.elapsed() > LOST => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break "hangs".to_owned();
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let text = std::fs::read_to_string(output.path()).unwrap();
        if status != "exit status: 0" || !text.contains(" 1 passed") {
            failed += &format!("seed {seed}: {status}\n{text}\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

/// Rounds until the time is over and enough has happened, each with an arena of its own and more or less damage.
fn rounds(seed: u64) {
    /// Operations that succeed, and operations that fail: both kinds are common.
    const ENOUGH: u64 = 1000;
    /// Rounds in which a busy machine comes to that.
    const MOST_ROUNDS: u64 = 100;
    let mut random = fastrand::Rng::with_seed(seed);
    let (start, mut rounds, mut errors, mut successes) = (Instant::now(), 0, 0, 0);
    while start.elapsed() < RUN || rounds < MOST_ROUNDS && successes.min(errors) <= ENOUGH {
        let seed = random.u64(..);
        let outcome = std::panic::catch_unwind(|| round(seed));
        let (good, bad) = outcome.unwrap_or_else(|_| panic!("round {rounds} panicked, seed {seed}"));
        (rounds, successes, errors) = (rounds + 1, successes + good, errors + bad);
    }
    println!("{rounds} rounds: {successes} operations succeeded, {errors} failed");
    assert!(successes > ENOUGH && errors > ENOUGH, "both kinds should be common");
}

fn small(random: &mut fastrand::Rng) -> Config {
    let mut config = Config::default();
    config.max_processes = 4;
    config.max_threads = 8;
    config.max_objects = 64;
    config.max_handles_per_process = 511;
    config.max_pending_messages = 64;
    config.first_segment_messages = 1 << random.u32(1..5);
    config.pool_bytes = 256 << 10;
    config.vmo_pool_bytes = 256 << 10;
    config.max_loan_bytes = 128 << 10;
    config
}

/// Three processes in one: two that work, one thread each, one of them to be recovered afterwards, and one that
/// damages the arena meanwhile. Gives how many operations succeeded and how many failed.
fn round(seed: u64) -> (u64, u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let arena = Arc::new(Arena::create(&small(&mut random)).unwrap());
    let raw = Raw::of(arena.file().unwrap());
    let first = Process::attach(arena.clone(), arena.first_slot().unwrap(), 1, random.u32(..)).unwrap();
    let supervisor = Thread::join(&first).unwrap();
    let process_slot = arena.reserve_slot(&supervisor).unwrap();
    let value = supervisor.create(ObjectClass::Event, ALL).unwrap().0;
    supervisor.leave_startup_handle(supervisor.lookup(value).unwrap(), process_slot).unwrap();
    let second = Process::attach(
        Arc::new(Arena::attach(arena.file().unwrap().try_clone_to_owned().unwrap()).unwrap()),
        process_slot,
        1,
        random.u32(..),
    )
    .unwrap();
    // The lists of ports are long, and the words of directories, listeners, fifos, sockets and VM objects are few: two thirds
    // of the damage hit one of these alone.
    let before = raw.contents();
    let shared = busy_port(&supervisor).unwrap();
    let of_ports = raw.changed_since(&before);
    let before = raw.contents();
    let named = busy_directory(&supervisor).unwrap();
    let of_names = raw.changed_since(&before);
    let before = raw.contents();
    let mut streams = busy_fifos(&supervisor).unwrap();
    if random.bool() {
        streams = busy_sockets(&supervisor).unwrap();
    }
    let of_streams = raw.changed_since(&before);
    let before = raw.contents();
    let pages = busy_vmos(&supervisor).unwrap();
    // The pages themselves hold ones, in bulk.
    let mut of_vmos = raw.changed_since(&before);
    of_vmos.retain(|index| raw.word(*index).load(Ordering::Relaxed) != u64::from_ne_bytes([1; 8]));
    let over = AtomicBool::new(false);
    let mut totals = (0, 0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = [&first, &first, &second]
            .into_iter()
            .enumerate()
            .map(|(number, process)| {
                let (seed, over) = (random.u64(..), &over);
                let mut hands = Hands::of(process.startup_handle());
                if number < 2 {
                    hands.values.extend(shared.iter().chain(&named).chain(&streams).chain(&pages));
                }
                scope.spawn(move || work(process, 1 + number, hands, seed, over))
            })
            .collect();
        // Some rounds: a word or two. Others: many.
        std::thread::sleep(Duration::from_micros(random.u64(0..2000)));
        let used = match random.u8(0..6) {
            0 => of_ports,
            1 => of_names,
            2 => of_streams,
            3 => of_vmos,
            _ => raw.used(),
        };
        let damages = [1, 2, 5, 50, 1000][random.usize(0..5)];
        for _ in 0..damages {
            raw.damage(&used, &mut random);
            std::thread::sleep(Duration::from_micros(if damages < 50 { random.u64(0..200) } else { 0 }));
        }
        std::thread::sleep(Duration::from_millis(2));
        over.store(true, Ordering::Relaxed);
        for worker in workers {
            let (good, bad) = worker.join().expect("no operation panics");
            totals = (totals.0 + good, totals.1 + bad);
        }
    });
    drop(second);
    let doing = &DOING[0];
    let audits = random.usize(0..8) == 0;
    let steps: [&dyn Fn() -> bool; 8] = [
        &|| arena.inspect().is_clean(),
        &|| supervisor.recover(process_slot).is_ok(),
        &|| supervisor.recover_unfinished().is_ok(),
        &|| supervisor.collect_cycles().is_ok(),
        &|| supervisor.collect().is_ok(),
        &|| {
            arena
                .reserve_slot(&supervisor)
                .is_ok_and(|process_slot| supervisor.cancel_slot(process_slot).is_ok())
        },
        &|| arena.counters().messages_sent > 0,
        // It waits a second for a fault to pass.
        &|| !audits || arena.audit().is_clean(),
    ];
    for (number, step) in steps.iter().enumerate() {
        doing.store(100 + number as u64, Ordering::Relaxed);
        step();
        note_end();
    }
    doing.store(0, Ordering::Relaxed);
    totals
}

/// Operations at random, with any result, until `over`.
fn work(process: &Arc<Process>, number: usize, mut hands: Hands, seed: u64, over: &AtomicBool) -> (u64, u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut good, mut bad) = (0, 0);
    let mut thread = Thread::join(process);
    while !over.load(Ordering::Relaxed) {
        let operation = random.usize(0..OPERATIONS);
        DOING[number].store(1 + operation as u64, Ordering::Relaxed);
        let result = match &thread {
            Ok(thread) => operate(thread, operation, &mut hands, &mut random),
            Err(error) => Err(*error),
        };
        note_end();
        match result {
            Ok(()) => good += 1,
            Err(_) => bad += 1,
        }
        // From time to time a thread leaves, and another one joins.
        if random.u8(..) < 10 || thread.is_err() {
            drop(thread);
            thread = Thread::join(process);
        }
    }
    DOING[number].store(0, Ordering::Relaxed);
    (good, bad)
}
