//! One item of a wait: a handle, the signals that the caller waits for, and the signals that the wait saw.

/// One item to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitItem {
    /// The handle's value.
    pub handle: u32,
    /// Signals to wait for.
    pub waitfor: u32,
    /// Signals seen, when the wait is over.
    pub pending: u32,
}
