//! `zx_object_get_info`.

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::entry::enter;
use crate::types::{
    HANDLE_STATS_TYPES, NAME_BYTES, zx_handle_t, zx_info_handle_basic_t, zx_info_handle_count_t,
    zx_info_maps_mapping_t, zx_info_maps_t, zx_info_process_handle_stats_t, zx_info_socket_t, zx_info_vmo_t,
};
use crate::user_memory::UserOut;
use jacinth::{
    MapDetails, MapInfo, Name, ObjectType, Process, Rights, SocketInfo, Status, Unowned, VmoInfo,
    VmoInfoFlags, raw,
};
use zerocopy::IntoBytes;

/// The topics that jacinth has (`ZX_INFO_*`).
mod topic {
    pub(super) const HANDLE_VALID: u32 = 1;
    pub(super) const HANDLE_BASIC: u32 = 2;
    pub(super) const PROCESS_MAPS: u32 = 13;
    pub(super) const PROCESS_VMOS: u32 = 14;
    pub(super) const HANDLE_COUNT: u32 = 19;
    pub(super) const PROCESS_HANDLE_STATS: u32 = 21;
    pub(super) const SOCKET: u32 = 22;
    pub(super) const VMO: u32 = 23;
}

/// `ZX_OBJ_PROP_WAITABLE`.
const WAITABLE: u32 = 1;

calls! {
    /// Stores information about a handle or its object.
    fn zx_object_get_info, _zx_object_get_info(
        handle: zx_handle_t,
        topic: u32,
        buffer: UserOut<u8>,
        buffer_size: usize,
        actual_count: UserOut<usize>,
        avail_count: UserOut<usize>,
    ) {
        enter()?;
        let output = Output { buffer, buffer_size, actual_count, avail_count };
        match topic {
            topic::HANDLE_VALID => raw::check_valid(handle),
            topic::HANDLE_BASIC => output.store_one(basic(&raw::basic(handle)?)),
            topic::HANDLE_COUNT => output.store_one(zx_info_handle_count_t { handle_count: raw::handle_count(handle)? }),
            topic::PROCESS_HANDLE_STATS => output.store_one(handle_stats(handle)?),
            topic::SOCKET => output.store_one(socket(raw::socket_info(handle)?)),
            topic::PROCESS_MAPS => output.store_all(&maps(handle)?),
            topic::PROCESS_VMOS => output.store_all(&vmos(handle)?),
            topic::VMO => output.store_one(vmo(&raw::vmo_info(handle)?.into())),
            other => unsupported_topic(other, handle),
        }
    }
}

fn basic(known: &raw::Basic) -> zx_info_handle_basic_t {
    // Zircon's ports and address spaces have no signals to wait for.
    let is_waitable =
        !matches!(ObjectType::from_raw(known.class.number().into()), ObjectType::PORT | ObjectType::VMAR);
    zx_info_handle_basic_t {
        koid: known.koid,
        rights: known.rights.bits(),
        r#type: known.class.number().into(),
        related_koid: known.related_koid,
        props: if is_waitable { WAITABLE } else { 0 },
        padding: 0,
    }
}

/// The record has places for Zircon's types, and none for those that Zircon does not have.
fn handle_stats(handle: zx_handle_t) -> Result<zx_info_process_handle_stats_t, Status> {
    let counts = raw::process_handle_counts(handle)?;
    let handle_count = *counts.first_chunk::<HANDLE_STATS_TYPES>().expect("there are more classes than that");
    Ok(zx_info_process_handle_stats_t { handle_count })
}

fn socket(known: SocketInfo) -> zx_info_socket_t {
    zx_info_socket_t {
        options: known.options.bits(),
        padding: 0,
        rx_buf_max: known.rx_buf_max,
        rx_buf_size: known.rx_buf_size,
        rx_buf_available: known.rx_buf_available,
        tx_buf_max: known.tx_buf_max,
        tx_buf_size: known.tx_buf_size,
    }
}

/// `create_options` of a VM object whose size can be set.
const RESIZABLE: u32 = 1;

fn vmo(known: &VmoInfo) -> zx_info_vmo_t {
    // Late 2018 has no flag for a size that can be set.
    let is_resizable = known.flags.contains(VmoInfoFlags::RESIZABLE);
    zx_info_vmo_t {
        koid: known.koid.raw_koid(),
        name: padded(&known.name),
        size_bytes: known.size_bytes,
        parent_koid: known.parent_koid.raw_koid(),
        num_children: known.num_children,
        num_mappings: known.num_mappings,
        share_count: known.share_count,
        flags: (known.flags - VmoInfoFlags::RESIZABLE).bits(),
        padding: 0,
        committed_bytes: known.committed_bytes,
        handle_rights: known.handle_rights.bits(),
        create_options: if is_resizable { RESIZABLE } else { 0 },
        cache_policy: 0,
        last_padding: 0,
    }
}

fn padded(name: &Name) -> [u8; NAME_BYTES] {
    let mut bytes = [0; NAME_BYTES];
    bytes.iter_mut().zip(name.as_bytes()).for_each(|(to, from)| *to = *from);
    bytes
}

/// The nodes' types: `ZX_INFO_MAPS_TYPE_*`.
mod maps_type {
    pub(super) const NONE: u32 = 0;
    pub(super) const ASPACE: u32 = 1;
    pub(super) const VMAR: u32 = 2;
    pub(super) const MAPPING: u32 = 3;
}

fn maps(handle: zx_handle_t) -> Result<Vec<zx_info_maps_t>, Status> {
    // Not yet known to be a process: the call by value checks it.
    let process = Unowned::<Process>::from_raw_handle(handle);
    Ok(process.info_maps_vec()?.iter().map(map_node).collect())
}

fn map_node(known: &MapInfo) -> zx_info_maps_t {
    let (r#type, u) = match known.details() {
        MapDetails::AddressSpace => (maps_type::ASPACE, zx_info_maps_mapping_t::default()),
        MapDetails::Vmar => (maps_type::VMAR, zx_info_maps_mapping_t::default()),
        MapDetails::Mapping(of) => (
            maps_type::MAPPING,
            zx_info_maps_mapping_t {
                mmu_flags: of.mmu_flags.bits(),
                padding: 0,
                vmo_koid: of.vmo_koid.raw_koid(),
                vmo_offset: of.vmo_offset,
                committed_pages: of.committed_bytes / PAGE_BYTES,
            },
        ),
        _ => (maps_type::NONE, zx_info_maps_mapping_t::default()),
    };
    zx_info_maps_t {
        name: padded(&known.name),
        base: known.base,
        size: known.size,
        depth: known.depth,
        r#type,
        padding: 0,
        u,
    }
}

/// `ZX_PAGE_SIZE`.
const PAGE_BYTES: usize = 4096;

fn vmos(handle: zx_handle_t) -> Result<Vec<zx_info_vmo_t>, Status> {
    Ok(raw::process_vmos(handle)?.into_iter().map(|known| vmo(&known.into())).collect())
}

/// Zircon's other topics: the type that each is about, and the right that it needs. One that jacinth has is no longer
/// here, but above.
const MISSING: &[(u32, ObjectType, Rights)] = &[
    (3, ObjectType::PROCESS, Rights::INSPECT),   // PROCESS
    (4, ObjectType::PROCESS, Rights::ENUMERATE), // PROCESS_THREADS
    (7, ObjectType::VMAR, Rights::INSPECT),      // VMAR
    (8, ObjectType::JOB, Rights::ENUMERATE),     // JOB_CHILDREN
    (9, ObjectType::JOB, Rights::ENUMERATE),     // JOB_PROCESSES
    (10, ObjectType::THREAD, Rights::INSPECT),   // THREAD
    (11, ObjectType::THREAD, Rights::INSPECT),   // THREAD_EXCEPTION_REPORT
    (12, ObjectType::PROCESS, Rights::INSPECT),  // TASK_STATS
    (15, ObjectType::THREAD, Rights::INSPECT),   // THREAD_STATS
    (16, ObjectType::RESOURCE, Rights::INSPECT), // CPU_STATS
    (17, ObjectType::RESOURCE, Rights::INSPECT), // KMEM_STATS
    (18, ObjectType::RESOURCE, Rights::INSPECT), // RESOURCE
    (20, ObjectType::BTI, Rights::INSPECT),      // BTI
];

/// The error of any other topic. Zircon checks the handle before it reads the topic's records, and so does this.
fn unsupported_topic(topic: u32, handle: zx_handle_t) -> Result<(), Status> {
    let missing = MISSING.iter().find(|(number, ..)| *number == topic);
    let (_, object_type, right) = missing.ok_or(Status::NOT_SUPPORTED)?;
    check_handle(handle, *object_type, *right).and(Err(Status::NOT_SUPPORTED))
}

/// The outputs of the call: the records, and two counts of them.
struct Output {
    buffer: UserOut<u8>,
    buffer_size: usize,
    actual_count: UserOut<usize>,
    avail_count: UserOut<usize>,
}

impl Output {
    /// Stores the one record of a topic.
    fn store_one<T: IntoBytes>(self, record: T) -> Result<(), Status> {
        let fits = self.buffer_size >= size_of::<T>();
        if fits {
            self.buffer.cast().store(record)?;
        }
        self.actual_count.store_optional(usize::from(fits))?;
        self.avail_count.store_optional(1)?;
        if fits { Ok(()) } else { Err(Status::BUFFER_TOO_SMALL) }
    }

    /// Stores as many records as fit, of a topic that has any number of them.
    fn store_all<T: IntoBytes + Copy>(self, records: &[T]) -> Result<(), Status> {
        let actual = records.len().min(self.buffer_size / size_of::<T>());
        let first = self.buffer.cast();
        // All of them before the first is stored.
        if actual > 0 && !first.is_writable(actual) {
            return Err(Status::INVALID_ARGS);
        }
        for (index, record) in records[..actual].iter().enumerate() {
            first.element(index).store(*record)?;
        }
        self.actual_count.store_optional(actual)?;
        self.avail_count.store_optional(records.len())
    }
}
