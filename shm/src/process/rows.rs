//! How a thread attaches to the arena: it claims the first thread row that is free.

use crate::arena::config::RESERVED_THREADS;
use crate::arena::error::{Error, Result};
use crate::arena::word::reference::Tag;
use crate::arena::word::row::RowState;
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::{AcqRel, Relaxed};
use std::sync::Arc;

pub(crate) fn join(process: &Arc<Process>) -> Result<Thread> {
    let arena = &process.arena;
    if arena.is_poisoned() {
        return Err(Error::Corrupt("an audit found the arena damaged"));
    }
    // The process's own count comes first: it is private, and easily undone when no row is free.
    let quota = arena.config().max_threads_per_process;
    if !process.take_thread(quota) {
        return Err(Error::NoResources("threads of this process (max_threads_per_process)"));
    }
    let joined = claim(process, RESERVED_THREADS as u16 + 1..arena.layout().threads.count as u16);
    match joined {
        Ok(Some(mut thread)) => {
            thread.is_counted = true;
            Ok(thread)
        }
        Ok(None) => {
            process.release_thread();
            Err(Error::NoResources("threads (max_threads)"))
        }
        Err(error) => {
            process.release_thread();
            Err(error)
        }
    }
}

pub(crate) fn join_reserve(process: &Arc<Process>) -> Result<Thread> {
    let arena = &process.arena;
    if arena.is_poisoned() {
        return Err(Error::Corrupt("an audit found the arena damaged"));
    }
    // The ordinary rows come first: the reserve is small.
    let (reserve, all) = (RESERVED_THREADS as u16 + 1, arena.layout().threads.count as u16);
    let joined = match claim(process, reserve..all)? {
        None => claim(process, 1..reserve)?,
        joined => joined,
    };
    joined.ok_or(Error::NoResources("threads (max_threads, and a reserve)"))
}

/// Claims the first of these rows that is free.
fn claim(process: &Arc<Process>, tags: core::ops::Range<u16>) -> Result<Option<Thread>> {
    let arena = &process.arena;
    for tag in tags.map(Tag) {
        let state = &arena.thread(tag)?.state;
        // A load before the CAS: most rows of a busy arena are taken, and a CAS that must fail would take their cache
        // lines.
        let word = state.load(Relaxed);
        if word != 0 {
            continue;
        }
        // The high-water mark first: a scan of the rows must not miss this one. Relaxed: the Release of the state comes
        // after.
        let hwm = &arena.header().threads_hwm;
        let mut mark = hwm.load(Relaxed);
        while mark <= tag.0.into() {
            match hwm.compare_exchange(mark, u64::from(tag.0) + 1, Relaxed, Relaxed) {
                Ok(_) => break,
                Err(higher) => mark = higher,
            }
        }
        // ORDER: Acquire pairs with the Release that gave the row back; Release, after the mark.
        if state.compare_exchange(0, RowState::thread_of(process.row).0, AcqRel, Relaxed).is_ok() {
            if !arena.thread(tag)?.is_idle() {
                // Relaxed: no work was done in the row.
                state.store(0, Relaxed);
                return Err(Error::Corrupt("a thread row was given back with an unfinished intent"));
            }
            return Thread::with_row(process, tag, process.row, true).map(Some);
        }
    }
    Ok(None)
}
