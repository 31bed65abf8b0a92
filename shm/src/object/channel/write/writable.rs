//! WRITABLE after a refusal: whether the last refused write would succeed now.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockWord;
use crate::arena::word::handle::Rights;
use crate::arena::word::intent::ListIntent;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::memory::{block_credit, pressure};
use crate::object::channel::end::Writer;
use crate::object::channel::write::refusal::{self, Refusal};
use crate::object::channel::write::refused::OF_A_BUFFER;
use crate::object::channel::write::{self, payload};
use crate::process::half::channel::Endpoint;
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// Whether a write of the size that was last refused can succeed now, as far as the next look is due. If so, the end keeps a block
/// for it. `now_ns`: the time of the look.
#[cold]
pub(crate) fn would_succeed(
    thread: &Thread,
    found: ResolvedHandle,
    endpoint: &Endpoint,
    now_ns: i64,
) -> Result<bool> {
    let side = found.entry.object();
    let is_due = || Refusal::of(thread, side).map(|refusal| refusal.is_due(now_ns));
    // Without the lock, and without a hazard: a wrong answer is found out below, or when the caller validates the handle.
    if !is_due()? {
        return Ok(false);
    }
    // Another thread is in a write, and its result will show whether there is room.
    let Some(mut writer) = Writer::try_lock(thread, side, endpoint)? else { return Ok(false) };
    if !lookup::is_current(thread, found) {
        return Err(Error::Canceled);
    }
    // Read again under the lock: a write may have succeeded since the caller looked.
    let Some(lines) = endpoint.refused.load(Relaxed).checked_sub(1) else {
        refusal::end(&writer)?;
        return Ok(true);
    };
    if !is_due()? {
        return Ok(false);
    }
    // Before the look, which may take a while: the ports of the observers count from the same time.
    refusal::postpone(&writer, now_ns.saturating_add(TRY_AGAIN_NS));
    let prepared = match lines & OF_A_BUFFER {
        0 => prepare_write(&mut writer, lines as usize),
        _ => find_block(&writer, (lines & !OF_A_BUFFER) as usize),
    };
    match prepared {
        Ok(()) => {
            refusal::end(&writer)?;
            Ok(true)
        }
        // The channel is full, and not by loans: head and tail say by themselves when there is room.
        Err(Error::ShouldWait) if writer.cursor.lent == 0 => {
            refusal::end(&writer)?;
            Ok(false)
        }
        Err(Error::NoMemory { .. } | Error::NoResources(_) | Error::ShouldWait | Error::PeerClosed) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Fails unless a message could be sent to the peer now, but for want of room.
pub(crate) fn may_write(thread: &Thread, channel: ResolvedHandle, rights: Rights) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, channel, rights, &inside)?;
    match write::reserve_position(&mut writer) {
        Err(Error::ShouldWait | Error::NoResources(_) | Error::NoMemory { .. }) => Ok(()),
        other => other.map(drop),
    }
}

/// Whether there is a block for a buffer. It is not kept: a buffer is no part of the channel.
fn find_block(writer: &Writer<'_>, lines: usize) -> Result<()> {
    let thread = writer.thread;
    let block = pressure::take_block(thread, SizeClass::fitting(lines))?;
    let word = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
    block_credit::free_block(thread, block, word)?;
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

fn prepare_write(writer: &mut Writer<'_>, lines: usize) -> Result<()> {
    // This reserves no place: it makes room, and the write that follows finds the place free.
    write::reserve_position(writer)?;
    if lines > 0 {
        let block = payload::payload_block(writer, lines)?;
        writer.cursor.spare[block.class().index()].push_back(block);
    }
    Ok(())
}
