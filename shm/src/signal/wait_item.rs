//! One item of a wait: a handle, the signals that the caller waits for, and the signals that the wait saw.

use crate::arena::word::handle::HandleValue;
use crate::arena::word::signals::Signals;

/// One item to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitItem {
    /// The handle's value.
    pub handle: HandleValue,
    /// Signals to wait for.
    pub waitfor: Signals,
    /// Signals seen, when the wait is over.
    pub pending: Signals,
}
