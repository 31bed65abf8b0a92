//! Waiting for several objects at once.

use crate::handle::borrowed::{AsHandleRef, HandleRef};
use crate::raw;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::Deadline;
use arrayvec::ArrayVec;

/// One thing to wait for (`zx_wait_item_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let item = WaitItem::new(&event, Signals::USER_0);
/// let same = WaitItem { handle: event.as_handle_ref(), waitfor: Signals::USER_0, pending: Signals::NONE };
/// assert_eq!(item, same);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitItem<'a> {
    /// The handle to wait on.
    pub handle: HandleRef<'a>,
    /// Signals to wait for.
    pub waitfor: Signals,
    /// Signals seen, when the wait is over.
    pub pending: Signals,
}

impl<'a> WaitItem<'a> {
    /// Waits for `waitfor` on `object`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let mut items = [WaitItem::new(&event, Signals::USER_0)];
    /// let now = MonotonicInstant::INFINITE_PAST;
    /// assert_eq!(object_wait_many(&mut items, now), Err(Status::TIMED_OUT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(object: &'a impl AsHandleRef, waitfor: Signals) -> Self {
        Self { handle: object.as_handle_ref(), waitfor, pending: Signals::NONE }
    }
}

/// Waits until one of the items asserts one of its signals, or until `deadline`. Gives whether the wait was canceled:
/// another thread closed or transferred one of the handles. The `pending` of that item has
/// [`Signals::HANDLE_CLOSED`].
///
/// Follows `docs/syscalls/object_wait_many.md`; up to 64 items
/// ([`WAIT_MANY_MAX_ITEMS`](raw::WAIT_MANY_MAX_ITEMS)). Needs [`Rights::WAIT`](crate::Rights::WAIT) on each. Every
/// item's `pending` is filled in unless the wait fails for another reason than time.
///
/// # Errors
/// [`Status::TIMED_OUT`]; [`Status::OUT_OF_RANGE`] for too many items; [`Status::ACCESS_DENIED`];
/// [`Status::BAD_HANDLE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let stop = Event::create();
/// theirs.write(b"hello", &mut [])?;
/// let mut items = [
///     WaitItem::new(&ours, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED),
///     WaitItem::new(&stop, Signals::EVENT_SIGNALED),
/// ];
/// let is_canceled = object_wait_many(&mut items, MonotonicInstant::INFINITE)?;
/// assert!(!is_canceled && items[0].pending.contains(Signals::CHANNEL_READABLE));
/// assert_eq!(items[1].pending, Signals::NONE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn object_wait_many(items: &mut [WaitItem<'_>], deadline: impl Into<Deadline>) -> Result<bool, Status> {
    if items.len() > raw::WAIT_MANY_MAX_ITEMS {
        return Err(raw::too_many_items());
    }
    let mut raw: ArrayVec<raw::WaitItem, { raw::WAIT_MANY_MAX_ITEMS }> = items
        .iter()
        .map(|item| raw::WaitItem {
            handle: raw::HandleValue(item.handle.raw_handle()),
            waitfor: item.waitfor.into(),
            pending: Signals::NONE.into(),
        })
        .collect();
    let result = raw::wait_many(&mut raw, deadline.into().instant());
    // After an error too: on a timeout or a cancel each item reports the signals that the wait saw.
    for (raw, item) in raw.iter().zip(items) {
        item.pending = raw.pending.into();
    }
    match result {
        Ok(()) => Ok(false),
        Err(Status::CANCELED) => Ok(true),
        Err(status) => Err(status),
    }
}
