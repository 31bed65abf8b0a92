//! The parts that all models use: small arenas, processes with a thread each, and a place for messages to go.
//!
//! A process is a [`Thread`] of its own: it is made in the first model thread and moved into another, so that
//! only the arena lies between the two. The private data that threads of one process share (locks, free lists)
//! would add happens-before edges that processes do not have, and hide the races that the models are to find.

#![allow(dead_code, reason = "each test binary uses some of it")]

use jacinth_shm_loom::{
    Arena, Audit, Barriers, ChannelOptions, Config, Error, ObjectClass, Process, ProcessSlot, Received,
    RecvBuf, ResolvedHandle, Result, Thread,
};
use jacinth_shm_loom::{HandleValue, Rights, Signals};
use jacinth_shm_loom::{IdleMemory, OnOverflow, Unused, barriers, pass_time_until, time_passes};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod buffers;
pub mod deaths;
pub mod fifos;
pub mod names;
pub mod points;
pub mod ports;
pub mod scenes;
pub mod sockets;
mod stacks;
pub mod streams;
pub mod vmos;

/// Every right there is: the mechanism asks for those it is told to ask for.
pub const ALL: Rights = Rights::all();
/// A deadline that a timer keeps without rounding.
pub const DUE_NS: i64 = 64;
/// A signal that is stored.
pub const USER: Signals = Signals::from_bits_retain(1 << 24);

/// The smallest arena in which everything can happen: rings that must grow, tables that run full.
pub fn small() -> Config {
    let mut config = Config::default();
    config.max_processes = 3;
    config.max_threads = 4;
    config.max_objects = 2;
    config.max_handles_per_process = 4;
    config.max_pending_messages = 4;
    config.first_segment_messages = 2;
    config.pool_bytes = 512;
    config.max_loan_bytes = 512;
    config
}

/// [`small`] with some of its numbers changed.
pub fn small_with(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = small();
    change(&mut config);
    config
}

/// Explores `body` in every interleaving with at most `preemptions` involuntary switches; `None` is all.
///
/// `MODEL_PREEMPTIONS=n` in the environment overrides the bound, for a longer look than a test run affords.
pub fn model(preemptions: impl Into<Option<usize>>, body: impl Fn() + Send + Sync + 'static) {
    let explored = Arc::new(AtomicUsize::new(0));
    let counter = explored.clone();
    let mut builder = loom::model::Builder::new();
    let wanted = std::env::var("MODEL_PREEMPTIONS").ok().and_then(|bound| bound.parse().ok());
    builder.preemption_bound = wanted.or(preemptions.into());
    builder.max_branches = 100_000;
    builder.max_threads = 4;
    let started = std::time::Instant::now();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        body();
    });
    let explored = explored.load(Ordering::Relaxed);
    if std::env::var_os("MODEL_STATISTICS").is_some() {
        eprintln!("{explored} executions in {:?}", started.elapsed());
    }
}

/// [`model`], in which light barriers add no order: for models in which no thread sleeps and no object that is in
/// use is reclaimed.
pub fn model_without_barriers(
    preemptions: impl Into<Option<usize>>,
    body: impl Fn() + Send + Sync + 'static,
) {
    model_with(Barriers::NoLight, preemptions, body);
}

/// [`model`], in which a heavy barrier makes every other thread fence, and a light one does not fence by itself.
pub fn model_with_one_sided_barriers(
    preemptions: impl Into<Option<usize>>,
    body: impl Fn() + Send + Sync + 'static,
) {
    model_with(Barriers::OneSided, preemptions, body);
}

fn model_with(
    what: Barriers,
    preemptions: impl Into<Option<usize>>,
    body: impl Fn() + Send + Sync + 'static,
) {
    barriers(what);
    model(preemptions, body);
    barriers(Barriers::Full);
}

/// The process that creates the arena, with one thread.
pub fn first(config: &Config) -> Thread {
    let arena = Arc::new(Arena::heap(config).unwrap());
    let process_slot = arena.first_slot().unwrap();
    let process = Process::attach(arena, process_slot, 1, 0x2545_f491).unwrap();
    sleeper(Thread::join(&process).unwrap())
}

/// Another process, with one thread, that was left `handle` by its spawner if there is one.
pub fn child(spawner: &Thread, handle: Option<HandleValue>) -> Thread {
    child_with_slot(spawner, handle).0
}

/// [`child`], and its process slot.
pub fn child_with_slot(spawner: &Thread, handle: Option<HandleValue>) -> (Thread, ProcessSlot) {
    let arena = spawner.process().arena();
    let process_slot = arena.reserve_slot(spawner).unwrap();
    if let Some(handle) = handle {
        spawner.leave_startup_handle(spawner.lookup(handle).unwrap(), process_slot).unwrap();
    }
    arena.adopt(spawner, process_slot);
    let process = Process::attach(arena.clone(), process_slot, 2, 0x9e37_79b9).unwrap();
    (sleeper(Thread::join(&process).unwrap()), process_slot)
}

trait Adopt {
    fn adopt(&self, spawner: &Thread, process_slot: ProcessSlot);
}

impl Adopt for Arena {
    fn adopt(&self, spawner: &Thread, process_slot: ProcessSlot) {
        assert!(spawner.confirm_slot(process_slot, 2).unwrap());
    }
}

/// Another thread of the same process.
pub fn sibling(thread: &Thread) -> Thread {
    sleeper(Thread::join(thread.process()).unwrap())
}

/// Waits of this thread sleep at once.
fn sleeper(thread: Thread) -> Thread {
    thread.set_spin_ns(0);
    thread
}

/// The handle a child was left by its spawner.
pub fn startup(thread: &Thread) -> HandleValue {
    thread.process().startup_handle().unwrap()
}

/// A channel between two processes: the first one's end, and a child that has the other.
pub fn connected(first: &Thread) -> (HandleValue, Thread) {
    let (near, far) = first.create(ObjectClass::Channel, ALL).unwrap();
    let child = child(first, far);
    (near, child)
}

/// A channel between two processes: both its ends, and the child that has the second one.
pub fn linked(first: &Thread) -> (HandleValue, HandleValue, Thread) {
    let (near, child) = connected(first);
    (near, startup(&child), child)
}

/// A new event.
pub fn create_event(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Event, ALL).unwrap().0
}

/// The ends of a new channel.
pub fn create_channel(thread: &Thread) -> [HandleValue; 2] {
    let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
    [near, far.unwrap()]
}

/// Gives all unused memory back to the system.
pub fn decommit_memory(thread: &Thread) {
    IdleMemory::new().pass(thread, Unused::Now, &mut || true).unwrap();
}

/// Where received messages go.
#[derive(Debug, Default)]
pub struct Inbox {
    pub bytes: Vec<u8>,
    pub handles: Vec<Received>,
}

// SAFETY: no function here panics or waits.
unsafe impl RecvBuf for Inbox {
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.bytes.clear();
        self.bytes.reserve(len);
        Some(&mut self.bytes.spare_capacity_mut()[..len])
    }

    fn takes_handles(&self, _count: usize) -> bool {
        true
    }

    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: `reserve` reserved `len` bytes in an empty vector, and the caller has written them.
        unsafe { self.bytes.set_len(len) };
    }

    fn handle(&mut self, handle: Received) {
        self.handles.push(handle);
    }
}

/// A [`RecvBuf`] that has room for no message at all.
#[derive(Debug)]
pub struct NoRoom;

// SAFETY: the function is empty.
unsafe impl RecvBuf for NoRoom {
    unsafe fn reserve(&mut self, _len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        None
    }

    fn takes_handles(&self, _count: usize) -> bool {
        false
    }

    unsafe fn advance(&mut self, _len: usize) {}

    fn handle(&mut self, _handle: Received) {}
}

/// Operations on handle values, as `jacinth` does them.
pub trait Use {
    /// Finds, and closes.
    fn close_value(&self, value: HandleValue) -> Result<()>;
    /// One look for a message.
    fn try_receive(&self, value: HandleValue) -> Result<Inbox>;
    /// Looks for a message until there is one, or an error that is not `ShouldWait`.
    fn receive_next(&self, value: HandleValue) -> Result<Inbox>;
    /// Sends bytes.
    fn send_value(&self, value: HandleValue, bytes: &[u8]) -> Result<()>;
    /// Sends bytes until there is room.
    fn send_when_room(&self, value: HandleValue, bytes: &[u8]) -> Result<()>;
    /// Sends bytes and handles.
    fn transfer_value(&self, value: HandleValue, bytes: &[u8], handles: &[HandleValue]) -> Result<()>;
    /// The koid behind a handle.
    fn koid(&self, value: HandleValue) -> Result<u64>;
    /// The signals of a handle's object.
    fn signals_of(&self, value: HandleValue) -> Result<Signals>;
}

impl Use for Thread {
    fn close_value(&self, value: HandleValue) -> Result<()> {
        self.lookup(value).and_then(|found| self.close(found))
    }

    fn try_receive(&self, value: HandleValue) -> Result<Inbox> {
        let mut inbox = Inbox::default();
        let found = self.lookup(value)?;
        self.receive(found, Rights::empty(), &mut inbox, OnOverflow::Keep)?;
        Ok(inbox)
    }

    fn receive_next(&self, value: HandleValue) -> Result<Inbox> {
        loop {
            match self.try_receive(value) {
                Err(Error::ShouldWait) => loom::thread::yield_now(),
                received => return received,
            }
        }
    }

    fn send_value(&self, value: HandleValue, bytes: &[u8]) -> Result<()> {
        self.lookup(value).and_then(|found| self.send(found, Rights::empty(), bytes))
    }

    fn send_when_room(&self, value: HandleValue, bytes: &[u8]) -> Result<()> {
        loop {
            match self.send_value(value, bytes) {
                Err(Error::ShouldWait) => loom::thread::yield_now(),
                sent => return sent,
            }
        }
    }

    fn transfer_value(&self, value: HandleValue, bytes: &[u8], handles: &[HandleValue]) -> Result<()> {
        self.lookup(value).and_then(|found| {
            self.send_with_handles(found, Rights::empty(), bytes, handles, Rights::empty(), None)
        })
    }

    fn koid(&self, value: HandleValue) -> Result<u64> {
        self.lookup(value).and_then(|found| self.basic(found)).map(|basic| basic.koid)
    }

    fn signals_of(&self, value: HandleValue) -> Result<Signals> {
        self.lookup(value).and_then(|found| self.signals(found))
    }
}

/// Waits, for ever, until one of `waitfor` is there.
pub fn wait(thread: &Thread, value: HandleValue, waitfor: Signals) -> (Result<()>, Signals) {
    thread.wait_one(value, Rights::empty(), waitfor, jacinth_shm_loom::DEADLINE_INFINITE_NS)
}

/// The words of a message that does not fit its slot, so that it has a payload block.
pub const BLOCK_WORDS: usize = 16;

/// A message of `words` words, each of which says which message it is: a torn one shows.
pub fn message(number: u8, words: usize) -> Vec<u8> {
    vec![number; 8 * words]
}

/// Audits the arena of `thread`, which must be at rest, and have this many objects and handles.
#[track_caller]
pub fn assert_clean(thread: &Thread, objects: u32, handles: u32) -> Audit {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
    assert_eq!((audit.objects, audit.handles + audit.in_transit), (objects, handles), "{audit}");
    audit
}

/// Whether the lookup said that the handle is gone.
pub fn is_gone<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::BadHandle | Error::Canceled))
}

/// Found, or not at all.
pub fn find(thread: &Thread, value: HandleValue) -> ResolvedHandle {
    thread.lookup(value).unwrap()
}

/// The signal that says the other side is gone.
pub const PEER_CLOSED: Signals = Signals::PEER_CLOSED;
