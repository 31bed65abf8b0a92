//! Address spaces. So far they are names: see [`task`](super::task).

use crate::handle::NullableHandle;

/// An address space. Follows `docs/objects/vm_address_region.md`, as far as address spaces are objects here: it has a koid, a
/// type and rights, and can be sent. [`vmar_root_self`](crate::vmar_root_self) has the one of the calling process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Vmar> = vmar_root_self()?.cast();
/// let again: Vmar = own.duplicate(Rights::SAME_RIGHTS)?;
/// assert_eq!(again.koid()?, vmar_root_self()?.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Vmar(pub(super) NullableHandle);
