//! Processes. So far they are names: see [`task`](super::task).

use crate::handle::NullableHandle;

/// A process. Follows `docs/objects/process.md`, as far as processes are objects here: it has a koid, a name and user signals, and
/// can be sent. [`process_self`](crate::process_self) has the calling one.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Process> = process_self()?.cast();
/// let again: Process = own.duplicate(Rights::SAME_RIGHTS)?;
/// assert_eq!(again.koid()?, process_self()?.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Process(pub(super) NullableHandle);
