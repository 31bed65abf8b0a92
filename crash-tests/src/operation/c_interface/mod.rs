//! The common part of the objects' operations by the calls of `libjacinth`.
//!
//! Each of them is based on an operation by the Rust interface: with the same fixture and guarantee, and an action that
//! makes C's calls. Some can only be expressed in C: invalid pointers, and calls that a signal handler interrupts.

pub mod calls;

use crate::operation::fixture::{receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::{Channel, NullableHandle, raw};

/// The operation of this name in the group, to be performed by C's calls.
pub fn c_variant_of(group: impl Fn() -> Vec<OperationSpec>, name: &str) -> OperationSpec {
    OperationSpec::based_on(group, "c", name)
}

/// The victim's control channel, after its first call of C's.
pub fn ready() -> Channel {
    let control = startup_channel();
    calls::close_many(&[raw::INVALID]).expect("there is nothing to close");
    control
}

/// The control channel, and the handle that came over it.
pub fn ready_with_one() -> (Channel, u32) {
    let control = ready();
    let one = receive_handles(&control).remove(0).into_raw();
    (control, one)
}

/// The control channel, and the handles that came over it.
pub fn ready_with_all() -> (Channel, Vec<u32>) {
    let control = ready();
    let all = receive_handles(&control).into_iter().map(NullableHandle::into_raw).collect();
    (control, all)
}
