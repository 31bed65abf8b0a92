//! Sending handles: all of a message's handles leave with its bytes, by one store, or none does.
//!
//! 1. Under the sending lock, a place in the ring and a payload block are found; `ShouldWait` and `NoResources` come
//!    here, with nothing consumed.
//! 2. `operation` = SEND. Each handle's entry: CAS LIVE → MOVING(t): nobody can use it any more. Endpoints are
//!    passed through their locks, so that no operation is left inside them; with the place promised and the sending lock
//!    given up, since nobody may hold one lock while waiting for another.
//! 3. Under the sending lock: the records and bytes are written, into the message's cell if they fit there and into the
//!    block otherwise, and the position goes into `operation`.
//! 4. tail = position + 1: **the send commits.**
//! 5. The entries become FREE without a decrement: their references are the message's now.
//!
//! Any failure after step 1 closes every handle of the list, as Zircon documents.
//!
//! INV-TRANSFER-1: between steps 2 and 5 a reference is owned by its MOVING entry if tail ≤ position, by the
//! message's record otherwise; never by both, never by none.

use crate::bits::ObjectRef;
use crate::block::BlockId;
use crate::copy;
use crate::count::Found;
use crate::counter::Counter;
use crate::endpoint::Sender;
use crate::error::{Error, Result, crash_point};
use crate::layout::{LINE_BYTES, LINE_WORDS};
use crate::object::{State, signal};
use crate::owner::{Operation, Record};
use crate::ring::{Header, MAX_MESSAGE_HANDLES, fits_cell};
use crate::sync::{Inside, Locked, Relaxed, SeqCst, fence};
use crate::table::Entry;
use crate::thread::Thread;
use arrayvec::ArrayVec;

/// The handles of a message on their way, with the rights that their MOVING words no longer show.
type Moving = ArrayVec<(u32, Entry), MAX_MESSAGE_HANDLES>;

/// The same before they are marked. Passed by reference, for it is a kilobyte.
type Leaving = ArrayVec<Found, MAX_MESSAGE_HANDLES>;

/// What is to be sent, through which handle.
struct Outgoing<'m> {
    channel: Found,
    /// Those that `channel` must have, and each of `handles`.
    rights: u32,
    transfer: u32,
    bytes: &'m [u8],
    handles: &'m [u32],
    txid: Option<u32>,
}

impl Thread {
    /// Sends a message with handles, each of which must have the rights `transfer`.
    ///
    /// On success, and on every error but `ShouldWait` and `NoResources`, all of `handles` are gone from this process.
    pub fn send_with_handles(
        &self,
        channel: Found,
        rights: u32,
        bytes: &[u8],
        handles: &[u32],
        transfer: u32,
        txid: Option<u32>,
    ) -> Result<()> {
        let out = Outgoing { channel, rights, transfer, bytes, handles, txid };
        let result = self.send_or_consume(&out);
        if !matches!(result, Ok(()) | Err(Error::Died)) {
            self.set_operation(Operation::Idle);
        }
        result?;
        let done = self.work_dying();
        // The entries of what was sent are closed.
        self.free_halves_if_due();
        done
    }

    fn send_or_consume(&self, out: &Outgoing<'_>) -> Result<()> {
        let inside = self.inside();
        let (sender, block) = match self.find_place(out, &inside) {
            Ok(place) => place,
            Err(error @ (Error::ShouldWait | Error::NoResources(_) | Error::Died)) => return Err(error),
            Err(error) => {
                self.close_values(out.handles)?;
                return Err(error);
            }
        };
        let mut moving = Moving::new();
        match self.mark_and_send(out, sender, block, &mut moving, &inside) {
            Ok(sent) => sent,
            Err(Error::Died) => Err(Error::Died),
            Err(error) => {
                for (index, entry) in &moving {
                    let record = Record::Entry { process: self.home, index: *index };
                    self.drop_reference(record, entry.moving(self.tag))?;
                }
                // Those after the one that failed were not marked: they are closed like any other.
                self.close_values(&out.handles[moving.len()..])?;
                self.work_dying()?;
                Err(error)
            }
        }
    }

    /// `Ok` when it was sent, whatever came of it then.
    fn mark_and_send(
        &self,
        out: &Outgoing<'_>,
        mut sender: Locked<'_, Sender>,
        block: Option<BlockId>,
        moving: &mut Moving,
        inside: &Inside<'_>,
    ) -> Result<Result<()>> {
        let mut leaving = Leaving::new();
        let looked = self.find_all(out, &mut leaving);
        // Endpoints are passed through their locks holding none; the place is promised, then. Other handles have none.
        let kept = if leaving.iter().any(|handle| self.is_endpoint(*handle)) {
            sender.reserved += 1;
            self.set_limit(&mut sender);
            drop(sender);
            None
        } else {
            Some(sender)
        };
        self.set_operation(Operation::Send { from: out.channel.entry.object(), position: None });
        let marked = looked.and_then(|()| self.mark_moving(&leaving, kept.is_none(), moving));
        let sender = match kept {
            Some(sender) => Ok(sender),
            None => self.redeem_promise(out, inside),
        };
        match (marked, sender) {
            (Ok(()), Ok(sender)) => self.send_moving(out, sender, block, moving),
            (Err(error), Ok(mut sender)) => {
                self.keep_block(&mut sender, block);
                Err(error)
            }
            // The endpoint has left; its promises and its blocks went with it.
            (marked, Err(error)) => marked.and(Err(error)),
        }
    }

    /// Closes whatever is valid among `values`.
    fn close_values(&self, values: &[u32]) -> Result<()> {
        for value in values {
            match self.find(*value).and_then(|found| self.close(found)) {
                Ok(()) | Err(Error::BadHandle) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A place in the ring, with the sending lock, and a payload block if the message needs one.
    fn find_place<'a>(
        &'a self,
        out: &Outgoing<'_>,
        inside: &'a Inside<'_>,
    ) -> Result<(Locked<'a, Sender>, Option<BlockId>)> {
        let lines = match fits_cell(out.bytes.len(), out.handles.len()) {
            true => 0,
            false => out.handles.len().div_ceil(LINE_WORDS) + out.bytes.len().div_ceil(LINE_BYTES),
        };
        let writer = out.channel.entry.object();
        let (endpoint, mut sender) = self.enter_sender(out.channel, out.rights, inside)?;
        let block = self.place(writer, &mut sender, 0).and_then(|_| match lines {
            0 => Ok(None),
            lines => self.payload_block(writer, &mut sender, lines).map(Some),
        });
        let block = self.noting(endpoint, lines, block)?;
        Ok((sender, block))
    }

    /// Enters again, to the place that was promised.
    fn redeem_promise<'a>(
        &'a self,
        out: &Outgoing<'_>,
        inside: &'a Inside<'_>,
    ) -> Result<Locked<'a, Sender>> {
        let (_, mut sender) = self.enter_sender(out.channel, out.rights, inside)?;
        sender.reserved = sender.reserved.saturating_sub(1);
        if sender.ready {
            self.set_limit(&mut sender);
        }
        Ok(sender)
    }

    fn keep_block(&self, sender: &mut Sender, block: Option<BlockId>) {
        if let Some(block) = block
            && let Some(spare) = sender.spare.get_mut(block.class())
            && sender.ready
        {
            spare.push(block);
        }
    }

    /// The handles that are to leave, each as it stands now.
    fn find_all(&self, out: &Outgoing<'_>, leaving: &mut Leaving) -> Result<()> {
        if out.handles.len() > MAX_MESSAGE_HANDLES {
            return Err(Error::out_of_range("the number of handles", out.handles.len(), MAX_MESSAGE_HANDLES));
        }
        for value in out.handles {
            let found = self.find(*value)?;
            if found.same_object(&out.channel) {
                return Err(Error::NotSupported("a channel cannot be written into itself"));
            }
            found.require(out.transfer)?;
            // Once the message is sent, nothing may fail any more.
            self.arena().object(found.entry.object().slot())?;
            leaving.push(found);
        }
        Ok(())
    }

    /// Whether the handle is an end of a channel, whose private half is here.
    fn is_endpoint(&self, found: Found) -> bool {
        self.process.is_endpoint(found.index, found.entry.object(), &self.inside())
    }

    /// Endpoints among them are evicted, if the sending lock has been given up for that.
    fn mark_moving(&self, leaving: &[Found], evicting: bool, moving: &mut Moving) -> Result<()> {
        for found in leaving {
            let cell = self.arena().entry(self.home, found.index).ok_or(Error::BadHandle)?;
            // Relaxed: an entry that is MOVING for no operation is LIVE again. Of two that move or close the same handle
            // one loses, and reads nothing more.
            let marked =
                cell.compare_exchange(found.entry.0, found.entry.moving(self.tag).0, Relaxed, Relaxed);
            marked.map_err(|_| Error::BadHandle)?;
            moving.push((found.index, found.entry));
            crash_point!(self, "transfer.marked");
            if evicting {
                self.evict(found.index, found.entry.object());
            }
        }
        Ok(())
    }

    fn send_moving(
        &self,
        out: &Outgoing<'_>,
        mut sender: Locked<'_, Sender>,
        block: Option<BlockId>,
        moving: &Moving,
    ) -> Result<Result<()>> {
        let writer = out.channel.entry.object();
        let position = match self.place(writer, &mut sender, 0) {
            Ok(position) => position,
            Err(error) => {
                self.keep_block(&mut sender, block);
                return Err(match error {
                    // The place was promised, and is lost with the handles: another thread has filled the segment, and
                    // there is no memory for the next, or a damaged head took the place away.
                    Error::NoResources(_) => Error::NoMemory { bytes: out.bytes.len() },
                    Error::ShouldWait => Error::Corrupt("a promised place is gone"),
                    error => error,
                });
            }
        };
        self.write_message(&mut sender, position, block, out, moving)?;
        self.set_operation(Operation::Send { from: writer, position: Some(position) });
        crash_point!(self, "transfer.written");
        self.publish(writer, &mut sender, 1)?;
        self.tally(Counter::HandlesMoved, moving.len() as u64);
        let left = self.leave_table(moving);
        if left == Err(Error::Died) {
            return Ok(left);
        }
        self.set_operation(Operation::Idle);
        Ok(left.and(self.drain_if_peer_closed(writer, sender)))
    }

    fn write_message(
        &self,
        sender: &mut Sender,
        position: u64,
        block: Option<BlockId>,
        out: &Outgoing<'_>,
        moving: &Moving,
    ) -> Result<()> {
        let Outgoing { bytes, txid, .. } = *out;
        let header = Header::new(bytes.len(), moving.len(), block);
        // Relaxed, here and below: published by the tail.
        let record = |entry: Entry| Entry(0).live(entry.rights(), entry.object()).0;
        let Some(block) = block else {
            let segment = sender.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
            let cell = segment.cell(position);
            let records = cell.0[LINE_WORDS - moving.len()..].iter();
            records.zip(moving).for_each(|(word, (_, entry))| word.store(record(*entry), Relaxed));
            self.finish_cell(segment, position, bytes, header, txid);
            return Ok(());
        };
        let lines = self.arena().lines(block)?;
        let records = lines.iter().flat_map(|line| &line.0);
        records.zip(moving).for_each(|(word, (_, entry))| word.store(record(*entry), Relaxed));
        copy::write(&lines[moving.len().div_ceil(LINE_WORDS)..], bytes);
        self.finish_block(sender, position, block, header, txid)
    }

    /// Step 5: the entries go, and whoever waits on them is told.
    fn leave_table(&self, moving: &Moving) -> Result<()> {
        for (index, entry) in moving {
            let cell = self.arena().entry(self.home, *index).ok_or(Error::BadHandle)?;
            // Relaxed: the barrier of `publish` stands behind the tail that sent it.
            cell.store(entry.freed().0, Relaxed);
            self.give_entry_back(*index);
            crash_point!(self, "transfer.freed");
            // Event counts are type-stable: should the object be gone by now, this wakes nobody or somebody
            // who looks again.
            let object = entry.object();
            let state = &self.arena().object(object.slot())?.state[object.side()];
            self.wake_after_update(state, State::ARMED | State::ARMED_WRITABLE);
        }
        Ok(())
    }

    /// If the peer closed before the tail was stored, its drain may have missed the message.
    fn drain_if_peer_closed(&self, writer: ObjectRef, sender: Locked<'_, Sender>) -> Result<()> {
        let state = &self.arena().object(writer.slot())?.state[writer.side()];
        // ORDER: pairs with the fence in `clear_side`: either the peer's drain sees this tail, or its closing
        // is seen here.
        fence(SeqCst);
        if State(state.load(Relaxed)).signals() & signal::PEER_CLOSED != 0 {
            // Nobody else sends here: there is only what was pending.
            self.drain(writer)?;
        }
        drop(sender);
        Ok(())
    }
}
