//! Fifos. The survivor keeps an end; the victim has the other, alone or as a duplicate of an end that the survivor has too.
//!
//! | file | the victim |
//! |---|---|
//! | `exclusive` | writes and reads at an end that it holds alone |
//! | `shared_write`, `shared_read` | writes and reads at an end that the survivor holds as well |
//! | `ends` | creates, duplicates, sends, receives and closes |
//! | `observed` | writes and reads where the survivor's port observes the fifo |
//! | `contended` | writes and reads while a thread of the survivor does so |
//!
//! `scene` has what they share.
#![expect(clippy::single_range_in_vec_init, reason = "a list of states may have one")]

mod contended;
mod ends;
mod exclusive;
mod observed;
mod scene;
mod shared_read;
mod shared_write;

use crate::operation::spec::OperationSpec;

/// The operations on fifos.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = ends::operations();
    operations.extend(shared_write::operations());
    operations.extend(shared_read::operations());
    operations.extend(exclusive::operations());
    operations.extend(observed::operations());
    operations.extend(contended::operations());
    operations
}
