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

use crate::arena::error::Result;
use crate::arena::word::row::{ProcessState, RowState};
use crate::object::channel::idle;
use crate::process::scavenger::MUCH_BYTES;
use crate::process::thread::Thread;
use crate::process::{Process, rows};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use core::sync::atomic::Ordering;
use std::sync::Arc;

/// How long others may take to answer.
const PATIENCE_NS: i64 = 20_000_000;

/// How often one process asks at most: others may have nothing.
const ASK_EVERY_NS: i64 = 1_000_000_000;

/// How often a keeper looks, while there is something to give, and when there is not.
const LOOK_EVERY_NS: i64 = 1_000_000_000;

const LOOK_SELDOM_NS: i64 = 5_000_000_000;

fn keeps_much(process: &Process) -> bool {
    process.scavenger.taken_bytes.load(Ordering::Relaxed) >= MUCH_BYTES || process.has_halves_to_free()
}

pub(crate) fn keep(process: &Arc<Process>, go_on: impl Fn() -> bool) {
    let (Ok(row), asked) = (process.arena.process(process.row), &process.arena.header().asked) else {
        return;
    };
    // Relaxed, both: what was asked before there was a keeper is not answered.
    let mut seen = asked.load(Relaxed);
    row.answered.store(seen.wrapping_add(1), Relaxed);
    while go_on() && !process.arena.is_poisoned() {
        let every_ns = if keeps_much(process) { LOOK_EVERY_NS } else { LOOK_SELDOM_NS };
        let until_ns = sync::now_ns().saturating_add(every_ns);
        process.arena.futex().wait(&[(asked, seen as u32)], until_ns);
        // ORDER: Acquire pairs with the Release of who asked: what it has read is seen, and what is spare since.
        let now = asked.load(Acquire);
        if now != seen || keeps_much(process) {
            trim(process, now != seen);
        }
        seen = now;
        // ORDER: Release pairs with the Acquire of `is_still_asked`: what was given back comes before.
        row.answered.store(seen.wrapping_add(1), Release);
    }
    // Relaxed: who finds no keeper is promised nothing.
    row.answered.store(0, Relaxed);
}

fn trim(process: &Arc<Process>, all: bool) {
    // Without a row of its own it can do nothing, and tries again.
    let Ok(thread) = rows::join(process) else { return };
    process.free_waiting_halves();
    if idle::trim_channels(&thread, all) == Ok(false) {
        process.scavenger.taken_bytes.store(0, Ordering::Relaxed);
    }
}

pub(crate) fn request_trim(thread: &Thread) -> Result<()> {
    let asked: &AtomicU64 = &thread.arena().header().asked;
    // ORDER: Release pairs with the Acquire of `keep`: what this process has read before is spare for others now.
    let own = asked.fetch_add(1, Release).wrapping_add(1);
    thread.arena().futex().wake_all(asked);
    let until_ns = sync::now_ns().saturating_add(PATIENCE_NS);
    for row in 1..thread.arena().layout().processes.count as u16 {
        while row != thread.table_row && is_still_asked(thread, row, own)? && sync::now_ns() < until_ns {
            thread.arena().futex().wait(&[], sync::now_ns().saturating_add(PATIENCE_NS / 200));
        }
    }
    Ok(())
}

fn is_still_asked(thread: &Thread, row: u16, asked: u64) -> Result<bool> {
    let row = thread.arena().process(row)?;
    // ORDER: Acquire pairs with the Release of `keep`: what it gave back is seen. Behind what was asked: not yet.
    let answered = row.answered.load(Acquire);
    let is_there = RowState(row.claim.load(Relaxed)).process_state() == ProcessState::Active;
    Ok(answered != 0 && answered <= asked && is_there)
}

/// As [`request_trim`], if there is anybody to ask and it has not just been done. Gives
/// whether it was.
pub(crate) fn maybe_request_trim(thread: &Thread) -> Result<bool> {
    let now_ns = sync::now_ns();
    let last = &thread.process.scavenger.asked_ns;
    let before = last.load(Ordering::Relaxed);
    if cfg!(loom) || before != 0 && now_ns.saturating_sub(before) < ASK_EVERY_NS {
        return Ok(false);
    }
    last.store(now_ns, Ordering::Relaxed);
    request_trim(thread)?;
    Ok(true)
}
