//! Objects that have a peer.

use crate::handle::borrowed::HandleBased;
use crate::handle::wait_result::WaitResult;
use crate::raw;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;

/// Objects that have a peer.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// fn hang_up(side: impl Peered) -> Result<(), Status> {
///     side.signal_peer(Signals::NONE, Signals::USER_0)
/// }
/// let (ours, _theirs) = EventPair::create();
/// hang_up(ours)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Peered: HandleBased {
    /// Clears and then sets signals of the other side.
    ///
    /// Follows `docs/syscalls/object_signal_peer.md`. Needs [`Rights::SIGNAL_PEER`](crate::Rights::SIGNAL_PEER).
    ///
    /// # Errors
    /// As [`Handle::signal`](crate::Handle::signal); [`Status::PEER_CLOSED`] when the other side is closed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = EventPair::create();
    /// ours.signal_peer(Signals::NONE, Signals::USER_0)?;
    /// assert!(theirs.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn signal_peer(&self, clear: Signals, set: Signals) -> Result<(), Status> {
        raw::signal_peer(self.as_handle_ref().raw_handle(), clear, set)
    }

    /// Whether the other side is closed. Needs [`Rights::WAIT`](crate::Rights::WAIT).
    ///
    /// # Errors
    /// As [`Handle::wait_one`](crate::Handle::wait_one), but for [`Status::TIMED_OUT`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// assert!(!ours.is_closed()?);
    /// drop(theirs);
    /// assert!(ours.is_closed()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn is_closed(&self) -> Result<bool, Status> {
        let object = self.as_handle_ref();
        match object.wait_one(Signals::OBJECT_PEER_CLOSED, MonotonicInstant::INFINITE_PAST) {
            WaitResult::Ok(_) => Ok(true),
            WaitResult::TimedOut(_) => Ok(false),
            WaitResult::Canceled(_) => Err(Status::CANCELED),
            WaitResult::Err(status) => Err(status),
        }
    }
}
