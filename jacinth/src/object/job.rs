//! Jobs. So far they are names: see [`task`](super::task).

use crate::handle::NullableHandle;

/// A job. Follows `docs/objects/job.md`, as far as jobs are objects here: it has a koid, a name and user signals, and can be
/// sent. [`job_default`](crate::job_default) has the one of the calling process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Job> = job_default()?.cast();
/// let again: Job = own.duplicate(Rights::SAME_RIGHTS)?;
/// assert_eq!(again.koid()?, job_default()?.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Job(pub(super) NullableHandle);
