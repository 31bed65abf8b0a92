//! What one item of a wait is: a handle, the signals that are waited for, and those that were seen.

/// One thing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitItem {
    /// The handle's value.
    pub handle: u32,
    /// Signals to wait for.
    pub waitfor: u32,
    /// Signals seen, when the wait is over.
    pub pending: u32,
}
