//! Sending handles: all of a message's handles leave with its bytes, by one store, or none does.
//!
//! 1. Under the sending lock, reserve a position in the ring and a payload block. `ShouldWait` and `NoResources` are
//!    returned here, before any handle is consumed.
//! 2. `operation` = SEND. Each handle's entry: CAS LIVE → MOVING(t), after which no other thread can use the handle.
//!    For each endpoint among them, take its locks once, so that no operation is left inside it. The sending lock is
//!    dropped before that, and the position stays reserved, because a thread must not hold one endpoint's lock while it
//!    waits for another's.
//! 3. Under the sending lock: write the records and bytes, into the message's slot if they fit there and into the
//!    block otherwise, and store the position in `operation`.
//! 4. Store the header: **the send commits.** Then the tail.
//! 5. The entries become FREE without a decrement: the message owns their references now.
//!
//! Any failure after step 1 closes every handle of the list, as Zircon documents. One does not: if nothing else is wrong, and memory
//! of an end among the handles is lent to the program (INV-ENDPOINT-4), they all stay. After another failure such an end is closed
//! when its memory is back (`given_up`).
//!
//! INV-TRANSFER-1: between steps 2 and 5 a reference is owned by its MOVING entry until the header at the position has
//! its lap, by the message's record from then on; never by both, never by none.

use crate::arena::copy::Payload;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::segment::{MAX_MESSAGE_HANDLES, first_record_in_block, fits_slot, lines_in_block};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::arena::word::intent::{HandleLocation, Operation};
use crate::arena::word::ring::{MessageHeader, Txid};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::end::Writer;
use crate::object::channel::write::{self, payload, refused, room};
use crate::object::channel::{drain, given_up};
use crate::process::entries;
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::signal::wake;
use crate::sync::{Acquire, Inside, Relaxed, SeqCst, fence};
use arrayvec::ArrayVec;

/// The marked handles of a message, with their old entries: MOVING words no longer show the rights.
type InTransit = ArrayVec<(EntryIndex, Entry), MAX_MESSAGE_HANDLES>;

/// The handles of a message before they are marked. Passed by reference, because the array is a kilobyte.
type Unmarked = ArrayVec<ResolvedHandle, MAX_MESSAGE_HANDLES>;

/// A message to send, and the handle to send it through.
pub(crate) struct SendRequest<'m> {
    pub(crate) channel: ResolvedHandle,
    /// The rights that `channel` must have; `transfer` has those for each of `handles`.
    pub(crate) rights: Rights,
    pub(crate) transfer: Rights,
    pub(crate) body: Body<'m>,
    pub(crate) handles: &'m [HandleValue],
    pub(crate) txid: Option<Txid>,
}

/// The bytes of a message.
#[derive(Clone, Copy)]
pub(crate) enum Body<'m> {
    /// They are copied into the message.
    Bytes(&'m [u8]),
    /// They are a loan: they lie in its block already.
    Filled { block: BlockId, len: usize, most_handles: usize },
}

impl Body<'_> {
    fn len(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Filled { len, .. } => len,
        }
    }
}

/// Implements [`Thread::send_with_handles`]. Sides that end by it are left on the release queue.
pub(crate) fn send_with_handles(thread: &Thread, out: &SendRequest<'_>) -> Result<()> {
    let result = send_or_consume(thread, out);
    if result.is_err_and(|error| !error.is_crash()) {
        // By now the handles that were marked are closed, and the others never were. Only damage stops the closing
        // early.
        thread.set_operation(Operation::Idle);
    }
    result
}

fn send_or_consume(thread: &Thread, out: &SendRequest<'_>) -> Result<()> {
    let inside = thread.inside();
    let (writer, block) = match reserve_place(thread, out, &inside) {
        Ok(place) => place,
        // These two consume no handle, so that the caller can retry. Every other error closes all of them.
        Err(error @ (Error::ShouldWait | Error::NoResources(_))) => return Err(error),
        Err(error) if error.is_crash() => return Err(error),
        Err(error) => {
            close_values(thread, out.handles)?;
            return Err(error);
        }
    };
    let mut moving = InTransit::new();
    match mark_and_send(writer, out, block, &mut moving, &inside) {
        Ok(writer) => finish_send(writer, &moving),
        Err(error) if error.is_crash() => Err(error),
        // Memory of an end among the handles is lent to the program. The marked handles are the caller's again, too:
        // nothing was done with them. A death here makes no difference: recovery makes them LIVE as well.
        Err(error @ Error::BadState(_)) => {
            for (index, entry) in &moving {
                let cell = thread.arena().entry(thread.table_row, *index).ok_or(Error::BadHandle)?;
                // Relaxed: a read-modify-write, so that it continues the release sequence of the store that made the entry
                // LIVE. No other thread changes one that is MOVING.
                let _ = cell.compare_exchange(entry.moving(thread.tag).0, entry.0, Relaxed, Relaxed);
                crash_point!(thread, "unmark.live");
            }
            Err(error)
        }
        Err(error) => {
            // The intent still says SEND. If this thread dies here, recovery makes the entries that are still MOVING
            // LIVE, and closes them with the table.
            for (index, entry) in &moving {
                let record = HandleLocation::Entry { process: thread.table_row, index: *index };
                refcount::drop_reference(thread, record, entry.moving(thread.tag))?;
            }
            // The handles from the failed one on were not marked: close them by value.
            close_values(thread, &out.handles[moving.len()..])?;
            Err(error)
        }
    }
}

/// The steps up to the commit. The caller gets the sending lock for the steps after it.
fn mark_and_send<'a>(
    mut writer: Writer<'a>,
    out: &SendRequest<'_>,
    block: Option<BlockId>,
    moving: &mut InTransit,
    inside: &'a Inside<'_>,
) -> Result<Writer<'a>> {
    let thread = writer.thread;
    let mut leaving = Unmarked::new();
    // An error is kept until the sending lock is held in any case: the reservation and the block go back under it.
    let looked = find_all(thread, out, &mut leaving);
    // To take the locks of endpoints in the message, this thread must hold no other lock. So the sending lock is
    // dropped and the position stays reserved. Handles to other objects have no lock, and the sending lock is kept.
    let kept = if leaving.iter().any(|handle| has_half(thread, *handle)) {
        writer.cursor.reserved += 1;
        writer.cursor.set_limit();
        drop(writer);
        None
    } else {
        Some(writer)
    };
    // Before the first entry is MOVING: recovery resolves such an entry by its thread's intent alone.
    thread.set_operation(Operation::Send { from: out.channel.entry.object(), position: None });
    let marked = looked.and_then(|()| mark_moving(thread, &leaving, kept.is_none(), moving));
    let writer = match kept {
        Some(writer) => Ok(writer),
        None => claim_reservation(thread, out, inside),
    };
    match (marked, writer) {
        (Ok(()), Ok(writer)) => send_moving(writer, out, block, moving),
        (Err(error), Ok(mut writer)) => {
            payload::keep_block(&mut writer, block);
            Err(error)
        }
        // The endpoint has left this process, and its reservations and blocks with it.
        (marked, Err(error)) => marked.and(Err(error)),
    }
}

/// The steps after the commit. An error here does not take the message back.
fn finish_send(writer: Writer<'_>, moving: &InTransit) -> Result<()> {
    let thread = writer.thread;
    thread.increment(Counter::HandlesMoved, moving.len() as u64);
    let left = free_sent_entries(thread, moving);
    if left.is_err_and(|error| error.is_crash()) {
        return left;
    }
    thread.set_operation(Operation::Idle);
    // `and` evaluates the drain even after an error: the message is sent, and its handles must not stay in a ring that
    // is not read.
    left.and(drain_if_peer_closed(writer))
}

/// Closes each handle among `values` that is valid.
fn close_values(thread: &Thread, values: &[HandleValue]) -> Result<()> {
    for value in values {
        match lookup::lookup(thread, *value).and_then(|found| given_up::close_when_returned(thread, found)) {
            // Another thread closed or moved the handle meanwhile, so it has left the caller as promised.
            Ok(()) | Err(Error::BadHandle) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Step 1: a position in the ring, with the sending lock, and a payload block if the message needs one.
fn reserve_place<'a>(
    thread: &'a Thread,
    out: &SendRequest<'_>,
    inside: &'a Inside<'_>,
) -> Result<(Writer<'a>, Option<BlockId>)> {
    let mut writer = Writer::enter(thread, out.channel, out.rights, inside)?;
    if let Body::Filled { block, most_handles, .. } = out.body {
        room::return_place(&mut writer);
        let place = write::reserve_position(&mut writer).and_then(|_| match out.handles.len() {
            count if count > most_handles => {
                Err(Error::out_of_range("the number of handles of a loan", count, most_handles))
            }
            _ => Ok(()),
        });
        return match place {
            Ok(()) => Ok((writer, Some(block))),
            Err(error) => {
                payload::keep_block(&mut writer, Some(block));
                Err(error)
            }
        };
    }
    let (bytes, handles) = (out.body.len(), out.handles.len());
    let lines = if fits_slot(bytes, handles) { 0 } else { lines_in_block(bytes, handles) };
    let block = write::reserve_position(&mut writer).and_then(|_| match lines {
        0 => Ok(None),
        lines => payload::payload_block(&mut writer, lines).map(Some),
    });
    let block = refused::noting(&writer, lines, block)?;
    Ok((writer, block))
}

/// Takes the sending lock again, and gives the reservation back for use in the next step.
fn claim_reservation<'a>(
    thread: &'a Thread,
    out: &SendRequest<'_>,
    inside: &'a Inside<'_>,
) -> Result<Writer<'a>> {
    // An error here means that the handle is gone, and its reservations went with it (`WriteCursor::forget`).
    let mut writer = Writer::enter(thread, out.channel, out.rights, inside)?;
    writer.cursor.reserved = writer.cursor.reserved.saturating_sub(1);
    if writer.cursor.ready {
        writer.cursor.set_limit();
    }
    refused::note_return(&writer)?;
    Ok(writer)
}

/// Looks up the handles to send.
fn find_all(thread: &Thread, out: &SendRequest<'_>, leaving: &mut Unmarked) -> Result<()> {
    if out.handles.len() > MAX_MESSAGE_HANDLES {
        return Err(Error::out_of_range("the number of handles", out.handles.len(), MAX_MESSAGE_HANDLES));
    }
    for value in out.handles {
        let found = lookup::lookup(thread, *value)?;
        if found.same_object(&out.channel) {
            return Err(Error::NotSupported("a channel cannot be written into itself"));
        }
        found.require(out.transfer)?;
        // Check the slot now: after the commit, no step may fail.
        thread.arena().object(found.entry.object().slot())?;
        // The push cannot panic: the number of handles was checked first.
        leaving.push(found);
    }
    Ok(())
}

/// Whether the handle's object has its private half in this process.
fn has_half(thread: &Thread, found: ResolvedHandle) -> bool {
    thread.process.halves.is_bound(found.index, found.entry.object(), &thread.inside())
}

/// Marks the handles MOVING. Detaches the endpoints among them, if the sending lock was dropped for that.
fn mark_moving(
    thread: &Thread,
    leaving: &[ResolvedHandle],
    is_detaching: bool,
    moving: &mut InTransit,
) -> Result<()> {
    // Looked at before the first mark: a handle that is MOVING, even for a moment, ends the waits and calls of other
    // threads on it. A refusal after a mark is left to the case that another thread lends memory just now. The models look at
    // that case, so they do without this.
    if is_detaching && leaving.len() > 1 && !cfg!(loom) {
        for found in leaving {
            thread.leaving(found.index, found.entry.object(), || ())?;
        }
    }
    for found in leaving {
        let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
        // Relaxed: recovery makes an entry LIVE again if it is MOVING and the send did not commit. If another thread
        // moves or closes the same handle first, this CAS fails, and this thread reads no more of it.
        let mark =
            || cell.compare_exchange(found.entry.0, found.entry.moving(thread.tag).0, Relaxed, Relaxed);
        let object = found.entry.object();
        let marked = if is_detaching { thread.leaving(found.index, object, mark)? } else { mark() };
        marked.map_err(|_| Error::BadHandle)?;
        moving.push((found.index, found.entry));
        crash_point!(thread, "transfer.marked");
    }
    // After all are marked: none of them is refused any more for memory that is lent. And after each CAS: an operation
    // that starts now finds the handle gone, so passing each lock once is enough.
    if is_detaching {
        for (index, entry) in moving.iter() {
            thread.detach_half(*index, entry.object());
        }
    }
    Ok(())
}

fn send_moving<'a>(
    mut writer: Writer<'a>,
    out: &SendRequest<'_>,
    block: Option<BlockId>,
    moving: &InTransit,
) -> Result<Writer<'a>> {
    let thread = writer.thread;
    // The place is looked for again. While the lock was free, other threads may have sent, and the reservation promises
    // only that one place is left.
    let position = match write::reserve_position(&mut writer) {
        Ok(position) => position,
        Err(error) => {
            payload::keep_block(&mut writer, block);
            return Err(match error {
                // The position was reserved, and its loss costs the handles: another thread has filled the segment and
                // there is no memory for the next one, or a damaged head has taken the room away.
                Error::NoResources(_) => Error::NoMemory { bytes: out.body.len() },
                Error::ShouldWait => Error::Corrupt("a reserved position is gone"),
                error => error,
            });
        }
    };
    let header = write_message(&mut writer, position, block, out, moving)?;
    // The position is in the intent before the header is stored: recovery looks at the header there, and so decides
    // whether the MOVING entries or the message's records own the references (INV-TRANSFER-1).
    thread.set_operation(Operation::Send { from: writer.side, position: Some(position) });
    crash_point!(thread, "transfer.written");
    write::commit(&mut writer, position, header)?;
    write::publish(&mut writer, 1)?;
    Ok(writer)
}

fn write_message(
    writer: &mut Writer<'_>,
    position: u64,
    block: Option<BlockId>,
    out: &SendRequest<'_>,
    moving: &InTransit,
) -> Result<MessageHeader> {
    let SendRequest { body, txid, .. } = *out;
    let header = MessageHeader::new(body.len(), moving.len(), block.is_some());
    // Relaxed, here and below: the store of the header publishes these.
    // Without a generation: no handle value names a record.
    let record = |entry: Entry| Entry(0).live(entry.rights(), entry.object()).0;
    let Some(block) = block else {
        let Body::Bytes(bytes) = body else { return Err(Error::Corrupt("a loan without its block")) };
        let segment = write::segment_with_room(writer)?;
        let records = segment.records(position, bytes.len(), moving.len());
        records.zip(moving).for_each(|(word, (_, entry))| word.store(record(*entry), Relaxed));
        write::write_slot(&segment, position, bytes, txid);
        return Ok(header);
    };
    let lines = writer.thread.arena().lines(block)?;
    let records = lines.iter().flat_map(|line| &line.0).skip(first_record_in_block(body.len()));
    records.zip(moving).for_each(|(word, (_, entry))| word.store(record(*entry), Relaxed));
    if let Body::Bytes(bytes) = body {
        Payload::new(lines, 0).write(bytes);
    }
    write::prepare_block(writer, position, block, txid)?;
    Ok(header)
}

/// Step 5: wakes the sleepers on the entries, ends their observers, and frees them.
fn free_sent_entries(thread: &Thread, moving: &InTransit) -> Result<()> {
    for (index, entry) in moving {
        // While the entry is MOVING: recovery ends the observers of such a handle, and would not look for those of one
        // that is FREE. Event counts are type-stable: if the object has gone by now, this wakes no thread, or one that
        // checks and sleeps again.
        let state = thread.arena().state(entry.object())?;
        wake::notify_handle_gone(thread, state, (thread.table_row, *index, *entry))?;
        let cell = thread.arena().entry(thread.table_row, *index).ok_or(Error::BadHandle)?;
        // Relaxed: the light barrier of `publish` keeps this store after the stores of the header and the tail.
        cell.store(entry.freed().0, Relaxed);
        entries::recycle_entry(thread, *index);
        crash_point!(thread, "transfer.freed");
    }
    Ok(())
}

/// If the peer closed before the tail was stored, its drain may have missed the message.
fn drain_if_peer_closed(writer: Writer<'_>) -> Result<()> {
    let state = writer.own_state();
    // ORDER: pairs with the fence in `Channel::release_step`: either the peer's drain sees this tail, or this thread
    // sees PEER_CLOSED.
    fence(SeqCst);
    // ORDER: Acquire pairs with the Release of `tell_peer_closed`: the drain sees how far the peer has read. With an
    // older head it would close handles that the peer has received.
    if State(state.load(Acquire)).signals().contains(Signals::PEER_CLOSED) {
        // The sending lock is held, so no other thread sends, and the drain ends at the messages pending now.
        drain::drain(writer.thread, writer.side)?;
    }
    drop(writer);
    Ok(())
}
