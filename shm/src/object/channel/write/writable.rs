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

/// Looks for room, if the next look is due: whether a write of the size that was last refused can succeed now. If so, the end keeps a
/// block for that write. `false` also if the look is not due, or another thread is in a write. `now_ns`: the time of the look.
#[cold]
pub(crate) fn would_succeed(
    thread: &Thread,
    found: ResolvedHandle,
    endpoint: &Endpoint,
    now_ns: i64,
) -> Result<bool> {
    let side = found.entry.object();
    let is_due = || Refusal::of(thread, side).map(|refusal| refusal.is_due(now_ns));
    // Neither lock nor hazard is held, so the word may be another channel's. The look below checks again under the lock, and of a
    // `false` here the caller makes nothing before it has validated its handle.
    if !is_due()? {
        return Ok(false);
    }
    // Another thread is in a write, and its result will show whether there is room.
    let Some(mut writer) = Writer::try_lock(thread, side, endpoint)? else { return Ok(false) };
    if !lookup::is_current(thread, found) {
        return Err(Error::Canceled);
    }
    // Read again under the lock: another thread may have found room since the caller looked.
    let Some(lines) = endpoint.refused.load(Relaxed).checked_sub(1) else {
        refusal::end(&writer)?;
        return Ok(true);
    };
    if !is_due()? {
        return Ok(false);
    }
    // Before the look, which may take a while: the ports of the observers count from the same time.
    let next_ns = now_ns.saturating_add(TRY_AGAIN_NS);
    let was_noted = refusal::postpone(&writer, next_ns);
    let prepared = match lines & OF_A_BUFFER {
        0 => prepare_write(&mut writer, lines as usize),
        _ => find_block(&writer, (lines & !OF_A_BUFFER) as usize),
    };
    match prepared {
        Ok(()) => {
            refusal::end(&writer)?;
            Ok(true)
        }
        // The channel is full of messages: head and tail say by themselves when there is room.
        Err(Error::ShouldWait) if writer.cursor.reserved == 0 => {
            refusal::end(&writer)?;
            Ok(false)
        }
        Err(Error::NoMemory { .. } | Error::NoResources(_) | Error::ShouldWait | Error::PeerClosed) => {
            // Another process has taken the refusal for overdue, and so its port does not know the next look any more.
            if !was_noted {
                refusal::begin(&writer, next_ns)?;
            }
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
