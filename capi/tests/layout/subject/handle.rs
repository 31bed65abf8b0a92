//! Handles, and the calls on every object.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_handle_close(1)
        zx_handle_close_many(1, 2)
        zx_handle_duplicate(1, 2, 3)
        zx_handle_replace(1, 2, 3)
        zx_object_get_info(1, 2, 3, 4, 5, 6)
        zx_object_get_property(1, 2, 3, 4)
        zx_object_set_property(1, 2, 3, 4)
        zx_object_get_cookie(1, 2, 3)
        zx_object_set_cookie(1, 2, 3)
        zx_object_signal(1, 2, 3)
        zx_object_signal_peer(1, 2, 3)
        zx_object_wait_one(1, 2, 3, 4)
        zx_object_wait_many(1, 2, 3)
    };
    let structures = structures! {
        zx_wait_item_t { handle waitfor pending }
        zx_info_handle_basic_t { koid rights r#type related_koid props }
        zx_info_handle_count_t { handle_count }
        zx_info_process_handle_stats_t { handle_count }
    };
    Subject { calls, structures }
}
