//! Object slots, message blocks, and their pages on the way back to the system.

mod blocks;
mod pages;
mod slots;

use crate::operation::spec::OperationSpec;

/// The operations on slots, blocks and pages.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = blocks::operations();
    operations.extend(pages::operations());
    operations.extend(slots::operations());
    operations
}
