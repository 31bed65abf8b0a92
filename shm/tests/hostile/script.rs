//! Scripts: bytes that choose the operation of each step and its process, the words that change in between, the process that
//! dies, and the steps of its supervisor. One thread plays all parts, so the same bytes repeat the same run.
//!
//! With any bytes each step ends soon, by doing its work or by an error.

use super::Choices;
use super::operations::{ALL, Hands, OPERATIONS, operate};
use super::raw::Raw;
use arbitrary::Unstructured;
use jacinth_shm::{Arena, Config, ObjectClass, Process, ProcessSlot, Thread};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The most steps of a script.
const STEPS: usize = 300;
/// No step takes nearly as long, on a machine with much else to do: waits end within [`LONGEST_WAIT_NS`].
///
/// [`LONGEST_WAIT_NS`]: super::operations::LONGEST_WAIT_NS
const HANG: Duration = Duration::from_secs(30);

/// Limits that are soon reached, so that little bytes do much.
pub fn small(choices: &mut impl Choices) -> Config {
    let mut config = Config::default();
    config.max_processes = 4;
    config.max_threads = 8;
    config.max_objects = 24;
    config.max_objects_per_process = 16;
    config.max_handles_per_process = 63;
    config.max_pending_messages = 16;
    config.max_pending_messages_per_process = 40;
    config.first_segment_messages = choices.one_of(&[2, 4, 8, 16]);
    config.pool_bytes = 16 << 10;
    config.vmo_pool_bytes = 64 << 10;
    config.max_block_bytes_per_process = 12 << 10;
    config.max_loan_bytes = 8 << 10;
    config
}

/// One attached process, with one thread.
struct Actor {
    process_slot: ProcessSlot,
    process: Arc<Process>,
    thread: jacinth_shm::Result<Thread>,
    hands: Hands,
}

impl Actor {
    fn attach(arena: &Arc<Arena>, process_slot: ProcessSlot, seed: u32) -> jacinth_shm::Result<Self> {
        let process = Process::attach(arena.clone(), process_slot, 1, seed)?;
        let hands = Hands::of(process.startup_handle());
        Ok(Self { process_slot, thread: Thread::join(&process), process, hands })
    }
}

/// Runs a script on a new arena.
pub fn run(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    let arena = Arc::new(Arena::create(&small(&mut choices)).expect("an arena"));
    let _ = play(&arena, &mut choices);
}

/// Attaches to a file that the bytes make up. If that is let in, it is an arena: the rest of the bytes is a script.
pub fn attach(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    let file = match choices.below(3) {
        0 => file_of_bytes(&mut choices),
        1 => copy_of_arena(&mut choices, false),
        _ => copy_of_arena(&mut choices, true),
    };
    if let Some(file) = file
        && let Ok(arena) = Arena::attach(file)
    {
        let _ = play(&Arc::new(arena), &mut choices);
    }
}

fn sealed(len: usize, seals: SealFlags, fill: impl FnOnce(&Raw)) -> Option<OwnedFd> {
    let file = memfd_create("hostile", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).ok()?;
    ftruncate(&file, len as u64).ok()?;
    if len >= 8 {
        fill(&Raw::of(&file));
    }
    fcntl_add_seals(&file, seals).ok()?;
    Some(file)
}

const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A file of arbitrary bytes.
fn file_of_bytes(choices: &mut Unstructured<'_>) -> Option<OwnedFd> {
    let len = choices.one_of(&[0, 1, 100, 4095, 4096, 4097, 8192, 1 << 20]);
    let words = choices.below(len / 8 + 1);
    let seals = choices.one_of(&[SEALS, SEALS, SealFlags::empty(), SealFlags::SHRINK]);
    sealed(len, seals, |raw| {
        (0..words).for_each(|index| raw.word(index).store(choices.word(), Ordering::Relaxed));
    })
}

/// A real arena's file, of some length, with words of its header or of all of it changed.
fn copy_of_arena(choices: &mut Unstructured<'_>, everywhere: bool) -> Option<OwnedFd> {
    let arena = Arena::create(&small(choices)).ok()?;
    let from = Raw::of(arena.file()?);
    let full = from.words() * 8;
    let len = choices.one_of(&[full, full, full, full, full - 4096, full + 4096, 4096]);
    sealed(len, SEALS, |raw| {
        let words = raw.words().min(from.words());
        (0..words.min(512)).for_each(|index| {
            raw.word(index).store(from.word(index).load(Ordering::Relaxed), Ordering::Relaxed)
        });
        let most = if everywhere { words } else { words.min(64) };
        let near: Vec<usize> = (0..most).collect();
        for _ in 0..choices.below(8) {
            raw.damage(&near, choices);
        }
    })
}

/// Plays a script. An error ends it: then no process is left to go on.
fn play(arena: &Arc<Arena>, choices: &mut Unstructured<'_>) -> jacinth_shm::Result<()> {
    let raw = Raw::of(arena.file().expect("a file"));
    let first = Process::attach(arena.clone(), arena.first_slot()?, 1, choices.word() as u32)?;
    let supervisor = Thread::join(&first)?;
    let mut actors = Vec::new();
    for _ in 0..2 {
        // A mapping of its own.
        let file = arena.file().expect("a file").try_clone_to_owned().expect("a descriptor");
        let Ok(arena) = Arena::attach(file).map(Arc::new) else { continue };
        let process_slot = arena.reserve_slot(&supervisor)?;
        let (one, other) = supervisor.create(ObjectClass::Channel, ALL)?;
        supervisor.leave_startup_handle(supervisor.lookup(one)?, process_slot)?;
        let mut actor = Actor::attach(&arena, process_slot, choices.word() as u32)?;
        actor.hands.values.extend(other);
        actors.push(actor);
    }
    let values = supervisor.create(ObjectClass::Channel, ALL).map(|(one, other)| [Some(one), other]);
    let values = values.into_iter().flatten().flatten();
    actors.push(Actor {
        process_slot: ProcessSlot { row: first.row(), epoch: 0 },
        thread: Thread::join(&first),
        process: first.clone(),
        hands: Hands::of(values),
    });
    let mut used = raw.used();
    for step in 0..STEPS {
        if choices.is_empty() {
            break;
        }
        if step % 32 == 31 {
            used = raw.used();
        }
        let start = Instant::now();
        let what = choices.below(OPERATIONS + 14);
        let actor = choices.below(actors.len());
        match what {
            0..OPERATIONS => {
                let Actor { thread, hands, .. } = &mut actors[actor];
                let _ = thread.as_ref().map(|thread| operate(thread, what, hands, choices));
            }
            what => other_step(what - OPERATIONS, &supervisor, &mut actors, actor, &raw, &used, choices),
        }
        assert!(start.elapsed() < HANG, "step {what} took {:?}", start.elapsed());
    }
    let start = Instant::now();
    let _ = arena.inspect();
    while actors.len() > 1 {
        let Actor { process_slot, .. } = actors.remove(0);
        let _ = supervisor.recover(process_slot);
    }
    let _ = supervisor.recover_unfinished();
    let _ = supervisor.collect_cycles();
    let _ = supervisor.collect();
    let _ = arena.inspect();
    let _ = arena.counters();
    drop(actors);
    assert!(start.elapsed() < HANG, "the end took {:?}", start.elapsed());
    Ok(())
}

/// The steps that are no operation of a process.
fn other_step(
    what: usize,
    supervisor: &Thread,
    actors: &mut [Actor],
    actor: usize,
    raw: &Raw,
    used: &[usize],
    choices: &mut Unstructured<'_>,
) {
    let arena = supervisor.process().arena();
    match what {
        0..=6 if !used.is_empty() => raw.damage(used, choices),
        7 => {
            let actor = &mut actors[actor];
            // The old one first: its row may be the last.
            actor.thread = Err(jacinth_shm::Error::BadHandle);
            actor.thread = Thread::join(&actor.process);
        }
        8 => {
            let _ = supervisor.collect_cycles();
        }
        9 => {
            let _ = arena.inspect();
        }
        10 => {
            let _ =
                arena.reserve_slot(supervisor).and_then(|process_slot| supervisor.cancel_slot(process_slot));
        }
        // The process dies and another takes a process slot.
        11 if actors[actor].process_slot.row != supervisor.process().row() => {
            let arena = actors[actor].process.arena().clone();
            actors[actor].thread = Err(jacinth_shm::Error::BadHandle);
            let _ = supervisor.recover(actors[actor].process_slot);
            let next = arena.reserve_slot(supervisor).and_then(|process_slot| {
                let (one, _) = supervisor.create(ObjectClass::Channel, ALL)?;
                supervisor.leave_startup_handle(supervisor.lookup(one)?, process_slot)?;
                Actor::attach(&arena, process_slot, choices.word() as u32)
            });
            if let Ok(next) = next {
                actors[actor] = next;
            }
        }
        12 => {
            let _ = supervisor.recover_unfinished();
        }
        _ => {
            let _ = supervisor.collect();
        }
    }
}
