//! How Zircon's structures lie in memory that the Rust crates do not have yet, by number: size, alignment, and where each
//! member is and how long. One that gets a Rust counterpart moves to a file of `subject/`.

use super::c;

/// A structure of the headers.
#[derive(Debug)]
pub struct Record {
    /// Its name.
    pub name: &'static str,
    size: i64,
    align: i64,
    /// Name, offset and size of each member.
    members: &'static [(&'static str, i64, i64)],
}

impl Record {
    /// Assertions of C that the structure has this layout.
    pub fn assertions(&self) -> String {
        let Self { name, size, align, members } = self;
        let mut text = c::is(&format!("sizeof({name})"), *size) + &c::is(&format!("alignof({name})"), *align);
        for (member, offset, size) in *members {
            text += &c::is(&format!("offsetof({name}, {member})"), *offset);
            text += &c::is(&format!("sizeof((({name}*)0)->{member})"), *size);
        }
        text
    }
}

const fn record(
    name: &'static str,
    (size, align): (i64, i64),
    members: &'static [(&'static str, i64, i64)],
) -> Record {
    Record { name, size, align, members }
}

/// The registers of each kind of processor, and the events of its guests.
pub const X86_64: &[Record] = &[
    record(
        "zx_packet_guest_mem_t",
        (32, 8),
        &[
            ("addr", 0, 8),
            ("inst_len", 8, 1),
            ("inst_buf", 9, 15),
            ("default_operand_size", 24, 1),
            ("reserved", 25, 7),
        ],
    ),
    record(
        "zx_thread_state_general_regs_t",
        (144, 8),
        &[
            ("rax", 0, 8),
            ("rbx", 8, 8),
            ("rcx", 16, 8),
            ("rdx", 24, 8),
            ("rsi", 32, 8),
            ("rdi", 40, 8),
            ("rbp", 48, 8),
            ("rsp", 56, 8),
            ("r8", 64, 8),
            ("r9", 72, 8),
            ("r10", 80, 8),
            ("r11", 88, 8),
            ("r12", 96, 8),
            ("r13", 104, 8),
            ("r14", 112, 8),
            ("r15", 120, 8),
            ("rip", 128, 8),
            ("rflags", 136, 8),
        ],
    ),
    record(
        "zx_thread_state_fp_regs_t",
        (160, 16),
        &[
            ("fcw", 0, 2),
            ("fsw", 2, 2),
            ("ftw", 4, 1),
            ("reserved", 5, 1),
            ("fop", 6, 2),
            ("fip", 8, 8),
            ("fdp", 16, 8),
            ("st", 32, 128),
        ],
    ),
    record(
        "zx_thread_state_vector_regs_t",
        (2120, 8),
        &[("zmm", 0, 2048), ("opmask", 2048, 64), ("mxcsr", 2112, 4)],
    ),
    record(
        "zx_thread_state_debug_regs_t",
        (64, 8),
        &[("dr", 0, 32), ("dr6", 32, 8), ("dr7", 40, 8), ("dr6_status", 48, 8), ("dr7_control", 56, 8)],
    ),
];
pub const ARM64: &[Record] = &[
    record(
        "zx_packet_guest_mem_t",
        (32, 8),
        &[
            ("addr", 0, 8),
            ("access_size", 8, 1),
            ("sign_extend", 9, 1),
            ("xt", 10, 1),
            ("read", 11, 1),
            ("data", 16, 8),
            ("reserved", 24, 8),
        ],
    ),
    record(
        "zx_thread_state_general_regs_t",
        (272, 8),
        &[("r", 0, 240), ("lr", 240, 8), ("sp", 248, 8), ("pc", 256, 8), ("cpsr", 264, 8)],
    ),
    record("zx_thread_state_fp_regs_t", (4, 4), &[("unused", 0, 4)]),
    record("zx_thread_state_vector_regs_t", (520, 8), &[("fpcr", 0, 4), ("fpsr", 4, 4), ("v", 8, 512)]),
    record(
        "zx_thread_state_debug_regs_t",
        (528, 8),
        &[("hw_bps", 0, 256), ("hw_bps_count", 256, 1), ("hw_wps", 264, 256), ("hw_wps_count", 520, 1)],
    ),
];

/// All others.
pub const RECORDS: &[Record] = &[
    // listnode.h
    record("list_node_t", (16, 8), &[("prev", 0, 8), ("next", 8, 8)]),
    // fidl.h
    record("fidl_string_t", (16, 8), &[("size", 0, 8), ("data", 8, 8)]),
    record("fidl_vector_t", (16, 8), &[("count", 0, 8), ("data", 8, 8)]),
    record(
        "fidl_envelope_t",
        (16, 8),
        &[("num_bytes", 0, 4), ("num_handles", 4, 4), ("data", 8, 8), ("presence", 8, 8)],
    ),
    record("fidl_xunion_t", (24, 8), &[("tag", 0, 4), ("padding", 4, 4), ("envelope", 8, 16)]),
    record("fidl_table_t", (16, 8), &[("envelopes", 0, 16)]),
    record(
        "fidl_message_header_t",
        (16, 4),
        &[("txid", 0, 4), ("reserved0", 4, 4), ("flags", 8, 4), ("ordinal", 12, 4)],
    ),
    record(
        "fidl_msg_t",
        (24, 8),
        &[("bytes", 0, 8), ("handles", 8, 8), ("num_bytes", 16, 4), ("num_handles", 20, 4)],
    ),
    record("fidl_txn_t", (8, 8), &[("reply", 0, 8)]),
    record("fidl_epitaph_t", (16, 8), &[("hdr", 0, 16)]),
    // processargs.h
    record(
        "zx_proc_args_t",
        (36, 4),
        &[
            ("protocol", 0, 4),
            ("version", 4, 4),
            ("handle_info_off", 8, 4),
            ("args_off", 12, 4),
            ("args_num", 16, 4),
            ("environ_off", 20, 4),
            ("environ_num", 24, 4),
            ("names_off", 28, 4),
            ("names_num", 32, 4),
        ],
    ),
    // syscalls/object.h
    record("zx_info_process_handle_stats_t", (256, 4), &[("handle_count", 0, 256)]),
    record(
        "zx_info_process_t",
        (16, 8),
        &[("return_code", 0, 8), ("started", 8, 1), ("exited", 9, 1), ("debugger_attached", 10, 1)],
    ),
    record("zx_info_thread_t", (8, 4), &[("state", 0, 4), ("wait_exception_port_type", 4, 4)]),
    record("zx_info_thread_stats_t", (8, 8), &[("total_runtime", 0, 8)]),
    record(
        "zx_info_task_stats_t",
        (32, 8),
        &[
            ("mem_mapped_bytes", 0, 8),
            ("mem_private_bytes", 8, 8),
            ("mem_shared_bytes", 16, 8),
            ("mem_scaled_shared_bytes", 24, 8),
        ],
    ),
    record("zx_info_vmar_t", (16, 8), &[("base", 0, 8), ("len", 8, 8)]),
    record("zx_info_bti_t", (16, 8), &[("minimum_contiguity", 0, 8), ("aspace_size", 8, 8)]),
    record(
        "zx_info_socket_t",
        (48, 8),
        &[
            ("options", 0, 4),
            ("rx_buf_max", 8, 8),
            ("rx_buf_size", 16, 8),
            ("rx_buf_available", 24, 8),
            ("tx_buf_max", 32, 8),
            ("tx_buf_size", 40, 8),
        ],
    ),
    record(
        "zx_info_maps_mapping_t",
        (32, 8),
        &[("mmu_flags", 0, 4), ("vmo_koid", 8, 8), ("vmo_offset", 16, 8), ("committed_pages", 24, 8)],
    ),
    record(
        "zx_info_maps_t",
        (96, 8),
        &[
            ("name", 0, 32),
            ("base", 32, 8),
            ("size", 40, 8),
            ("depth", 48, 8),
            ("type", 56, 4),
            ("u", 64, 32),
            ("u.mapping", 64, 32),
        ],
    ),
    record(
        "zx_info_vmo_t",
        (112, 8),
        &[
            ("koid", 0, 8),
            ("name", 8, 32),
            ("size_bytes", 40, 8),
            ("parent_koid", 48, 8),
            ("num_children", 56, 8),
            ("num_mappings", 64, 8),
            ("share_count", 72, 8),
            ("flags", 80, 4),
            ("committed_bytes", 88, 8),
            ("handle_rights", 96, 4),
            ("create_options", 100, 4),
            ("cache_policy", 104, 4),
        ],
    ),
    record(
        "zx_info_cpu_stats_t",
        (120, 8),
        &[
            ("cpu_number", 0, 4),
            ("flags", 4, 4),
            ("idle_time", 8, 8),
            ("reschedules", 16, 8),
            ("context_switches", 24, 8),
            ("irq_preempts", 32, 8),
            ("preempts", 40, 8),
            ("yields", 48, 8),
            ("ints", 56, 8),
            ("timer_ints", 64, 8),
            ("timers", 72, 8),
            ("page_faults", 80, 8),
            ("exceptions", 88, 8),
            ("syscalls", 96, 8),
            ("reschedule_ipis", 104, 8),
            ("generic_ipis", 112, 8),
        ],
    ),
    record(
        "zx_info_kmem_stats_t",
        (72, 8),
        &[
            ("total_bytes", 0, 8),
            ("free_bytes", 8, 8),
            ("wired_bytes", 16, 8),
            ("total_heap_bytes", 24, 8),
            ("free_heap_bytes", 32, 8),
            ("vmo_bytes", 40, 8),
            ("mmu_overhead_bytes", 48, 8),
            ("ipc_bytes", 56, 8),
            ("other_bytes", 64, 8),
        ],
    ),
    record(
        "zx_info_resource_t",
        (56, 8),
        &[("kind", 0, 4), ("flags", 4, 4), ("base", 8, 8), ("size", 16, 8), ("name", 24, 32)],
    ),
    // syscalls/log.h
    record(
        "zx_log_record_t",
        (32, 8),
        &[
            ("reserved", 0, 4),
            ("datalen", 4, 2),
            ("flags", 6, 2),
            ("timestamp", 8, 8),
            ("pid", 16, 8),
            ("tid", 24, 8),
        ],
    ),
    // syscalls/system.h
    record(
        "zx_system_powerctl_acpi_s_state_t",
        (3, 1),
        &[("target_s_state", 0, 1), ("sleep_type_a", 1, 1), ("sleep_type_b", 2, 1)],
    ),
    record(
        "zx_system_powerctl_x86_power_limit_t",
        (12, 4),
        &[("power_limit", 0, 4), ("time_window", 4, 4), ("clamp", 8, 1), ("enable", 9, 1)],
    ),
    record(
        "zx_system_powerctl_arg_t",
        (12, 4),
        &[("acpi_transition_s_state", 0, 3), ("x86_power_limit", 0, 12)],
    ),
    // syscalls/port.h
    record("zx_packet_user_t", (32, 8), &[("u64", 0, 32), ("u32", 0, 32), ("u16", 0, 32), ("c8", 0, 32)]),
    record(
        "zx_packet_signal_t",
        (32, 8),
        &[("trigger", 0, 4), ("observed", 4, 4), ("count", 8, 8), ("reserved0", 16, 8), ("reserved1", 24, 8)],
    ),
    record(
        "zx_packet_exception_t",
        (32, 8),
        &[("pid", 0, 8), ("tid", 8, 8), ("reserved0", 16, 8), ("reserved1", 24, 8)],
    ),
    record(
        "zx_packet_guest_bell_t",
        (32, 8),
        &[("addr", 0, 8), ("reserved0", 8, 8), ("reserved1", 16, 8), ("reserved2", 24, 8)],
    ),
    record(
        "zx_packet_guest_io_t",
        (32, 8),
        &[
            ("port", 0, 2),
            ("access_size", 2, 1),
            ("input", 3, 1),
            ("u8", 4, 1),
            ("u16", 4, 2),
            ("u32", 4, 4),
            ("data", 4, 4),
            ("reserved0", 8, 8),
            ("reserved1", 16, 8),
            ("reserved2", 24, 8),
        ],
    ),
    record("zx_packet_guest_vcpu_interrupt_t", (16, 8), &[("mask", 0, 8), ("vector", 8, 1)]),
    record("zx_packet_guest_vcpu_startup_t", (16, 8), &[("id", 0, 8), ("entry", 8, 8)]),
    record(
        "zx_packet_guest_vcpu_t",
        (32, 8),
        &[("interrupt", 0, 16), ("startup", 0, 16), ("type", 16, 1), ("reserved", 24, 8)],
    ),
    record(
        "zx_packet_interrupt_t",
        (32, 8),
        &[("timestamp", 0, 8), ("reserved0", 8, 8), ("reserved1", 16, 8), ("reserved2", 24, 8)],
    ),
    record(
        "zx_port_packet_t",
        (48, 8),
        &[
            ("key", 0, 8),
            ("type", 8, 4),
            ("status", 12, 4),
            ("user", 16, 32),
            ("signal", 16, 32),
            ("exception", 16, 32),
            ("guest_bell", 16, 32),
            ("guest_mem", 16, 32),
            ("guest_io", 16, 32),
            ("guest_vcpu", 16, 32),
            ("interrupt", 16, 32),
        ],
    ),
    // syscalls/policy.h
    record("zx_policy_basic_t", (8, 4), &[("condition", 0, 4), ("policy", 4, 4)]),
    // syscalls/exception.h
    record("zx_x86_64_exc_data_t", (24, 8), &[("vector", 0, 8), ("err_code", 8, 8), ("cr2", 16, 8)]),
    record("zx_arm64_exc_data_t", (16, 8), &[("esr", 0, 4), ("far", 8, 8)]),
    record("zx_exception_context_t", (24, 8), &[("arch.u.x86_64", 0, 24), ("arch.u.arm_64", 0, 16)]),
    record("zx_exception_header_t", (8, 4), &[("size", 0, 4), ("type", 4, 4)]),
    record("zx_exception_report_t", (32, 8), &[("header", 0, 8), ("context", 8, 24)]),
];
