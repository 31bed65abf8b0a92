//! The scavenger of a process: a thread that takes idle memory back from the process's quiet objects
//! (`Class::trim`), from time to time and when another process asks.
//!
//! Only the process that holds an end can take memory from it. So before a process refuses a block, it asks all other
//! processes, and waits until each scavenger has trimmed its channels. The wait is some milliseconds at most: a
//! scavenger may be stopped. The thread is started when the channels of a process first take more than a little, so
//! most processes never have one. This crate starts no threads; the process is told how to start it
//! (`process/scavenger`).
//!
//! | word | in | written by | how |
//! |---|---|---|---|
//! | asked | the header | the process that asks | add 1, then wake every scavenger that sleeps on it |
//! | answered | the row of a process | its scavenger | store: one more than the answered count; 0: no scavenger |
//! | | | the process that attaches to the row | store of 0 |
//!
//! A scavenger dies only with its process, and the process's row shows that. No other state depends on either word: a
//! wrong value costs a wait of [`MAX_WAIT_NS`], or a refused block.

use crate::arena::error::Result;
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::row::{ProcessState, RowState};
use crate::object;
use crate::process::scavenger::MUCH_BYTES;
use crate::process::thread::Thread;
use crate::process::{Process, rows};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use core::sync::atomic::Ordering;
use std::sync::Arc;

/// How long the scavengers may take to answer.
const MAX_WAIT_NS: i64 = 20_000_000;

/// The shortest time between two requests of one process: the other processes may have no memory to give.
const ASK_EVERY_NS: i64 = 1_000_000_000;

/// How often a scavenger looks while its channels hold idle memory.
const LOOK_EVERY_NS: i64 = 1_000_000_000;

/// How often it looks while they hold none.
const LOOK_SELDOM_NS: i64 = 5_000_000_000;

fn keeps_much(process: &Process) -> bool {
    process.scavenger.taken_bytes.load(Ordering::Relaxed) >= MUCH_BYTES || process.has_halves_to_free()
}

pub(crate) fn run_scavenger(process: &Arc<Process>, go_on: impl Fn() -> bool) {
    let (Ok(row), asked) = (process.arena.process(process.row), &process.arena.header().asked) else {
        return;
    };
    // Relaxed, both: requests from before there was a scavenger need no answer.
    let mut seen = asked.load(Relaxed);
    row.answered.store(seen.wrapping_add(1), Relaxed);
    while go_on() && !process.arena.is_poisoned() {
        let every_ns = if keeps_much(process) { LOOK_EVERY_NS } else { LOOK_SELDOM_NS };
        let until_ns = sync::now_ns().saturating_add(every_ns);
        process.arena.futex().wait(&[(asked, seen as u32)], until_ns);
        // ORDER: Acquire pairs with the Release of `request_trim`: the blocks of messages that the requester has read
        // are seen to be free.
        let now = asked.load(Acquire);
        if now != seen || keeps_much(process) {
            trim(process, now != seen);
        }
        seen = now;
        // ORDER: Release pairs with the Acquire of `is_still_asked`: the blocks were given back before.
        row.answered.store(seen.wrapping_add(1), Release);
    }
    // Relaxed: 0 makes no promise to the reader.
    row.answered.store(0, Relaxed);
}

fn trim(process: &Arc<Process>, all: bool) {
    // No thread row is free: the next round tries again.
    let Ok(thread) = rows::join(process) else { return };
    process.free_waiting_halves();
    // An error keeps the count, so that the next round tries again.
    if object::trim(&thread, all) == Ok(false) {
        process.scavenger.taken_bytes.store(0, Ordering::Relaxed);
    }
}

pub(crate) fn request_trim(thread: &Thread) -> Result<()> {
    let asked: &AtomicU64 = &thread.arena().header().asked;
    // ORDER: Release pairs with the Acquire of `run_scavenger`: the blocks of messages that this process has read are free for
    // their writers to give back.
    let own = asked.fetch_add(1, Release).wrapping_add(1);
    thread.arena().futex().wake_all(asked);
    // One deadline for all rows, so that several stopped processes cost no more than one.
    let until_ns = sync::now_ns().saturating_add(MAX_WAIT_NS);
    for row in thread.arena().process_rows() {
        while row != thread.table_row && is_still_asked(thread, row, own)? && sync::now_ns() < until_ns {
            thread.arena().futex().wait(&[], sync::now_ns().saturating_add(MAX_WAIT_NS / 200));
        }
    }
    Ok(())
}

fn is_still_asked(thread: &Thread, row: ProcessIndex, asked: u64) -> Result<bool> {
    let row = thread.arena().process(row)?;
    // ORDER: Acquire pairs with the Release of `run_scavenger`: the blocks that the scavenger gave back are visible. `answered`
    // is one more than the answered count, so `answered <= asked` means that this request has no answer yet.
    let answered = row.answered.load(Acquire);
    let is_there = RowState(row.state.load(Relaxed)).process_state() == ProcessState::Active;
    Ok(answered != 0 && answered <= asked && is_there)
}

/// Calls [`request_trim`], unless this process has asked within the last [`ASK_EVERY_NS`]. Gives whether it asked.
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
