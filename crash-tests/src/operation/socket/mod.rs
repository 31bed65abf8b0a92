//! Sockets. The survivor keeps an end; the victim has the other, alone or as a duplicate of an end that the survivor has too.
//! What sockets do as fifos do is killed there.
//!
//! | file | the victim |
//! |---|---|
//! | `stream` | writes and reads bytes at an end that it holds alone, while the ring grows |
//! | `datagram` | writes and reads datagrams at an end that the survivor holds as well |
//! | `control` | writes and reads messages of the control plane |
//! | `shutdown` | ends both directions |
//! | `sharing` | shares a socket over another, accepts one, and closes ends with one in their queue |
//! | `ends` | creates and closes |
//! | `c_variants` | writes, reads, shares and accepts by C's calls |
//!
//! `scene` has what they share.

mod c_variants;
mod control;
mod datagram;
mod ends;
mod scene;
mod sharing;
mod shutdown;
mod stream;

use crate::operation::spec::OperationSpec;

/// The operations on sockets.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = ends::operations();
    operations.extend(stream::operations());
    operations.extend(datagram::operations());
    operations.extend(control::operations());
    operations.extend(shutdown::operations());
    operations.extend(sharing::operations());
    operations.extend(c_variants::operations());
    operations
}
