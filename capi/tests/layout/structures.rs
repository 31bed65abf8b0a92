//! The structures and numbers that cross the boundary now, as the Rust side lays them out.

use super::c;
use jacinth_calls::types;
use std::mem::offset_of;

/// The length of a member.
fn size_of_member<S, M>(_: fn(&S) -> &M) -> usize {
    size_of::<M>()
}

/// Each structure, with the members that C has too.
macro_rules! structures {
    ($( $Type:ident { $( $member:ident )+ } )+) => {
        /// Their names.
        pub const STRUCTURES: &[&str] = &[$( stringify!($Type) ),+];

        /// That C lays them out as Rust does.
        pub fn structures() -> String {
            let mut text = String::new();
            $(
                let name = stringify!($Type);
                text += &is(format!("sizeof({name})"), size_of::<types::$Type>());
                text += &is(format!("alignof({name})"), align_of::<types::$Type>());
                $(
                    let member = stringify!($member).trim_start_matches("r#");
                    let size = size_of_member(|of: &types::$Type| &of.$member);
                    text += &is(format!("offsetof({name}, {member})"), offset_of!(types::$Type, $member));
                    text += &is(format!("sizeof((({name}*)0)->{member})"), size);
                )+
            )+
            text
        }
    };
}

/// Each type that is a number.
macro_rules! numbers {
    ($( $Type:ident )+) => {
        /// Their names.
        pub const NUMBERS: &[&str] = &[$( stringify!($Type) ),+];

        /// That C gives them the size and the sign that Rust does.
        pub fn numbers() -> String {
            let mut text = String::new();
            $(
                let name = stringify!($Type);
                text += &is(format!("sizeof({name})"), size_of::<types::$Type>());
                text += &is(format!("({name})-1 < ({name})1"), usize::from(types::$Type::MIN != 0));
            )+
            text
        }
    };
}

fn is(expression: String, value: usize) -> String {
    c::is(&expression, i64::try_from(value).expect("a small number"))
}

structures! {
    zx_channel_call_args_t {
        wr_bytes wr_handles rd_bytes rd_handles wr_num_bytes wr_num_handles rd_num_bytes rd_num_handles
    }
    zx_wait_item_t { handle waitfor pending }
    zx_handle_info_t { handle r#type rights unused }
    zx_info_handle_basic_t { koid rights r#type related_koid props }
    zx_info_handle_count_t { handle_count }
    jacinth_config_t {
        max_processes max_threads max_threads_per_process max_objects max_objects_per_process max_handles_per_process max_pending_messages
        max_pending_messages_per_process first_segment_messages pool_bytes max_block_bytes_per_process max_loan_bytes
        socket_path
    }
    jacinth_audit_t { processes threads objects retired handles in_transit messages blocks findings }
    jacinth_report_t {
        processes threads handles_closed operations_finished operations_undone blocks_freed objects_retired
        objects_reclaimed ends_collected unused
    }
    jacinth_fate_t { what status text }
}

numbers! {
    zx_clock_t zx_duration_t zx_handle_t zx_koid_t zx_obj_type_t zx_rights_t zx_signals_t zx_status_t zx_ticks_t
    zx_time_t
}
