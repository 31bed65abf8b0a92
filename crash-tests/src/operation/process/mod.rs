//! Processes and threads: attaching, spawning, forking, exiting.

mod c_variants;
mod fork;
mod membership;
mod thread;

use crate::operation::spec::OperationSpec;

/// The operations on processes and threads.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = c_variants::operations();
    operations.extend(membership::operations());
    operations.extend(fork::operations());
    operations.extend(thread::operations());
    operations
}
