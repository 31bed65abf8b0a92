//! Calls: a thread sends a message, and takes the one reply that carries the same transaction id, whatever other
//! messages arrive in between.
//!
//! Replies stay in the ring until their caller takes them. The thread that holds the receiving lock matches replies: it
//! notes, for each awaited id, the *position* of its reply. So no message is moved to private memory, and a process
//! that dies in a call leaves the ring as readable as before. A reply taken out of order is marked CONSUMED; the head
//! passes it later.
//!
//! INV-CALL-1: an id is registered before the message that carries it is sent.
//! INV-CALL-2: the caller that a reply was noted for takes it, or, once that caller has left, a plain read does.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::ring::Txid;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::end::{Reader, Writer};
use crate::object::channel::given_up;
use crate::object::channel::read::recv_buf::{Actual, Arrivals, OnOverflow, RecvBuf};
use crate::object::channel::read::{self, late_replies, reader, reply};
use crate::object::channel::write::handles::{self, Body, SendRequest};
use crate::object::channel::write::{self, payload_lines, refused};
use crate::object::wait;
use crate::process::thread::Thread;
use crate::signal::eventcount::OnInterrupt;
use crate::signal::wait_item::WaitItem;
use crate::sync::{Acquire, Relaxed};

/// How often a thread looks for the reply to the only call in progress before it gives the receiving lock back.
const LOOKS_OF_A_LONE_CALLER: u32 = if cfg!(loom) { 0 } else { 16 };

/// A call in progress.
#[derive(Debug)]
pub struct Pending {
    found: ResolvedHandle,
    txid: Txid,
}

impl Pending {
    /// The transaction id, 0x8000_0000 and up.
    pub fn txid(&self) -> Txid {
        self.txid
    }
}

pub(crate) fn call_begin(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    bytes: &[u8],
    handles: &[HandleValue],
    transfer: Rights,
) -> Result<Pending> {
    let txid = match register_call(thread, found, rights) {
        Ok(txid) => txid,
        Err(error) => {
            // As for a send: an error other than SHOULD_WAIT and NO_RESOURCES consumes the handles. A value that names
            // no handle has none to close, so the error is dropped.
            for value in handles {
                let _ = lookup::lookup(thread, *value)
                    .and_then(|handle| given_up::close_when_returned(thread, handle));
            }
            return Err(error);
        }
    };
    let pending = Pending { found, txid };
    let sent = if handles.is_empty() {
        send_call(thread, found, rights, bytes, txid)
    } else {
        let out = SendRequest {
            channel: found,
            rights,
            transfer,
            body: Body::Bytes(bytes),
            handles,
            txid: Some(txid),
        };
        handles::send_with_handles(thread, &out)
    };
    match sent {
        Ok(()) => Ok(pending),
        Err(error) => {
            // No reply will come. An id that stayed registered would make every later read match messages.
            call_abandon(thread, &pending);
            Err(error)
        }
    }
}

fn send_call(thread: &Thread, found: ResolvedHandle, rights: Rights, bytes: &[u8], txid: Txid) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, rights, &inside)?;
    let put = write::enqueue(&mut writer, bytes, Some(txid));
    refused::noting(&writer, payload_lines(bytes.len()), put)?;
    write::publish(&mut writer, 1)
}

fn register_call(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<Txid> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, found, rights, &inside)?;
    if !reader.cursor.ready {
        reader::load_read_cursor(&mut reader)?;
    }
    if reader.cursor.calls.is_empty() {
        // A message that is here already cannot answer this call, and may be claimed. It may be the late reply to an
        // earlier call. So it is matched, or passed over, before the new id is registered.
        if reader.cursor.minds_late() {
            reply::match_replies(&mut reader)?;
        } else {
            while reader::watch_next(&mut reader, 1) {}
            reader.cursor.matched_to = reader.cursor.matched_to.max(reader.cursor.tail_seen);
        }
    }
    if reader.cursor.next_txid == 0 {
        // Start at a random id: replies to the previous owner's calls may still be in flight.
        reader.cursor.next_txid = thread.process.txid_start();
    }
    if reader.cursor.first_txid == 0 {
        reader.cursor.first_txid = reader.cursor.next_txid;
    }
    // At most one round more than there are calls in progress: each round tries another id.
    let txid = loop {
        let txid = Txid(0x8000_0000 | reader.cursor.next_txid);
        reader.cursor.next_txid = (reader.cursor.next_txid & 0x7fff_ffff) + 1;
        if reader.cursor.calls.reply(txid).is_none() {
            break txid;
        }
    };
    reader.cursor.calls.insert(txid);
    // Relaxed: a thread that reads a value other than 0 checks again under the lock.
    reader.endpoint.out_of_order.store(reader.cursor.out_of_order(), Relaxed);
    Ok(txid)
}

pub(crate) fn call_finish(
    thread: &Thread,
    pending: &Pending,
    deadline_ns: i64,
    buffer: &mut impl RecvBuf,
) -> Result<Actual> {
    let found = pending.found;
    let mut items =
        [WaitItem { handle: HandleValue::INVALID, waitfor: Signals::READABLE, pending: Signals::empty() }];
    let result = wait::wait_until(thread, &[found], &mut items, deadline_ns, OnInterrupt::End, |_, _| {
        try_reply(thread, pending, buffer)
    });
    match result {
        // After BufferTooSmall the call is over: `try_reply` has taken it off the list. After Interrupted it goes on.
        Err(Error::BufferTooSmall { .. } | Error::Interrupted) => result,
        // The reply may have come since the last check. Check once more, then abandon the call in any case.
        Err(Error::TimedOut) => {
            let late = try_reply(thread, pending, buffer);
            call_abandon(thread, pending);
            match late {
                Ok(Some(reply)) => Ok(reply),
                Err(error @ Error::BufferTooSmall { .. }) => Err(error),
                _ => result,
            }
        }
        result => {
            if result.is_err() {
                call_abandon(thread, pending);
            }
            result
        }
    }
}

pub(crate) fn call_poll(
    thread: &Thread,
    pending: &Pending,
    buffer: &mut impl RecvBuf,
) -> Result<Option<Actual>> {
    try_reply(thread, pending, buffer)
}

/// Takes the reply if it is there.
fn try_reply(thread: &Thread, pending: &Pending, buffer: &mut impl RecvBuf) -> Result<Option<Actual>> {
    let inside = thread.inside();
    let mut reader =
        Reader::enter(thread, pending.found, Rights::empty(), &inside).map_err(|_| Error::Canceled)?;
    // ORDER: Acquire, and before the tail is loaded: a thread that sees PEER_CLOSED also finds a reply that the peer
    // sent before it closed.
    let state = State(reader.own_state().load(Acquire));
    // No other caller waits for the lock, and plain readers wait no longer than for a read. A look costs less than another
    // turn of the wait.
    if reader.cursor.calls.len() == 1
        && reader.cursor.calls.reply(pending.txid) == Some(&mut None)
        && reader::watch_next(&mut reader, LOOKS_OF_A_LONE_CALLER)
    {
        reply::match_seen(&mut reader)?;
    }
    while reader.cursor.calls.reply(pending.txid) == Some(&mut None) && reply::match_next(&mut reader)? {}
    late_replies::discard_late(&mut reader)?;
    match *reader.cursor.calls.reply(pending.txid).ok_or(Error::Canceled)? {
        Some(position) => {
            // The call is over with any result of `take`. A reply that could not be taken goes back to the plain reads,
            // below.
            reader.cursor.calls.remove(pending.txid);
            reader.cursor.replies.remove(position);
            // The handles go to `buffer` after the lock is dropped: the caller's code must not run under it.
            let mut arrived = Arrivals::new();
            let taken = match read::take_plain(&mut reader, position, buffer) {
                Ok(Some(bytes)) => Ok(Actual { bytes, handles: 0 }),
                Ok(None) => read::take(&mut reader, position, buffer, &mut arrived, OnOverflow::Discard),
                Err(error) => Err(error),
            };
            if !matches!(taken, Ok(_) | Err(Error::BufferTooSmall { .. })) {
                reader.cursor.release(position);
            }
            reply::update_out_of_order(&reader)?;
            drop(reader);
            arrived.drain(..).for_each(|handle| buffer.handle(handle));
            taken.map(Some)
        }
        None if state.signals().contains(Signals::PEER_CLOSED) => Err(Error::PeerClosed),
        None => Ok(None),
    }
}

pub(crate) fn call_abandon(thread: &Thread, pending: &Pending) {
    let inside = thread.inside();
    // On an error the handle is gone, and its half has dropped all calls (`ReadCursor::forget`).
    if let Ok(mut reader) = Reader::enter(thread, pending.found, Rights::empty(), &inside) {
        if let Some(position) = reader.cursor.calls.remove(pending.txid) {
            reader.cursor.replies.remove(position);
            if reader.cursor.minds_late() {
                reader.cursor.note_late(position);
            } else {
                reader.cursor.release(position);
            }
        }
        // The error is dropped: the next thread that reads at this end meets the same error and reports it.
        let _ = late_replies::discard_late(&mut reader);
        let _ = reply::update_out_of_order(&reader);
    }
}
