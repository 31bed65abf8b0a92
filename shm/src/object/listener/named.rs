//! The name of a listener. It is written before the listener is in any directory, and never changes.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::Line;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::reference::Slot;
use crate::object::listener::block::{self, MAX_LISTENER_NAME_BYTES};
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Relaxed};
use core::mem::size_of;

/// Whether a listener can have this name.
pub(crate) fn check(name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::InvalidArgs("a name has at least one byte, and no NUL"));
    }
    if name.len() > MAX_LISTENER_NAME_BYTES {
        return Err(Error::out_of_range("the length of a name", name.len(), MAX_LISTENER_NAME_BYTES));
    }
    Ok(())
}

/// The words of a name, as a listener keeps them.
pub(crate) fn words_of(name: &str) -> impl Iterator<Item = u64> + '_ {
    let bytes = name.as_bytes().chunks(size_of::<u64>()).map(|chunk| {
        let mut word = [0; size_of::<u64>()];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    core::iter::once(name.len() as u64).chain(bytes)
}

/// Gives a new listener its name, and the directory that will have it. No other thread knows the listener yet.
pub(crate) fn give_name(thread: &Thread, listener: Slot, home: WeakRef, name: &str) -> Result<()> {
    let body = block::body(thread.arena(), listener)?;
    // Relaxed: before the block is linked, without which no thread finds the name; and a handle is published later.
    body.home().store(home.to_word(), Relaxed);
    block::queue(thread.arena(), listener)?.link(thread, |lines| {
        // Relaxed: the CAS of the block's place publishes them.
        let words = lines.iter().flat_map(|line: &Line| &line.0);
        words.zip(words_of(name)).for_each(|(word, value): (&AtomicU64, u64)| word.store(value, Relaxed));
    })
}

/// Whether the listener has this name.
pub(crate) fn has_name(arena: &Arena, listener: Slot, name: &str) -> Result<bool> {
    let Some(lines) = own_block::lines(arena, block::body(arena, listener)?.block())? else {
        return Ok(false);
    };
    let words = lines.iter().flat_map(|line| &line.0);
    Ok(words.zip(words_of(name)).all(|(word, value)| word.load(Relaxed) == value))
}

/// The name of the listener. P5: bytes that are no text give `None`.
pub(crate) fn name(arena: &Arena, listener: Slot) -> Result<Option<String>> {
    let Some(lines) = own_block::lines(arena, block::body(arena, listener)?.block())? else {
        return Ok(None);
    };
    let mut words = lines.iter().flat_map(|line| &line.0).map(|word| word.load(Relaxed));
    let len = words.next().unwrap_or_default().min(MAX_LISTENER_NAME_BYTES as u64) as usize;
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).take(len).collect();
    Ok(String::from_utf8(bytes).ok())
}
