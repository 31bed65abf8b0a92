//! The calls of `jacinth.h`.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        jacinth_config_default(1)
        jacinth_create(1)
        jacinth_attach(1)
        jacinth_forbid_own_arena()
        jacinth_is_attached()
        jacinth_socket_path()
        jacinth_spawn(1, 2, 3, 4, 5)
        jacinth_fate(1, 2)
        jacinth_audit(1)
        jacinth_collect(1)
        jacinth_set_spin(1)
        jacinth_set_answer_time(1)
        jacinth_error()
        jacinth_status_detail(1)
    };
    let structures = structures! {
        jacinth_config_t {
            max_processes max_threads max_threads_per_process max_objects
            max_objects_per_process max_handles_per_process max_pending_messages
            max_pending_messages_per_process first_segment_messages pool_bytes
            max_block_bytes_per_process max_loan_bytes socket_path
        }
        jacinth_audit_t { processes threads objects retired handles in_transit messages blocks findings }
        jacinth_report_t {
            processes threads handles_closed operations_finished operations_undone blocks_freed
            objects_retired objects_reclaimed cyclic_ends_collected unused bytes_given_back
        }
        jacinth_fate_t { what status text }
    };
    Subject { calls, structures }
}
