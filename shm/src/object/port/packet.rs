//! Packets: how a program queues one, and how a thread waits for the next.
//!
//! | | commits | a death before | a death after |
//! |---|---|---|---|
//! | `port_queue` | RESERVED → FIRED | recovery frees the cell | recovery puts the packet into the ring |
//! | `port_wait` | the cell's CAS to FREE, or to ARMED | the packet is there | the packet was received |

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::port::cell::CellWord;
use crate::arena::word::port::sleeper::Sleepers;
use crate::arena::word::reference::Slot;
use crate::arena::word::signals::Signals;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::object::class::Class;
use crate::object::port::cells::{self, Cell, Purpose, UserWords};
use crate::object::port::{Port, due, ring};
use crate::object::wait;
use crate::process::thread::{Thread, crash_point};
use crate::signal::eventcount::OnInterrupt;
use crate::signal::wait_item::WaitItem;
use crate::sync::Release;

/// A packet, as a wait returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The key that its sender chose, or that of the registration.
    pub key: u64,
    /// What the packet carries.
    pub content: PacketContent,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketContent {
    /// A packet that a program queued.
    User {
        /// The status that the sender gave.
        status: i32,
        /// Four words, as the sender gave them.
        words: UserWords,
    },
    /// A packet of an observer.
    Signal {
        /// Whether the observer repeats.
        is_repeating: bool,
        /// The signals that it was registered for.
        trigger: Signals,
        /// The signals that it saw.
        observed: Signals,
        /// How many messages were pending when it was registered, if READABLE was asserted then; else 1.
        count: u64,
    },
}

fn with_port<T>(
    thread: &Thread,
    found: ResolvedHandle,
    use_port: impl FnOnce(Slot) -> Result<T>,
) -> Result<T> {
    pin::with_pinned(thread, found, |object, lifecycle: Lifecycle| {
        if lifecycle.class_number() != Port::NUMBER {
            return Err(Error::WrongType);
        }
        use_port(object.slot())
    })
}

/// Queues a packet. `ShouldWait` when too many of them are pending.
pub(crate) fn queue(
    thread: &Thread,
    port: ResolvedHandle,
    key: u64,
    status: i32,
    words: UserWords,
) -> Result<()> {
    with_port(thread, port, |port| {
        ring::prepare(thread, port)?;
        let (cell, reserved) = cells::reserve(thread, port, Purpose::UserPacket)?;
        crash_point!(thread, "queue.reserved");
        cell.fill_user(key, status, words);
        let fired = reserved.armed(false, 0).fired(Signals::empty(), 0);
        // ORDER: Release: the thread that takes the packet sees the cell filled.
        cell.word().store(fired.0, Release);
        crash_point!(thread, "queue.committed");
        ring::put(thread, port, cell)
    })
}

fn copy(cell: Cell<'_>, word: CellWord) -> Packet {
    let content = match Purpose::of(cell.id) {
        Purpose::UserPacket => {
            let (status, words) = cell.user();
            PacketContent::User { status, words }
        }
        Purpose::Observer => PacketContent::Signal {
            is_repeating: word.is_repeating(),
            trigger: cell.interest().trigger(),
            observed: word.observed(),
            count: cell.count(),
        },
    };
    Packet { key: cell.key(), content }
}

/// Waits for the next packet. The handle must have `rights`.
pub(crate) fn wait(
    thread: &Thread,
    value: HandleValue,
    rights: Rights,
    deadline_ns: i64,
    on_interrupt: OnInterrupt,
) -> Result<Packet> {
    let found = lookup::lookup(thread, value)?;
    require(thread, found, rights)?;
    // No signal: a port has none. The sleeper waits for a change of the port's event count.
    let mut items = [WaitItem { handle: value, waitfor: Signals::empty(), pending: Signals::empty() }];
    wait::wait_until(thread, &[found], &mut items, deadline_ns, on_interrupt, |_, _| {
        take(thread, found, Sleepers::one(thread.process.row, thread.process.quotas.charge.epoch, thread.tag))
    })
}

/// Takes the first packet. If there is none, notes that `sleepers` are about to sleep. `Canceled` if the handle is gone,
/// which was there when the wait began.
pub(crate) fn take(thread: &Thread, found: ResolvedHandle, sleepers: Sleepers) -> Result<Option<Packet>> {
    let take_or_note = |port| {
        let taken = ring::take_first(thread, port, copy)?;
        if taken.is_none() {
            ring::note_sleepers(thread, port, sleepers)?;
        }
        Ok(taken)
    };
    let looked = with_port(thread, found, |port| {
        let looks = due::fire_due(thread, port)?;
        Ok((take_or_note(port)?, looks))
    });
    let taken = match looked {
        Ok((taken, looks)) if !looks.is_empty() => {
            looks.make(thread)?;
            // A look may have found room, and so fired an observer.
            if taken.is_none() { with_port(thread, found, take_or_note) } else { Ok(taken) }
        }
        looked => looked.map(|(taken, _)| taken),
    };
    match taken {
        Err(Error::BadHandle) => Err(Error::Canceled),
        taken => taken,
    }
}

/// Fails unless the handle is one to a port and has `rights`. The type before the rights, as for every call.
pub(crate) fn require(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<()> {
    with_port(thread, found, |_| found.require(rights))
}
