//! The threads that sleep on futexes and own them.

use super::sleep::FutexSleep;
use crate::types::koid::Koid;
use crate::types::status::Status;
use std::fmt::Debug;

/// A thread of this process that sleeps on futexes, or owns one.
///
/// It is a record and not a handle, because a thread that was woken may be the owner before its object is made. A
/// library that binds jacinth to another language may have records of its own.
///
/// ```
/// # use jacinth::*;
/// use std::sync::Arc;
///
/// #[derive(Debug, Default)]
/// struct Record(raw::FutexSleep);
///
/// impl raw::FutexThread for Record {
///     fn sleep(&self) -> &raw::FutexSleep {
///         &self.0
///     }
///
///     fn koid(&self) -> Result<Koid, Status> {
///         Ok(Koid::from_raw(5000))
///     }
/// }
///
/// let thread: Arc<dyn raw::FutexThread> = Arc::new(Record::default());
/// assert_eq!(thread.koid(), Ok(Koid::from_raw(5000)));
/// ```
pub trait FutexThread: Debug + Send + Sync {
    /// Its sleep.
    fn sleep(&self) -> &FutexSleep;

    /// The koid of its object; [`Koid::INVALID`] if it has none.
    ///
    /// # Errors
    /// Those of making the object, for a record that makes it now.
    fn koid(&self) -> Result<Koid, Status>;
}
