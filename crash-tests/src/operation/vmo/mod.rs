//! VM objects. In most operations the victim is sent a duplicate of one that the survivor keeps.

mod bytes;
mod clones;
mod mapping;
mod scene;

use crate::operation::spec::OperationSpec;

/// The operations on VM objects.
pub fn operations() -> Vec<OperationSpec> {
    [bytes::operations(), clones::operations(), mapping::operations()].into_iter().flatten().collect()
}
