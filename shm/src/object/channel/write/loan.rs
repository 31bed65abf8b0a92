//! Loans: payload blocks that the caller fills in place and sends without a copy.

use crate::arena::error::{Error, Result};
use crate::arena::record::line::LINE_BYTES;
use crate::arena::segment::{MAX_MESSAGE_HANDLES, lines_in_block};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::ring::MessageHeader;
use crate::handle::lookup::ResolvedHandle;
#[cfg(not(loom))]
use crate::object::buffer::unsent::{UnsentBytes, UnsentBytesMut};
use crate::object::channel::end::Writer;
use crate::object::channel::given_up;
use crate::object::channel::write::handles::{self, Body, SendRequest};
use crate::object::channel::write::{self, payload, refused, room};
use crate::process::thread::Thread;

/// A payload block, to be written in place and sent without a copy by [`Thread::commit`].
///
/// The block belongs to the channel, and the loan holds a place for its message there. A loan that is not sent goes back
/// by [`Thread::return_loan`]. A loan that is only dropped stays lent: the handle of its channel can then be neither closed
/// nor replaced nor sent, until the process ends.
///
/// INV-LOAN-1: the block is this loan's alone. While it is lent, the end's handle stays in this process
/// (INV-ENDPOINT-4), so the block stays in this direction's list; no other operation of the direction uses it, since it is
/// neither spare nor in flight; and no other process writes in this direction.
#[must_use = "a loan is sent or given back"]
pub struct Loan {
    found: ResolvedHandle,
    block: BlockId,
    #[cfg(not(loom))]
    unsent: UnsentBytes,
    len_bytes: usize,
    /// How many handles it has room for.
    most_handles: usize,
}

impl core::fmt::Debug for Loan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Loan").field("bytes", &self.len_bytes).finish_non_exhaustive()
    }
}

pub(crate) fn reserve(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    len_bytes: usize,
    most_handles: usize,
) -> Result<Loan> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, rights, &inside)?;
    if most_handles > MAX_MESSAGE_HANDLES {
        return Err(Error::out_of_range("the number of handles", most_handles, MAX_MESSAGE_HANDLES));
    }
    // The handles lie in the block too.
    let lines = lines_in_block(len_bytes, most_handles);
    let most = thread.arena().config().max_loan_bytes;
    if len_bytes as u64 > most || (lines * LINE_BYTES) as u64 > most.next_power_of_two() {
        let what = "the loan's size in bytes, with its handles (max_loan_bytes)";
        return Err(Error::OutOfRange { what, value: len_bytes as u64, most });
    }
    let block = write::reserve_position(&mut writer).and_then(|_| payload::payload_block(&mut writer, lines));
    let block = refused::noting(&writer, lines, block)?;
    #[cfg(not(loom))]
    // SAFETY: the block is the loan's alone (INV-LOAN-1).
    let unsent = unsafe { UnsentBytes::new(thread.process.clone(), thread.arena().lines(block)?, len_bytes) };
    // The place is kept for the loan: otherwise the channel could fill up meanwhile, and refuse what the caller has filled.
    room::lend_place(&mut writer);
    Ok(Loan {
        found,
        block,
        #[cfg(not(loom))]
        unsent,
        len_bytes,
        most_handles,
    })
}

/// Sends the loan, with these handles, each of which must have the rights `transfer`.
pub(crate) fn commit_with_handles(
    thread: &Thread,
    loan: &Loan,
    handles: &[HandleValue],
    transfer: Rights,
) -> Result<()> {
    #[cfg(not(loom))]
    loan.unsent.complete();
    let body = Body::Filled { block: loan.block, len: loan.len_bytes, most_handles: loan.most_handles };
    // No rights: `reserve` has checked them, and a handle's rights never change.
    let out =
        SendRequest { channel: loan.found, rights: Rights::empty(), transfer, body, handles, txid: None };
    let sent = handles::send_with_handles(thread, &out);
    if !sent.is_err_and(|error| error.is_crash()) {
        refused::note_return_at(thread, loan.found)?;
    }
    sent
}

/// Sends the loan. Whether the channel's handle was given up meanwhile (`object/channel/given_up`).
pub(crate) fn commit(thread: &Thread, loan: &Loan) -> Result<(Result<()>, bool)> {
    #[cfg(not(loom))]
    loan.unsent.complete();
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, loan.found, Rights::empty(), &inside)?;
    room::return_place(&mut writer);
    let header = MessageHeader::new(loan.len_bytes, 0, true);
    let sent = write::reserve_position(&mut writer).and_then(|position| {
        write::prepare_block(&mut writer, position, loan.block, None)?;
        write::commit(&mut writer, position, header)?;
        write::publish(&mut writer, 1)
    });
    // Only after a failure: after a send the block is in flight, and must not go back to the spare ones.
    if let Err(error) = sent {
        if error.is_crash() {
            return Err(error);
        }
        payload::keep_block(&mut writer, Some(loan.block));
    }
    refused::note_return(&writer)?;
    Ok((sent, given_up::is_given_up(writer.endpoint, loan.found)))
}

pub(crate) fn return_loan(thread: &Thread, loan: &Loan) -> Result<()> {
    let inside = thread.inside();
    // A channel that has gone took its loans with it.
    if let Ok(mut writer) = Writer::enter(thread, loan.found, Rights::empty(), &inside) {
        room::return_place(&mut writer);
        payload::keep_block(&mut writer, Some(loan.block));
        refused::note_return(&writer)?;
    }
    Ok(())
}

impl Loan {
    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.len_bytes
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }

    /// The handle of its channel.
    pub(crate) fn channel(&self) -> ResolvedHandle {
        self.found
    }

    /// How many handles can be sent with it.
    pub fn most_handles(&self) -> usize {
        self.most_handles
    }
}

#[cfg(not(loom))]
impl Loan {
    /// Its bytes, to be read so far.
    pub fn unsent(&self) -> &UnsentBytes {
        &self.unsent
    }

    /// Its bytes, to be filled.
    pub fn unsent_mut(&mut self) -> UnsentBytesMut<'_> {
        UnsentBytesMut(&mut self.unsent)
    }
}
