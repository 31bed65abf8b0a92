//! Threads. So far they are names: see [`task`](super::task).

use crate::handle::NullableHandle;

/// A thread. Follows `docs/objects/thread.md`, as far as threads are objects here: it has a koid, a name and user
/// signals, can be sent, and can own a [`Futex`](crate::Futex). [`thread_self`](crate::thread_self) has the calling one.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let this: Unowned<'_, Thread> = thread_self()?.cast();
/// this.set_name(&Name::new("worker")?)?;
/// assert_eq!(thread_self()?.get_name()?, "worker");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a thread closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Thread(pub(super) NullableHandle);
