//! Ports. The survivor keeps an object, and a port that observes it or could; the victim has duplicates of both.
//!
//! | file | the victim |
//! |---|---|
//! | `packets` | creates ports, queues packets, waits for them |
//! | `observers` | registers and cancels observers |
//! | `signals` | changes signals that the survivor's port observes |
//! | `timers` | sets, cancels and observes timers, and waits until they are due |
//! | `ends` | closes, sends and replaces what is observed, and ports that observe |
//!
//! `scene` has what they share.

mod ends;
mod observers;
mod packets;
mod scene;
mod signals;
mod timers;

use crate::operation::spec::OperationSpec;

/// The operations on ports.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = packets::operations();
    operations.extend(observers::operations());
    operations.extend(signals::operations());
    operations.extend(timers::operations());
    operations.extend(ends::operations());
    operations
}
