//! Channels.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_channel_create(1, 2, 3)
        zx_channel_read(1, 2, 3, 4, 5, 6, 7, 8)
        zx_channel_read_etc(1, 2, 3, 4, 5, 6, 7, 8)
        zx_channel_write(1, 2, 3, 4, 5, 6)
        zx_channel_call(1, 2, 3, 4, 5, 6)
        zx_channel_call_noretry(1, 2, 3, 4, 5, 6)
        zx_channel_call_finish(1, 2, 3, 4)
        jacinth_channel_create(1, 2, 3, 4)
        jacinth_channel_reserve(1, 2, 3, 4, 5)
        jacinth_loan_commit(1, 2, 3)
        jacinth_loan_cancel(1)
        jacinth_channel_read_in_place(1, 2, 3)
        jacinth_message_finish(1, 2, 3)
        jacinth_message_finish_etc(1, 2, 3)
        jacinth_message_release(1)
    };
    let structures = structures! {
        zx_channel_call_args_t {
            wr_bytes wr_handles rd_bytes rd_handles wr_num_bytes wr_num_handles rd_num_bytes
            rd_num_handles
        }
        zx_handle_info_t { handle r#type rights unused }
        jacinth_loan_t { data num_bytes id }
        jacinth_message_t { data num_bytes num_handles unused id }
    };
    Subject { calls, structures }
}
