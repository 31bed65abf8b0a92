//! P5: nothing that is read from the arena is believed. Random words of it change while operations run, and every
//! operation still ends, by doing its work or by an error: never by a crash, a hang or a wild access.
//!
//! Each seed runs in a process of its own, so that a crash is seen, and is killed when it hangs.

use jacinth_shm::{Arena, Config, Growing, Process, Shape, Thread, TooSmall, WaitItem};
use memmap2::MmapRaw;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SEED: &str = "JACINTH_TEST_HOSTILE_SEED";
const ALL: u32 = 0xf_ffff;
/// Each process goes on for this long; it takes hardly longer, unless it hangs.
const RUN: Duration = Duration::from_millis(2500);
const HANG: Duration = Duration::from_secs(40);
/// What the threads of a round are doing, for the report of a hang: thread 0 is the supervisor.
static DOING: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

#[test]
fn random_words_change_under_operations_and_all_of_them_end() {
    if let Ok(seed) = std::env::var(SEED) {
        return run(seed.parse().unwrap());
    }
    let test = "random_words_change_under_operations_and_all_of_them_end";
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
                None if start.elapsed() > HANG => {
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

/// Rounds until the time is over, each with an arena of its own and more or less damage.
fn run(seed: u64) {
    std::thread::spawn(|| {
        std::thread::sleep(HANG - Duration::from_secs(10));
        eprintln!("hangs in {:?}", DOING.each_ref().map(|doing| doing.load(Ordering::Relaxed)));
        std::process::abort();
    });
    let mut random = fastrand::Rng::with_seed(seed);
    let (start, mut rounds, mut errors, mut successes) = (Instant::now(), 0, 0, 0);
    while start.elapsed() < RUN {
        let seed = random.u64(..);
        let outcome = std::panic::catch_unwind(|| round(seed));
        let (good, bad) = outcome.unwrap_or_else(|_| panic!("round {rounds} panicked, seed {seed}"));
        (rounds, successes, errors) = (rounds + 1, successes + good, errors + bad);
    }
    println!("{rounds} rounds: {successes} operations succeeded, {errors} failed");
    assert!(successes > 1000 && errors > 1000, "both kinds should be common");
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
    config.max_loan_bytes = 128 << 10;
    config
}

/// The arena's words, seen through a mapping of their own by one who keeps no rules.
struct Raw(MmapRaw);

impl Raw {
    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: inside the mapping, which lives as long as `self`; aligned, since a mapping is; shared memory is
        // only ever accessed by atomics here, and in the library.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(index)) }
    }

    fn words(&self) -> usize {
        self.0.len() / 8
    }

    /// Where the words are that somebody has written.
    fn used(&self) -> Vec<usize> {
        (0..self.words()).filter(|index| self.word(*index).load(Ordering::Relaxed) != 0).collect()
    }

    /// Damages one word. `used` are those worth damaging.
    fn damage(&self, used: &[usize], random: &mut fastrand::Rng) {
        let any = |random: &mut fastrand::Rng| match random.u32(0..10) {
            0 => random.usize(0..self.words()),
            _ => used[random.usize(0..used.len())],
        };
        let at = any(random);
        let word = self.word(at);
        let old = word.load(Ordering::Relaxed);
        let new = match random.u32(0..9) {
            0 => 0,
            1 => u64::MAX,
            2 => random.u64(..),
            3 | 4 => old ^ 1 << random.u32(0..64),
            5 => old.wrapping_add(random.u64(0..5)).wrapping_sub(2),
            6 => old & !0xffff_ffff | random.u64(0..1 << 32),
            7 => old & 0xffff_ffff | random.u64(..) << 32,
            _ => self.word(any(random)).load(Ordering::Relaxed),
        };
        word.store(new, Ordering::SeqCst);
    }
}

/// Three processes in one: two that work, one thread each, one of them to be recovered afterwards, and one that
/// damages the arena meanwhile. Gives how many operations succeeded and how many failed.
fn round(seed: u64) -> (u64, u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let arena = Arc::new(Arena::create(&small(&mut random)).unwrap());
    let raw = Raw(MmapRaw::map_raw(&arena.file().unwrap()).unwrap());
    let first = Process::sit(arena.clone(), arena.first_seat().unwrap(), 1, random.u32(..)).unwrap();
    let supervisor = Thread::join(&first).unwrap();
    let seat = arena.reserve_seat(&supervisor).unwrap();
    let value = supervisor.create(Shape::Single, 5, ALL).unwrap().0;
    supervisor.leave_startup_handle(supervisor.find(value).unwrap(), seat).unwrap();
    let second = Process::sit(
        Arc::new(Arena::attach(arena.file().unwrap().try_clone_to_owned().unwrap()).unwrap()),
        seat,
        1,
        random.u32(..),
    )
    .unwrap();
    let over = AtomicBool::new(false);
    let mut totals = (0, 0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = [&first, &first, &second]
            .into_iter()
            .enumerate()
            .map(|(number, process)| {
                let (seed, over) = (random.u64(..), &over);
                scope.spawn(move || work(process, 1 + number, seed, over))
            })
            .collect();
        // Some rounds: a word or two. Others: many.
        std::thread::sleep(Duration::from_micros(random.u64(0..2000)));
        let used = raw.used();
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
    let steps: [&dyn Fn() -> bool; 8] = [
        &|| arena.inspect().is_clean(),
        &|| supervisor.recover(seat).is_ok(),
        &|| supervisor.recover_unfinished().is_ok(),
        &|| supervisor.collect_cycles().is_ok(),
        &|| supervisor.collect().is_ok(),
        &|| arena.reserve_seat(&supervisor).is_ok_and(|seat| supervisor.give_up_seat(seat).is_ok()),
        &|| arena.counters().messages_sent > 0,
        &|| arena.audit().is_clean(),
    ];
    for (number, step) in steps.iter().enumerate() {
        doing.store(100 + number as u64, Ordering::Relaxed);
        step();
    }
    doing.store(0, Ordering::Relaxed);
    totals
}

fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Operations at random, whatever they say, until `over`.
fn work(process: &Arc<Process>, number: usize, seed: u64, over: &AtomicBool) -> (u64, u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut good, mut bad) = (0, 0);
    let mut values: Vec<u32> = process.startup_handle().into_iter().collect();
    let mut thread = Thread::join(process);
    while !over.load(Ordering::Relaxed) {
        let operation = random.u32(0..24);
        DOING[number].store(1 + u64::from(operation), Ordering::Relaxed);
        let result = match &thread {
            Ok(thread) => operate(thread, operation, &mut values, &mut random),
            Err(error) => Err(*error),
        };
        match result {
            Ok(()) => good += 1,
            Err(_) => bad += 1,
        }
        if operation == 23 || thread.is_err() {
            drop(thread);
            thread = Thread::join(process);
        }
        if values.len() > 100 {
            for value in values.drain(50..) {
                let _ =
                    thread.as_ref().map(|thread| thread.find(value).and_then(|found| thread.close(found)));
            }
        }
    }
    DOING[number].store(0, Ordering::Relaxed);
    (good, bad)
}

fn operate(
    thread: &Thread,
    operation: u32,
    values: &mut Vec<u32>,
    random: &mut fastrand::Rng,
) -> jacinth_shm::Result<()> {
    let any = |values: &[u32], random: &mut fastrand::Rng| match values.len() {
        0 => random.u32(..),
        len => values[random.usize(0..len)],
    };
    let value = any(values, random);
    let found = || thread.find(value);
    let some: Vec<u32> = (0..random.usize(0..5)).map(|_| any(values, random)).collect();
    let bytes = vec![1; [0, 4, 64, 65, 500, 5000, 65_536][random.usize(0..7)]];
    let soon = now_ns() + random.i64(0..200_000);
    let (mut room, mut received) = (Vec::new(), Vec::new());
    let mut sink = Growing::new(&mut room, &mut received);
    let result = match operation {
        0 | 1 => {
            let shape = [Shape::Single, Shape::Pair, Shape::Channel][random.usize(0..3)];
            let (one, other) = thread.create(shape, 4, ALL)?;
            values.push(one);
            values.extend(other);
            Ok(())
        }
        2 => thread.duplicate(found()?, ALL).map(|value| values.push(value)),
        3 => thread.replace(found()?, ALL).map(|value| values.push(value)),
        4 => thread.close(found()?),
        5 => thread.signal(found()?, random.u32(..), random.u32(..)),
        6 => thread.signal_peer(found()?, random.u32(..), random.u32(..)),
        7 => {
            thread.set_spin_ns(random.i64(0..10_000));
            thread.wait_one(value, 0, random.u32(..), soon).0
        }
        8 => {
            let mut items: Vec<_> =
                some.iter().map(|value| WaitItem { handle: *value, waitfor: 1 << 24, pending: 0 }).collect();
            thread.wait_many(&mut items, 0, soon)
        }
        9..=11 => thread.send(found()?, 0, &bytes),
        12 | 13 => thread.send_with_handles(found()?, 0, &bytes, &some, 0, None),
        14 | 15 => thread.receive(found()?, 0, &mut sink, TooSmall::Keep).map(drop),
        16 => thread.send_batch(found()?, 0, [&bytes[..], &b"2"[..]]).map(drop),
        17 => thread.receive_batch(found()?, 0, 10, &mut Vec::new(), |_| {}).map(drop),
        18 => {
            let pending = thread.call_begin(found()?, 0, &bytes, &some, 0)?;
            thread.call_finish(&pending, soon, &mut sink).map(drop)
        }
        19 => {
            let mut loan = thread.reserve(found()?, 0, bytes.len())?;
            loan.write_at(0, &bytes)?;
            if random.bool() { thread.commit(loan) } else { Ok(()) }
        }
        20 => {
            let held = thread.receive_in_place(found()?, 0)?;
            let mut copy = vec![0; held.len().min(1 << 20)];
            held.read_at(0, &mut copy)?;
            thread.finish(&held, &mut |handle| values.push(handle.value))
        }
        21 => {
            thread.basic(found()?)?;
            thread.kind(found()?)?;
            thread.set_name(found()?, &[b'x'; 32])?;
            thread.name(found()?).map(drop)
        }
        22 if random.bool() => thread.collect_cycles().map(drop),
        22 => thread.collect().map(drop),
        _ => thread.reclaim().map(drop),
    };
    values.extend(received.iter().map(|handle| handle.value));
    result
}
