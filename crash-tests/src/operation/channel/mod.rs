//! Channels, and the buffers that are sent through them.

mod buffer;
mod c_variants;
mod call;
mod interrupted_call;
mod lifecycle;
mod loan;
mod read;
mod reorder;
pub mod write;

use crate::operation::spec::OperationSpec;

/// The operations on channels.
pub fn operations() -> Vec<OperationSpec> {
    let groups = [
        c_variants::operations(),
        interrupted_call::operations(),
        write::operations(),
        read::operations(),
        lifecycle::operations(),
        call::operations(),
        reorder::operations(),
        loan::operations(),
        buffer::operations(),
    ];
    groups.into_iter().flatten().collect()
}
