//! Waiting for several objects at once.

use crate::handle::HandleRef;
use crate::raw;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use smallvec::SmallVec;

/// One thing to wait for (`zx_wait_item_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitItem<'a> {
    /// The handle to wait on.
    pub handle: HandleRef<'a>,
    /// Signals to wait for.
    pub waitfor: Signals,
    /// Signals seen, when the wait is over.
    pub pending: Signals,
}

impl<'a> WaitItem<'a> {
    /// Waits for `waitfor` on `handle`.
    pub fn new(handle: HandleRef<'a>, waitfor: Signals) -> Self {
        Self { handle, waitfor, pending: Signals::NONE }
    }
}

/// Waits until one of the items asserts one of its signals, or until `deadline`.
///
/// Follows `docs/syscalls/object_wait_many.md`; up to 64 items
/// ([`WAIT_MANY_MAX_ITEMS`](raw::WAIT_MANY_MAX_ITEMS)). Needs [`Rights::WAIT`](crate::Rights::WAIT) on each. Every item's `pending` is filled in on success, on `TIMED_OUT` and on `CANCELED`.
///
/// # Errors
/// [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another thread closed or transferred one of the handles
/// (its `pending` has [`Signals::HANDLE_CLOSED`]); [`Status::OUT_OF_RANGE`] for too many items;
/// [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create()?;
/// let stop = Event::create()?;
/// theirs.write(b"hello", &mut Vec::new())?;
/// let mut items = [
///     WaitItem::new(ours.as_handle_ref(), Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED),
///     WaitItem::new(stop.as_handle_ref(), Signals::EVENT_SIGNALED),
/// ];
/// wait_many(&mut items, MonotonicInstant::INFINITE)?;
/// assert!(items[0].pending.contains(Signals::CHANNEL_READABLE));
/// assert_eq!(items[1].pending, Signals::NONE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_many(items: &mut [WaitItem<'_>], deadline: MonotonicInstant) -> Result<(), Status> {
    if items.len() > raw::WAIT_MANY_MAX_ITEMS {
        return Err(raw::too_many_items());
    }
    // On the stack while they are few.
    let mut raw: SmallVec<[raw::WaitItem; 8]> = items
        .iter()
        .map(|item| raw::WaitItem {
            handle: item.handle.raw_handle(),
            waitfor: item.waitfor.bits(),
            pending: 0,
        })
        .collect();
    let result = raw::wait_many(&mut raw, deadline);
    for (raw, item) in raw.iter().zip(items) {
        item.pending = Signals::from_bits_retain(raw.pending);
    }
    result
}
