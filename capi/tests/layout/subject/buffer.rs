//! Buffers.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        jacinth_buffer_create(1, 2, 3)
        jacinth_channel_reserve_buffer(1, 2, 3, 4)
        jacinth_buffer_freeze(1, 2)
        jacinth_buffer_discard(1)
        jacinth_buffer_get_size(1, 2)
        jacinth_buffer_view(1, 2)
        jacinth_buffer_view_release(1)
    };
    let structures = structures! {
        jacinth_buffer_mut_t { data num_bytes id }
        jacinth_buffer_view_t { data num_bytes id }
    };
    Subject { calls, structures }
}
