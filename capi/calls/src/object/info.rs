//! `zx_object_get_info`.

use crate::arena::enter;
use crate::object::handle::require;
use crate::types::{zx_handle_t, zx_info_handle_basic_t, zx_info_handle_count_t};
use crate::user_memory::{Plain, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

/// The topics that exist here (`ZX_INFO_*`).
mod topic {
    pub(super) const HANDLE_VALID: u32 = 1;
    pub(super) const HANDLE_BASIC: u32 = 2;
    pub(super) const HANDLE_COUNT: u32 = 19;
}

/// `ZX_OBJ_PROP_WAITABLE`.
const WAITABLE: u32 = 1;

calls! {
    /// What is known of a handle, or of its object.
    fn zx_object_get_info, _zx_object_get_info(
        handle: zx_handle_t,
        topic: u32,
        buffer: UserOut<u8>,
        buffer_size: usize,
        actual_count: UserOut<usize>,
        avail_count: UserOut<usize>,
    ) {
        enter()?;
        let room = Room { buffer, buffer_size, actual_count, avail_count };
        match topic {
            topic::HANDLE_VALID => raw::check_valid(handle),
            topic::HANDLE_BASIC => room.put(basic(&raw::basic(handle)?)),
            topic::HANDLE_COUNT => room.put(zx_info_handle_count_t { handle_count: raw::handle_count(handle)? }),
            other => not_here(other, handle),
        }
    }
}

fn basic(known: &raw::Basic) -> zx_info_handle_basic_t {
    // What is waited *with*, and what only names memory, cannot be waited on.
    let is_waitable = !matches!(ObjectType::from_raw(known.kind.into()), ObjectType::PORT | ObjectType::VMAR);
    zx_info_handle_basic_t {
        koid: known.koid,
        rights: known.rights,
        r#type: known.kind.into(),
        related_koid: known.related_koid,
        props: if is_waitable { WAITABLE } else { 0 },
        padding: 0,
    }
}

/// A topic that Zircon has and jacinth has not, or that nobody has.
fn not_here(topic: u32, handle: zx_handle_t) -> Result<(), Status> {
    let (wanted, right) = match topic {
        3 | 12 | 13 | 14 | 21 => (ObjectType::PROCESS, Rights::INSPECT),
        4 => (ObjectType::PROCESS, Rights::ENUMERATE),
        7 => (ObjectType::VMAR, Rights::INSPECT),
        8 | 9 => (ObjectType::JOB, Rights::ENUMERATE),
        10 | 11 | 15 => (ObjectType::THREAD, Rights::INSPECT),
        16..=18 => (ObjectType::RESOURCE, Rights::INSPECT),
        20 => (ObjectType::BTI, Rights::INSPECT),
        22 => (ObjectType::SOCKET, Rights::INSPECT),
        23 => (ObjectType::VMO, Rights::NONE),
        _ => return Err(Status::NOT_SUPPORTED),
    };
    require(handle, wanted, right).and(Err(Status::NOT_SUPPORTED))
}

/// Where a call leaves its records, and how many of them there are.
struct Room {
    buffer: UserOut<u8>,
    buffer_size: usize,
    actual_count: UserOut<usize>,
    avail_count: UserOut<usize>,
}

impl Room {
    /// Puts a topic's one record there.
    fn put<T: Plain>(self, record: T) -> Result<(), Status> {
        let fits = self.buffer_size >= size_of::<T>();
        if fits {
            UserOut::<T>(self.buffer.0.cast()).store(record)?;
        }
        self.actual_count.store_optional(usize::from(fits))?;
        self.avail_count.store_optional(1)?;
        if fits { Ok(()) } else { Err(Status::BUFFER_TOO_SMALL) }
    }
}
