//! The operations of [`Thread`] on channels.

use crate::arena::error::Result;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::ring::Txid;
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::lifecycle::create::{self, Created};
use crate::lifecycle::teardown;
use crate::object::ObjectClass;
#[cfg(not(loom))]
use crate::object::bind::Received;
use crate::object::channel::call::{self, Pending};
use crate::object::channel::given_up;
use crate::object::channel::options::{self, ChannelOptions};
use crate::object::channel::read;
#[cfg(not(loom))]
use crate::object::channel::read::in_place::{self, InPlace};
use crate::object::channel::read::recv_buf::{Actual, OnOverflow, RecvBuf};
use crate::object::channel::write;
use crate::object::channel::write::handles::{self, Body, SendRequest};
use crate::object::channel::write::loan::{self, Loan};
use crate::process::thread::Thread;

impl Thread {
    /// Sends `bytes`, with the first four replaced by a new transaction id, and `handles`. Then either
    /// [`call_finish`](Self::call_finish) awaits the reply, or [`call_abandon`](Self::call_abandon) gives it up.
    ///
    /// As for a send, all `handles` are gone unless it returns `ShouldWait` or `NoResources`.
    pub fn call_begin(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        bytes: &[u8],
        handles: &[HandleValue],
        transfer: Rights,
    ) -> Result<Pending> {
        self.end_call(call::call_begin(self, found, rights, bytes, handles, transfer))
    }

    /// Waits for the reply and receives it into `buffer`. A reply that does not fit is discarded.
    ///
    /// `TimedOut`: a reply that comes later is an ordinary message. `Canceled`: the handle is gone. `Interrupted`: a
    /// signal handler ran; the call is still under way, to be finished by another `call_finish` or abandoned.
    pub fn call_finish(
        &self,
        pending: &Pending,
        deadline_ns: i64,
        buffer: &mut impl RecvBuf,
    ) -> Result<Actual> {
        self.end_call(call::call_finish(self, pending, deadline_ns, buffer))
    }

    /// Receives the reply into `buffer` if it is there; `None` while it is not. Otherwise as
    /// [`call_finish`](Self::call_finish), except that an error of this leaves the call under way.
    pub fn call_poll(&self, pending: &Pending, buffer: &mut impl RecvBuf) -> Result<Option<Actual>> {
        self.end_call(call::call_poll(self, pending, buffer))
    }

    /// Gives the call up. Its reply, whether it has come or comes later, is an ordinary message; or it is discarded, if
    /// the end has that option.
    pub fn call_abandon(&self, pending: &Pending) {
        call::call_abandon(self, pending);
        // An error of the release queue meets the next call as well, which returns it.
        let _ = teardown::run_release_queue(self);
    }

    /// Makes a channel with these options, with a handle of `rights` to each end.
    pub fn create_channel(&self, options: ChannelOptions, rights: Rights) -> Result<Created> {
        let initialize = |slot| options::set_options(self, slot, options);
        create::create(self, ObjectClass::Channel, rights, initialize)
    }

    /// Reads the next message in place. It stays in the ring until the result is finished; other reads go on with the
    /// messages after it. The channel's handle stays in this process meanwhile.
    #[cfg(not(loom))]
    pub fn receive_in_place(&self, found: ResolvedHandle, rights: Rights) -> Result<InPlace> {
        self.end_call(in_place::receive_in_place(self, found, rights))
    }

    /// Consumes a message that was read in place, and then passes its handles to `each`. `NoResources` when this process has no
    /// room for them: then the message is the channel's next one again.
    #[cfg(not(loom))]
    pub fn finish(&self, message: InPlace, each: &mut dyn FnMut(Received)) -> Result<()> {
        let channel = message.channel();
        let (finished, is_given_up) = in_place::finish(self, message, each)?;
        if is_given_up {
            self.memory_is_back(channel)?;
        }
        finished
    }

    /// Receives the next message into `buffer`. Returns its size in bytes and its number of handles.
    ///
    /// `ShouldWait` when there is none, `PeerClosed` when there will be none.
    #[inline]
    pub fn receive(
        &self,
        channel: impl Into<HandleName>,
        rights: Rights,
        buffer: &mut impl RecvBuf,
        on_overflow: OnOverflow,
    ) -> Result<Actual> {
        self.end_call(read::receive(self, channel.into(), rights, buffer, on_overflow))
    }

    /// Receives up to `most` messages without handles, and consumes them together. Appends their bytes to `bytes`, and
    /// the position where each ends to `ends`. Stops before a message that has handles. Returns how many it received.
    pub fn receive_batch(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        most: usize,
        bytes: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<usize> {
        self.end_call(read::receive_batch(self, found, rights, most, bytes, ends))
    }

    /// Sends one message without handles. `rights` are those the handle must have.
    ///
    /// `ShouldWait`: the channel's limit of pending messages is reached. `NoResources`: this process has as many
    /// messages pending, or as much memory in messages, as it may.
    #[inline]
    pub fn send(&self, channel: impl Into<HandleName>, rights: Rights, bytes: &[u8]) -> Result<()> {
        // No `end_call`: a send without handles drops no reference. This is the fastest path of all.
        write::send(self, channel.into(), rights, bytes)
    }

    /// Sends as many of `messages` as there is room for, one after the other, and then wakes the reader. Returns how many
    /// were sent; an error only if none was.
    pub fn send_batch(&self, found: ResolvedHandle, rights: Rights, messages: &[&[u8]]) -> Result<usize> {
        write::send_batch(self, found, rights, messages)
    }

    /// A block of `len_bytes` to write in place, with room for `most_handles` handles. All together up to the arena's
    /// `max_loan_bytes`. The loan holds a place for its message in the channel, whose handle stays in this process until the
    /// loan is sent or returned.
    pub fn reserve(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        len_bytes: usize,
        most_handles: usize,
    ) -> Result<Loan> {
        loan::reserve(self, found, rights, len_bytes, most_handles)
    }

    /// Sends a loan, with `handles`, each of which must have the rights `transfer`. Bytes of it that were not written are
    /// zero. On an error the loan is returned to its channel, and all of `handles` are gone, unless the error is `ShouldWait`
    /// or `NoResources`.
    pub fn commit(&self, loan: Loan, handles: &[HandleValue], transfer: Rights) -> Result<()> {
        if handles.is_empty() {
            let (sent, is_given_up) = loan::commit(self, &loan)?;
            if is_given_up {
                self.memory_is_back(loan.channel())?;
            }
            return sent;
        }
        let sent = loan::commit_with_handles(self, &loan, handles, transfer);
        if !sent.is_err_and(|error| error.is_crash()) {
            self.memory_is_back(loan.channel())?;
        }
        sent
    }

    /// Returns a loan unsent.
    pub fn return_loan(&self, loan: Loan) -> Result<()> {
        loan::return_loan(self, &loan)?;
        self.memory_is_back(loan.channel())
    }

    /// Closes the handle. If memory of its channel is lent to the program, it is closed when the last of it comes back. For a
    /// handle without an owner that could try again.
    pub fn close_when_returned(&self, found: ResolvedHandle) -> Result<()> {
        let closed = self.end_call(given_up::close_when_returned(self, found));
        self.free_halves_if_due();
        closed
    }

    /// Memory of the channel was lent, and has come back.
    fn memory_is_back(&self, channel: ResolvedHandle) -> Result<()> {
        let closed = self.end_call(given_up::close_if_given_up(self, channel));
        self.free_halves_if_due();
        closed
    }

    /// Sends a message with handles, each of which must have the rights `transfer`.
    ///
    /// On success, and on every error but `ShouldWait` and `NoResources`, all of `handles` are gone from this process.
    pub fn send_with_handles(
        &self,
        channel: ResolvedHandle,
        rights: Rights,
        bytes: &[u8],
        handles: &[HandleValue],
        transfer: Rights,
        txid: Option<Txid>,
    ) -> Result<()> {
        let out = SendRequest { channel, rights, transfer, body: Body::Bytes(bytes), handles, txid };
        let sent = self.end_call(handles::send_with_handles(self, &out));
        // The entries of the sent handles are closed by now, and may have private halves to free.
        self.free_halves_if_due();
        sent
    }
}
