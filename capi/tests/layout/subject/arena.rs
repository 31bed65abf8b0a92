//! The calls of `jacinth.h`.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

/// The structure of the limits: each of them, and the path.
macro_rules! config {
    ($( $limit:ident: $Number:ty, )+) => {
        structures! { jacinth_config_t { $( $limit )+ socket_path } }
    };
}

pub fn subject() -> Subject {
    let calls = signatures! {
        jacinth_config_default(1)
        jacinth_create(1)
        jacinth_attach(1)
        jacinth_join_or_create(1, 2, 3)
        jacinth_serve(1, 2, 3)
        jacinth_directory_serve(1, 2, 3, 4)
        jacinth_connect(1, 2, 3)
        jacinth_directory_connect(1, 2, 3, 4)
        jacinth_accept(1, 2)
        jacinth_directory(1)
        jacinth_set_directory(1)
        jacinth_directory_create(1)
        jacinth_directory_create_view(1, 2, 3, 4)
        jacinth_directory_names(1, 2, 3, 4)
        jacinth_forbid_own_arena()
        jacinth_is_attached()
        jacinth_socket_path()
        jacinth_spawn(1, 2, 3, 4, 5)
        jacinth_prepare(1, 2)
        jacinth_seat_is_free(1, 2)
        jacinth_seat_give_back(1)
        jacinth_spawn_status(1, 2)
        jacinth_port_fd_create(1, 2)
        jacinth_port_fd_wait(1, 2)
        jacinth_port_fd_wait_adaptive(1, 2)
        jacinth_port_fd_close(1)
        jacinth_audit(1)
        jacinth_collect(1)
        jacinth_set_spin(1)
        jacinth_set_supervisor_timeout(1)
        jacinth_error()
        jacinth_status_detail(1)
    };
    let mut structures = structures! {
        jacinth_audit_t { processes threads objects retired handles in_transit messages blocks findings }
        jacinth_report_t {
            processes threads handles_closed operations_finished operations_undone blocks_freed
            objects_retired objects_reclaimed cyclic_ends_collected unused bytes_decommitted
        }
        jacinth_spawn_status_t { state status text }
        jacinth_seat_t { slot }
    };
    structures.extend(jacinth::with_limits!(config));
    Subject { calls, structures }
}
