//! Ports.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_port_create(1, 2)
        zx_port_queue(1, 2)
        zx_port_wait(1, 2, 3)
        zx_port_cancel(1, 2, 3)
        zx_object_wait_async(1, 2, 3, 4, 5)
    };
    let structures = structures! {
        zx_port_packet_t { key r#type status user }
        zx_packet_user_t { u64 }
        zx_packet_signal_t { trigger observed count reserved0 reserved1 }
    };
    Subject { calls, structures }
}
