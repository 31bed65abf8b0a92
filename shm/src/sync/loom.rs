//! The facade over loom: the same names as `native`, explored instead of run.

use super::WakeReason;
use super::crash_model::{self, Access};
use super::word_pool::{Promised, Word};
use ::loom::sync::{Condvar, Mutex, MutexGuard};

use ::loom::sync::atomic::{AtomicBool, Ordering};

pub(crate) fn fence(order: Ordering) {
    ::loom::sync::atomic::fence(order);
    crash_model::fenced();
}

/// loom's atomic, with a turn that every access takes first.
///
/// For each object loom remembers only the last access of each thread. A thread that loads a word and then changes it
/// hides the loads that other threads made before. loom then does not explore the orders in which those loads come
/// after the change. All accesses of the turn are alike and depend on each other, so none hides another. The turn is
/// Relaxed: it adds no order to that of the access itself.
#[derive(Debug, Default)]
pub(crate) struct AtomicU64(Promised<Word>);

impl AtomicU64 {
    fn turn(&self) -> &::loom::sync::atomic::AtomicU64 {
        let Word { turn, word } = self.0.get();
        take_turn(turn);
        word
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.turn().load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        let before = self.watched();
        self.turn().store(value, order);
        crash_model::stored(&self.0.get().word, before, order, Access::Store);
    }

    /// The value that a store is about to replace, if `crash_model` watches.
    fn watched(&self) -> u64 {
        if crash_model::is_watching() { self.0.get().word.load(Ordering::Relaxed) } else { 0 }
    }

    fn changed(&self, before: u64, order: Ordering) -> u64 {
        crash_model::stored(&self.0.get().word, before, order, Access::ReadModifyWrite);
        before
    }

    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let before = self.turn().compare_exchange(current, new, success, failure)?;
        Ok(self.changed(before, success))
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        let before = self.turn().swap(value, order);
        self.changed(before, order)
    }

    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        let before = self.turn().fetch_add(value, order);
        self.changed(before, order)
    }

    pub(crate) fn fetch_or(&self, value: u64, order: Ordering) -> u64 {
        let before = self.turn().fetch_or(value, order);
        self.changed(before, order)
    }

    pub(crate) fn fetch_and(&self, value: u64, order: Ordering) -> u64 {
        let before = self.turn().fetch_and(value, order);
        self.changed(before, order)
    }
}

fn take_turn(turn: &AtomicBool) {
    if BARRIERS.get() == Barriers::OneSided {
        BEACONS.of_this_thread().fetch_add(1, Ordering::AcqRel);
    }
    turn.swap(true, Ordering::Relaxed);
}

/// The turn alone, for models of memory outside loom: loom explores both orders of two accesses. It orders no memory.
#[derive(Debug, Default)]
pub struct Turn(AtomicBool);

impl Turn {
    /// Take it before each access.
    pub fn take(&self) {
        take_turn(&self.0);
    }
}

/// As [`AtomicU64`], with the operations that [`lock`](super::lock) and [`grace`](super::grace) need.
#[derive(Debug)]
pub(crate) struct AtomicU32 {
    turn: AtomicBool,
    word: ::loom::sync::atomic::AtomicU32,
}

impl AtomicU32 {
    pub(crate) fn new(value: u32) -> Self {
        Self { turn: AtomicBool::default(), word: ::loom::sync::atomic::AtomicU32::new(value) }
    }

    fn turn(&self) -> &::loom::sync::atomic::AtomicU32 {
        take_turn(&self.turn);
        &self.word
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.turn().load(order)
    }

    /// A plain store in the product; [`store_over_marks`] says why it is a swap here.
    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.turn().swap(value, order);
    }

    pub(crate) fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.turn().swap(value, order)
    }

    pub(crate) fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.turn().fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.turn().fetch_sub(value, order)
    }
}

/// The models have no compiler that moves accesses.
pub(crate) fn compiler_fence(_order: Ordering) {}

std::thread_local! {
    static REGISTERS: core::cell::Cell<bool> = const { core::cell::Cell::new(true) };
    static GRANTS: core::cell::Cell<bool> = const { core::cell::Cell::new(true) };
}

/// Sets whether the modelled kernel registers processes for barriers from now on, and whether it grants any barrier.
pub fn kernel_barriers(registers: bool, grants: bool) {
    REGISTERS.set(registers);
    GRANTS.set(grants);
}

std::thread_local! {
    static GIVES_BIASES: core::cell::Cell<bool> = const { core::cell::Cell::new(true) };
}

/// Sets whether locks are biased from now on, where barriers reach the process.
pub fn lock_biases(are_given: bool) {
    GIVES_BIASES.set(are_given);
}

pub(super) fn may_bias() -> bool {
    REGISTERS.get() && GIVES_BIASES.get()
}

pub(crate) fn register_barriers() -> bool {
    REGISTERS.get()
}

pub(super) fn is_asymmetric() -> bool {
    REGISTERS.get()
}

/// A store by a word's owner, over marks that other threads may add by CAS of the value that the owner stored before.
///
/// In the word's history a CAS stands right behind the value it replaced, so a later store comes after both. loom
/// orders stores only by happens-before, and would let the mark reappear over the store. A swap prevents that.
pub(crate) fn store_over_marks(word: &AtomicU64, value: u64, order: Ordering) {
    let before = word.turn().swap(value, order);
    // For `crash_model` it is a plain store, as in the product.
    crash_model::stored(&word.0.get().word, before, order, Access::Store);
}

/// The meaning of barriers in the models that a test explores. In the product a light barrier is a compiler fence, and
/// a heavy one makes every other thread pass a full fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barriers {
    /// Both are full fences of the thread that passes them. For a light barrier that is more than in the product.
    Full,
    /// Light barriers do not order memory: for models in which no thread relies on a heavy barrier.
    NoLight,
    /// As in the product; many more steps to explore.
    OneSided,
}

std::thread_local! {
    /// All threads of a model run on the thread of the test that explores it.
    static BARRIERS: core::cell::Cell<Barriers> = const { core::cell::Cell::new(Barriers::Full) };
}

/// Sets the meaning of barriers in the models that this test explores from now on.
pub fn barriers(what: Barriers) {
    BARRIERS.set(what);
}

::loom::lazy_static! {
    static ref BEACONS: BarrierEpochs = BarrierEpochs::default();
}

::loom::thread_local! {
    static BEACON: usize = BEACONS.next.fetch_add(1, Ordering::Relaxed);
}

/// One word for each thread. The thread passes it before every access, and a heavy barrier changes it. So the thread's
/// earlier accesses come before the barrier, and the barrier before its later ones.
#[derive(Default)]
struct BarrierEpochs {
    words: [::loom::sync::atomic::AtomicU64; 4],
    next: core::sync::atomic::AtomicUsize,
}

impl BarrierEpochs {
    fn of_this_thread(&self) -> &::loom::sync::atomic::AtomicU64 {
        &self.words[BEACON.with(|index| *index)]
    }
}

pub(crate) fn light_barrier() {
    if BARRIERS.get() == Barriers::Full {
        fence(super::SeqCst);
    }
    // In every model: the compiler moves no store past a light barrier.
    crash_model::fenced();
}

#[must_use]
pub(crate) fn heavy_barrier() -> bool {
    if GRANTS.get() {
        sure_barrier();
    } else {
        fence(super::SeqCst);
    }
    GRANTS.get()
}

/// It orders memory also where the kernel refuses barriers: the product waits until each earlier store is seen.
pub(super) fn sure_barrier() {
    fence(super::SeqCst);
    if BARRIERS.get() == Barriers::OneSided {
        // Each thread reads its own word before its next access, so that access comes after this barrier.
        for beacon in &BEACONS.words {
            beacon.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Stands beside memory that one thread writes and another reads, never both at once. The model fails if a read and a
/// write are not ordered, no matter which values they saw.
#[derive(Debug, Default)]
pub(crate) struct RaceCell(Promised<::loom::cell::UnsafeCell<()>>);

impl RaceCell {
    /// The memory is being read.
    pub(crate) fn read(&self) {
        self.0.get().with(|_| ());
    }

    /// The memory is being written.
    pub(crate) fn written(&self) {
        self.0.get().with_mut(|_| ());
    }
}

/// A spin must yield, or the model never ends.
pub(crate) fn backoff(_step: u32) {
    ::loom::thread::yield_now();
}

pub(crate) fn prefetch_exclusive<T>(_line: &T) {}

pub(crate) fn is_watched() -> bool {
    false
}

pub(crate) fn acquired<T>(_word: &T) {}

pub(crate) fn released<T>(_word: &T) {}

pub(crate) fn locked<T>(_word: &T) {}

pub(crate) fn pause(_hints: u32) {
    backoff(0);
}

std::thread_local! {
    static TIME_PASSES: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

::loom::lazy_static! {
    static ref CLOCK: ::loom::sync::atomic::AtomicU64 = ::loom::sync::atomic::AtomicU64::new(0);
}

/// Sets whether time passes in the models that this test explores from now on: for models of timers.
pub fn time_passes(passes: bool) {
    TIME_PASSES.set(passes);
}

/// Lets the clock reach `ns`, unless it is past that.
pub fn pass_time_until(ns: i64) {
    CLOCK.fetch_max(ns.cast_unsigned(), Ordering::Relaxed);
}

/// The clock of the models. It stands still, at 0, unless [`time_passes`]. Then it moves on when a thread sleeps
/// until a deadline, or calls [`pass_time_until`].
///
/// All threads see the same time, as on the machine, and reading it orders no memory: a Relaxed read-modify-write.
pub fn now_ns() -> i64 {
    if TIME_PASSES.get() { CLOCK.fetch_add(0, Ordering::Relaxed).cast_signed() } else { 0 }
}

/// No model does: none shares a processor.
pub(crate) fn yield_processor() {
    ::loom::thread::yield_now();
}

/// Models know no processors.
pub(crate) fn has_one_processor() -> bool {
    false
}

/// One condition variable for the whole arena. As in the kernel, the comparison and the sleep are one step.
#[derive(Debug)]
pub(crate) struct Futex {
    /// How many sleep.
    gate: Mutex<usize>,
    woken: Condvar,
}

impl Futex {
    pub(crate) fn new() -> Self {
        Self { gate: Mutex::new(0), woken: Condvar::new() }
    }

    pub(crate) const MOST_WORDS: usize = 128;

    /// A deadline that is neither infinite nor past comes as soon as a thread sleeps.
    pub(crate) fn wait(&self, words: &[(&AtomicU64, u32)], deadline_ns: i64) -> WakeReason {
        if deadline_ns != super::DEADLINE_INFINITE_NS {
            if TIME_PASSES.get() {
                if words.iter().any(|(word, expected)| word.load(super::Relaxed) as u32 != *expected) {
                    return WakeReason::Woken;
                }
                pass_time_until(deadline_ns);
            }
            if words.is_empty() {
                // A pause between two checks of another thread's progress.
                backoff(0);
            }
            return WakeReason::TimedOut;
        }
        let mut gate = self.gate.lock().unwrap();
        // The kernel compares under a lock that every waker takes: the mutex gives the same ordering.
        if words.iter().all(|(word, expected)| word.load(super::Relaxed) as u32 == *expected) {
            *gate += 1;
            drop(self.woken.wait(gate).unwrap());
        }
        WakeReason::Woken
    }

    pub(crate) fn wake_all(&self, _word: &AtomicU64) {
        *self.gate.lock().unwrap() = 0;
        self.woken.notify_all();
    }

    /// For models in which all sleepers watch this word.
    pub(crate) fn wake_one(&self, _word: &AtomicU64) -> bool {
        let mut gate = self.gate.lock().unwrap();
        let is_asleep = *gate > 0;
        if is_asleep {
            *gate -= 1;
            self.woken.notify_one();
        }
        is_asleep
    }
}

/// The queue on which the waiters of one lock sleep.
#[derive(Debug)]
pub(crate) struct WaitQueue {
    /// How many sleep.
    asleep: Mutex<usize>,
    woken: Condvar,
}

impl WaitQueue {
    pub(crate) fn new() -> Self {
        Self { asleep: Mutex::new(0), woken: Condvar::new() }
    }

    pub(crate) fn sleep_while(&self, word: &AtomicU32, value: u32, is_barrier_done: bool) -> bool {
        if !is_barrier_done {
            // A short sleep ends as soon as other threads have run.
            backoff(0);
            return false;
        }
        let mut asleep = self.asleep.lock().unwrap();
        // As in `Futex::wait`: the comparison is under the lock that every waker takes.
        let sleeps = word.load(super::Relaxed) == value;
        if sleeps {
            *asleep += 1;
            drop(self.woken.wait(asleep).unwrap());
        }
        sleeps
    }

    pub(crate) fn wake_one(&self, _word: &AtomicU32) -> bool {
        let mut asleep = self.asleep.lock().unwrap();
        let wakes = *asleep > 0;
        if wakes {
            *asleep -= 1;
            self.woken.notify_one();
        }
        wakes
    }
}

/// A process-private lock among threads. The product's own lock (`sync/lock/`) has models of its own. In the other
/// models it would only add executions to explore.
#[derive(Debug)]
pub(crate) struct Lock<T> {
    inner: Mutex<T>,
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { inner: Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.inner.try_lock().ok()
    }
}

pub(crate) type Locked<'a, T> = MutexGuard<'a, T>;
