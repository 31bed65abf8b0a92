//! The keeper of a process: a thread that has its quiet channels give back what they keep (`quiet`), from time to time
//! and when another process asks.
//!
//! Only the process that holds an end can take anything from it. So a process to which a block would be refused asks all
//! others first, and waits until each that has a keeper has tidied up: some milliseconds at most, for one of them may be
//! stopped. The thread is started when the channels of a process first take more than a little, so most processes never
//! have one; this crate has no threads, and is told how to start it.
//!
//! | word | in | written by | how |
//! |---|---|---|---|
//! | asked | the header | who asks | add 1; then all who sleep on it are woken |
//! | answered | the row of a process | its keeper | store: one more than the count that it has answered; 0: no keeper |
//! | | | the process that sits down in the row | store of 0 |
//!
//! A keeper that dies has died with its process, whose row says so. Nothing depends on either word: one that is wrong costs
//! a wait of [`PATIENCE_NS`], or a block that is refused.

use crate::error::Result;
use crate::owner::{Claim, ProcessState};
use crate::process::Process;
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use crate::thread::Thread;
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU64 as Private, Ordering};
use std::sync::{Arc, OnceLock};

/// What a process takes before it is worth a look at what its channels keep.
const MUCH_BYTES: u64 = 256 << 10;
/// How long others may take to answer.
const PATIENCE_NS: i64 = 20_000_000;
/// How often one process asks at most: others may have nothing.
const ASK_EVERY_NS: i64 = 1_000_000_000;
/// How often a keeper looks, while there is something to give, and when there is not.
const LOOK_EVERY_NS: i64 = 1_000_000_000;
const LOOK_SELDOM_NS: i64 = 5_000_000_000;

/// Starts a thread that runs [`Process::keep`]. Gives whether there is one.
type Start = Box<dyn Fn() -> bool + Send + Sync>;

/// What a process knows of its keeper.
#[derive(Default)]
pub(crate) struct Keeper {
    start: OnceLock<Start>,
    started: AtomicBool,
    /// What has been taken since all was last tidy.
    taken_bytes: Private,
    asked_ns: AtomicI64,
}

impl Process {
    /// Says how to start the thread that runs [`keep`](Self::keep).
    pub fn set_keeper(&self, start: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.keeper.start.set(Box::new(start));
    }

    /// A channel of this process has come to keep so much more.
    pub(crate) fn note_taken(&self, bytes: usize) {
        let before = self.keeper.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if before + bytes as u64 >= MUCH_BYTES {
            self.start_keeper();
        }
    }

    /// Starts the keeper, if there is none yet and it is known how.
    pub(crate) fn start_keeper(&self) {
        if !self.keeper.started.load(Ordering::Relaxed)
            && let Some(start) = self.keeper.start.get()
            && !self.keeper.started.swap(true, Ordering::Relaxed)
            && !start()
        {
            // The system has no thread now; perhaps it has one next time.
            self.keeper.started.store(false, Ordering::Relaxed);
        }
    }

    fn keeps_much(&self) -> bool {
        self.keeper.taken_bytes.load(Ordering::Relaxed) >= MUCH_BYTES || self.has_halves_to_free()
    }

    /// Has the quiet channels of this process give back what they keep, for as long as `go_on` says so, which is asked
    /// every few seconds. For a thread of its own.
    pub fn keep(self: &Arc<Self>, go_on: impl Fn() -> bool) {
        let (Ok(row), asked) = (self.arena.process(self.row), &self.arena.header().asked) else { return };
        // Relaxed, both: what was asked before there was a keeper is not answered.
        let mut seen = asked.load(Relaxed);
        row.answered.store(seen.wrapping_add(1), Relaxed);
        while go_on() && !self.arena.is_poisoned() {
            let every_ns = if self.keeps_much() { LOOK_EVERY_NS } else { LOOK_SELDOM_NS };
            let until_ns = sync::now_ns().saturating_add(every_ns);
            self.arena.futex().wait(&[(asked, seen as u32)], until_ns);
            // ORDER: Acquire pairs with the Release of who asked: what it has read is seen, and what is spare since.
            let now = asked.load(Acquire);
            if now != seen || self.keeps_much() {
                self.tidy_up(now != seen);
            }
            seen = now;
            // ORDER: Release pairs with the Acquire of `is_still_asked`: what was given back comes before.
            row.answered.store(seen.wrapping_add(1), Release);
        }
        // Relaxed: who finds no keeper is promised nothing.
        row.answered.store(0, Relaxed);
    }

    fn tidy_up(self: &Arc<Self>, all: bool) {
        // Without a row of its own it can do nothing, and tries again.
        let Ok(thread) = Thread::join(self) else { return };
        self.free_waiting_halves();
        if thread.tidy_channels(all) == Ok(false) {
            self.keeper.taken_bytes.store(0, Ordering::Relaxed);
        }
    }
}

impl Thread {
    /// Asks all processes to give back what their channels keep and do not need, and waits until they have.
    pub fn ask_for_spares(&self) -> Result<()> {
        let asked: &AtomicU64 = &self.arena().header().asked;
        // ORDER: Release pairs with the Acquire of `keep`: what this process has read before is spare for others now.
        let own = asked.fetch_add(1, Release).wrapping_add(1);
        self.arena().futex().wake_all(asked);
        let until_ns = sync::now_ns().saturating_add(PATIENCE_NS);
        for row in 1..self.arena().layout().processes.count as u16 {
            while row != self.home && self.is_still_asked(row, own)? && sync::now_ns() < until_ns {
                self.arena().futex().wait(&[], sync::now_ns().saturating_add(PATIENCE_NS / 200));
            }
        }
        Ok(())
    }

    fn is_still_asked(&self, row: u16, asked: u64) -> Result<bool> {
        let row = self.arena().process(row)?;
        // ORDER: Acquire pairs with the Release of `keep`: what it gave back is seen. Behind what was asked: not yet.
        let answered = row.answered.load(Acquire);
        let is_there = Claim(row.claim.load(Relaxed)).process_state() == ProcessState::Active;
        Ok(answered != 0 && answered <= asked && is_there)
    }

    /// As [`ask_for_spares`](Self::ask_for_spares), if there is anybody to ask and it has not just been done. Gives
    /// whether it was.
    pub(crate) fn may_have_asked(&self) -> Result<bool> {
        let now_ns = sync::now_ns();
        let last = &self.process.keeper.asked_ns;
        let before = last.load(Ordering::Relaxed);
        if cfg!(loom) || before != 0 && now_ns.saturating_sub(before) < ASK_EVERY_NS {
            return Ok(false);
        }
        last.store(now_ns, Ordering::Relaxed);
        self.ask_for_spares()?;
        Ok(true)
    }
}
