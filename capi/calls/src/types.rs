//! The structures and numbers of the C interface. The layout tests of `capi/` compare each with its C declaration.
//!
//! The `zerocopy` derives prove that a structure can be copied from and to C's memory: any bytes are a value
//! ([`FromBytes`]), and no byte is padding ([`IntoBytes`]).

use crate::user_memory::{UserIn, UserOut};
use zerocopy::{FromBytes, IntoBytes};

pub use jacinth::sys::{
    zx_duration_t, zx_handle_t, zx_koid_t, zx_obj_type_t, zx_packet_signal_t, zx_rights_t, zx_signals_t,
    zx_status_t, zx_time_t, zx_wait_item_t,
};

/// A span of time, in ticks. (The Rust interface counts ticks with a sign, as today's Zircon does.)
pub type zx_ticks_t = u64;
/// The number of a clock.
pub type zx_clock_t = u32;

/// The two messages of `zx_channel_call`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_channel_call_args_t {
    /// The bytes to send.
    pub wr_bytes: UserIn<u8>,
    /// The handles to send.
    pub wr_handles: UserIn<zx_handle_t>,
    /// The buffer for the reply's bytes.
    pub rd_bytes: UserOut<u8>,
    /// The buffer for the reply's handles.
    pub rd_handles: UserOut<zx_handle_t>,
    /// How many bytes to send.
    pub wr_num_bytes: u32,
    /// How many handles to send.
    pub wr_num_handles: u32,
    /// How many bytes fit.
    pub rd_num_bytes: u32,
    /// How many handles fit.
    pub rd_num_handles: u32,
}

/// A handle that came in a message, from `zx_channel_read_etc`. Its members have the names of C, unlike those of
/// [`jacinth::sys::zx_handle_info_t`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_handle_info_t {
    /// Its value.
    pub handle: zx_handle_t,
    /// The type of its object.
    pub r#type: zx_obj_type_t,
    /// The rights that it carries.
    pub rights: zx_rights_t,
    /// 0.
    pub unused: u32,
}

impl From<jacinth::HandleInfo> for zx_handle_info_t {
    fn from(info: jacinth::HandleInfo) -> Self {
        Self {
            handle: info.handle.into_raw(),
            r#type: info.object_type.into_raw(),
            rights: info.rights.bits(),
            unused: 0,
        }
    }
}

/// A packet of a port. Its members have the names of C, unlike those of [`jacinth::sys::zx_port_packet_t`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_port_packet_t {
    /// The key of its sender, or of the wait.
    pub key: u64,
    /// A `ZX_PKT_TYPE_*`.
    pub r#type: u32,
    /// The status of its sender.
    pub status: zx_status_t,
    /// The union of all kinds of packets.
    pub user: zx_packet_user_t,
}

/// 32 bytes, which C may see as numbers of any size.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_packet_user_t {
    /// As the largest numbers.
    pub u64: [u64; 4],
}

/// The record of `ZX_INFO_HANDLE_BASIC`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_handle_basic_t {
    /// The object's koid.
    pub koid: zx_koid_t,
    /// The handle's rights.
    pub rights: zx_rights_t,
    /// The object's type.
    pub r#type: u32,
    /// The koid of its other side, or 0.
    pub related_koid: zx_koid_t,
    /// `ZX_OBJ_PROP_WAITABLE`, or 0.
    pub props: u32,
    /// 0. It makes the last bytes of the record a member.
    pub padding: u32,
}

/// The record of `ZX_INFO_HANDLE_COUNT`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_handle_count_t {
    /// How many handles refer to the object.
    pub handle_count: u32,
}

/// The bytes of a name, the closing NUL included (`ZX_MAX_NAME_LEN`).
pub const NAME_BYTES: usize = 32;

/// The number of counts in [`zx_info_process_handle_stats_t`].
pub const HANDLE_STATS_TYPES: usize = 64;

/// The record of `ZX_INFO_PROCESS_HANDLE_STATS`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_process_handle_stats_t {
    /// How many handles there are to objects of each type.
    pub handle_count: [u32; HANDLE_STATS_TYPES],
}

/// The record of `ZX_INFO_SOCKET`. In bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_socket_t {
    /// As the socket was made.
    pub options: u32,
    /// 0. It makes the bytes before the next member a member.
    pub padding: u32,
    /// How many may wait to be read at this end.
    pub rx_buf_max: usize,
    /// How many do.
    pub rx_buf_size: usize,
    /// How many of them one read can give.
    pub rx_buf_available: usize,
    /// How many may wait at the other end; 0 once that is closed.
    pub tx_buf_max: usize,
    /// How many do.
    pub tx_buf_size: usize,
}

/// The record of `ZX_INFO_VMO`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_vmo_t {
    /// The object's koid.
    pub koid: zx_koid_t,
    /// Its name, padded with NULs.
    pub name: [u8; NAME_BYTES],
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// The koid of the object that it is a clone of, or 0.
    pub parent_koid: zx_koid_t,
    /// How many clones of it live.
    pub num_children: usize,
    /// How many ranges of this process's address space it is mapped to.
    pub num_mappings: usize,
    /// 1 if it is mapped in this process, or else 0.
    pub share_count: usize,
    /// `ZX_INFO_VMO_*`.
    pub flags: u32,
    /// 0. It makes the bytes before the next member a member.
    pub padding: u32,
    /// How many of its bytes have memory.
    pub committed_bytes: u64,
    /// The rights of the handle.
    pub handle_rights: zx_rights_t,
    /// Bit 0: its size can be set.
    pub create_options: u32,
    /// `ZX_CACHE_POLICY_CACHED`: 0.
    pub cache_policy: u32,
    /// 0. It makes the last bytes of the record a member.
    pub last_padding: u32,
}

/// The record of `ZX_INFO_PROCESS_MAPS`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_maps_t {
    /// The name of the VM object that is mapped, padded with NULs.
    pub name: [u8; NAME_BYTES],
    /// The first address.
    pub base: usize,
    /// In bytes.
    pub size: usize,
    /// How far from the root.
    pub depth: usize,
    /// `ZX_INFO_MAPS_TYPE_*`.
    pub r#type: u32,
    /// 0. It makes the bytes before the next member a member.
    pub padding: u32,
    /// For a mapping: a union of one member in C.
    pub u: zx_info_maps_mapping_t,
}

/// In [`zx_info_maps_t`]: a mapping.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_info_maps_mapping_t {
    /// `ZX_VM_PERM_*`.
    pub mmu_flags: u32,
    /// 0. It makes the bytes before the next member a member.
    pub padding: u32,
    /// The koid of the VM object.
    pub vmo_koid: zx_koid_t,
    /// The byte of the object at the first address.
    pub vmo_offset: u64,
    /// How many pages of it have memory.
    pub committed_pages: usize,
}

/// Makes the structure of the limits, each of which has the same name and type in C.
macro_rules! config {
    ($( $limit:ident: $Number:ty, )+) => {
        /// The limits of an arena: [`jacinth::Config`] for C.
        #[derive(Clone, Copy, Debug, FromBytes)]
        #[repr(C)]
        #[allow(missing_docs)]
        pub struct jacinth_config_t {
            $( pub $limit: $Number, )+
            pub socket_path: UserIn<u8>,
        }
    };
}
jacinth::with_limits!(config);

/// The numbers of an audit: [`jacinth::Audit`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_audit_t {
    pub processes: u32,
    pub threads: u32,
    pub objects: u32,
    pub retired: u32,
    pub handles: u32,
    pub in_transit: u32,
    pub messages: u64,
    pub blocks: u32,
    pub findings: u32,
}

/// The numbers of a collection.
pub type jacinth_report_t = jacinth::CollectReport;

/// The length of [`jacinth_spawn_status_t`]'s text, with its NUL (`JACINTH_SPAWN_STATUS_TEXT_BYTES`).
pub const SPAWN_STATUS_TEXT_BYTES: usize = 504;

/// The status of a spawned program: [`jacinth::SpawnStatus`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_spawn_status_t {
    pub state: u32,
    pub status: zx_status_t,
    pub text: [u8; SPAWN_STATUS_TEXT_BYTES],
}

/// The length of [`jacinth_seat_t`]'s text, with its NUL (`JACINTH_SEAT_SLOT_BYTES`).
pub const SEAT_SLOT_BYTES: usize = 48;

/// A seat: [`jacinth::Seat`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_seat_t {
    pub slot: [u8; SEAT_SLOT_BYTES],
}

/// A message that is filled where it will lie: [`jacinth::Loan`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_loan_t {
    pub data: UserOut<u8>,
    pub num_bytes: usize,
    pub id: u64,
}

/// A message that is read where it lies: [`jacinth::InPlace`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_message_t {
    pub data: UserIn<u8>,
    pub num_bytes: usize,
    pub num_handles: u32,
    pub unused: u32,
    pub id: u64,
}

/// A buffer that is being filled: [`jacinth::BufferMut`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_buffer_mut_t {
    pub data: UserOut<u8>,
    pub num_bytes: usize,
    pub id: u64,
}

/// The bytes of a buffer: [`jacinth::BufferView`] for C.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
#[allow(missing_docs)]
pub struct jacinth_buffer_view_t {
    pub data: UserIn<u8>,
    pub num_bytes: usize,
    pub id: u64,
}
