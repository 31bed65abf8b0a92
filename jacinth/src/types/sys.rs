//! Zircon's raw types and numbers, by the names of C: `zx::sys` of Fuchsia's `zx`.
//!
//! A program that keeps handles, statuses or messages as plain numbers writes them by these names. The numbers are those of
//! late-2018 Zircon; the names are today's, and those of 2018 beside them where both exist. The calls themselves are in
//! [`raw`](crate::raw).
//!
//! - INV-SYS-1: each number is written once. The numbers of statuses, rights, signals, object types and koids come from the
//!   types of that name; the limits come from the mechanism.
//!
//! ```
//! # use jacinth::*;
//! # let supervisor = Supervisor::create(&Config::default())?;
//! let value: sys::zx_handle_t = Event::create().into_raw();
//! assert_ne!(value, sys::ZX_HANDLE_INVALID);
//! let closed: sys::zx_status_t = Status::from(raw::close(value)).into_raw();
//! assert_eq!(closed, sys::ZX_OK);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![allow(non_camel_case_types)]

use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;
use std::sync::atomic::AtomicI32;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A handle's value; [`ZX_HANDLE_INVALID`] for none.
pub type zx_handle_t = u32;
/// Whether a handle is moved or duplicated by a write.
pub type zx_handle_op_t = u32;
/// The status of a call: [`ZX_OK`] or an error.
pub type zx_status_t = i32;
/// A set of signals.
pub type zx_signals_t = u32;
/// A set of rights.
pub type zx_rights_t = u32;
/// The type of an object.
pub type zx_obj_type_t = u32;
/// The identity of an object.
pub type zx_koid_t = u64;
/// The transaction id of a call.
pub type zx_txid_t = u32;
/// The word of a futex.
pub type zx_futex_t = AtomicI32;
/// An instant or a deadline, in nanoseconds.
pub type zx_time_t = i64;
/// A length of time, in nanoseconds.
pub type zx_duration_t = i64;
/// An instant in ticks. (Late-2018 Zircon, and the C interface with it, count them without a sign.)
pub type zx_ticks_t = i64;
/// An instant of the monotonic clock, in nanoseconds.
pub type zx_instant_mono_t = i64;
/// An instant of the monotonic clock, in ticks.
pub type zx_instant_mono_ticks_t = i64;
/// An instant of the boot clock, in nanoseconds.
pub type zx_instant_boot_t = i64;
/// An instant of the boot clock, in ticks.
pub type zx_instant_boot_ticks_t = i64;
/// A length of time on the monotonic clock, in nanoseconds.
pub type zx_duration_mono_t = i64;
/// A length of time on the monotonic clock, in ticks.
pub type zx_duration_mono_ticks_t = i64;
/// A length of time on the boot clock, in nanoseconds.
pub type zx_duration_boot_t = i64;
/// A length of time on the boot clock, in ticks.
pub type zx_duration_boot_ticks_t = i64;

/// One item of a wait for several objects.
///
/// ```
/// # use jacinth::*;
/// let item = sys::zx_wait_item_t { waitfor: sys::ZX_EVENT_SIGNALED, ..Default::default() };
/// assert_eq!((item.handle, item.pending), (sys::ZX_HANDLE_INVALID, sys::ZX_SIGNAL_NONE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_wait_item_t {
    /// The handle to wait on.
    pub handle: zx_handle_t,
    /// Signals to wait for.
    pub waitfor: zx_signals_t,
    /// Signals seen.
    pub pending: zx_signals_t,
}

/// A handle that a message carries away. [`HandleDisposition::into_raw`](crate::HandleDisposition::into_raw) makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_handle_disposition_t {
    /// [`ZX_HANDLE_OP_MOVE`] or [`ZX_HANDLE_OP_DUPLICATE`].
    pub operation: zx_handle_op_t,
    /// Its value.
    pub handle: zx_handle_t,
    /// The type that its object must have; [`ZX_OBJ_TYPE_NONE`] for any.
    pub type_: zx_obj_type_t,
    /// The rights of the handle that arrives; [`ZX_RIGHT_SAME_RIGHTS`] for the same.
    pub rights: zx_rights_t,
    /// Why it could not go.
    pub result: zx_status_t,
}

/// A handle that came in a message. [`HandleInfo::from_raw`](crate::HandleInfo::from_raw) takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_handle_info_t {
    /// Its value.
    pub handle: zx_handle_t,
    /// The type of its object.
    pub ty: zx_obj_type_t,
    /// The rights that it carries.
    pub rights: zx_rights_t,
    /// 0.
    pub unused: u32,
}

/// The type of a packet.
pub type zx_packet_type_t = u32;
/// A packet of a program's own: 32 bytes.
pub type zx_packet_user_t = [u8; 32];

/// What a wait at a port saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct zx_packet_signal_t {
    /// The signals of the wait.
    pub trigger: zx_signals_t,
    /// The signals that the object asserted.
    pub observed: zx_signals_t,
    /// How many operations were pending.
    pub count: u64,
    /// 0.
    pub reserved0: u64,
    /// 0.
    pub reserved1: u64,
}

/// A packet of a port. [`Packet`](crate::Packet) is the same with types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes)]
#[repr(C)]
pub struct zx_port_packet_t {
    /// The key of its sender, or of the wait.
    pub key: u64,
    /// [`ZX_PKT_TYPE_USER`], [`ZX_PKT_TYPE_SIGNAL_ONE`] or [`ZX_PKT_TYPE_SIGNAL_REP`].
    pub packet_type: zx_packet_type_t,
    /// The status of its sender; [`ZX_OK`] from a wait.
    pub status: zx_status_t,
    /// A [`zx_packet_user_t`] or the bytes of a [`zx_packet_signal_t`], by the type.
    pub union: [u8; 32],
}

/// A program has queued the packet.
pub const ZX_PKT_TYPE_USER: zx_packet_type_t = 0;
/// The packet is of a wait that ended with it.
pub const ZX_PKT_TYPE_SIGNAL_ONE: zx_packet_type_t = 1;
/// The packet is of a wait that repeats.
pub const ZX_PKT_TYPE_SIGNAL_REP: zx_packet_type_t = 2;
/// One packet ends the wait.
pub const ZX_WAIT_ASYNC_ONCE: u32 = 0;
/// The wait goes on after a packet.
pub const ZX_WAIT_ASYNC_REPEATING: u32 = 1;
/// Interrupts may be bound to the port.
pub const ZX_PORT_BIND_TO_INTERRUPT: u32 = 1;
/// The value that is never a handle.
pub const ZX_HANDLE_INVALID: zx_handle_t = 0;
/// The handle itself goes.
pub const ZX_HANDLE_OP_MOVE: zx_handle_op_t = 0;
/// A duplicate goes, and the handle stays.
pub const ZX_HANDLE_OP_DUPLICATE: zx_handle_op_t = 1;
/// The bytes of a name, the closing NUL included.
pub const ZX_MAX_NAME_LEN: usize = shm::MAX_NAME_BYTES;
/// The most bytes of a message.
pub const ZX_CHANNEL_MAX_MSG_BYTES: u32 = shm::MAX_MESSAGE_BYTES as u32;
/// The most handles of a message.
pub const ZX_CHANNEL_MAX_MSG_HANDLES: u32 = shm::MAX_MESSAGE_HANDLES as u32;
/// The most slices of one message.
pub const ZX_CHANNEL_MAX_MSG_IOVEC: u32 = 8192;
/// The most items of one wait: 64, as in Zircon from 2019 on. (The C interface keeps to the 16 of late 2018.)
pub const ZX_WAIT_MANY_MAX_ITEMS: usize = 64;
/// A timer may expire before or after its deadline, by its slack. (Here every timer expires at its deadline.)
pub const ZX_TIMER_SLACK_CENTER: u32 = 0;
/// A timer may expire before its deadline, by its slack.
pub const ZX_TIMER_SLACK_EARLY: u32 = 1;
/// A timer may expire after its deadline, by its slack.
pub const ZX_TIMER_SLACK_LATE: u32 = 2;
/// The most bytes that [`cprng_add_entropy`](crate::cprng_add_entropy) takes.
pub const ZX_CPRNG_ADD_ENTROPY_MAX_LEN: usize = 256;

/// Writes the numbers of a type's constants out by the names of C.
macro_rules! numbers {
    ($( $Type:ident . $number:ident () -> $raw_t:ident { $( $ZX_NAME:ident = $CONSTANT:ident; )+ } )+) => {
        $($(
            #[doc = concat!("[`", stringify!($Type), "::", stringify!($CONSTANT), "`].")]
            pub const $ZX_NAME: $raw_t = $Type::$CONSTANT.$number();
        )+)+
    };
}

numbers! {
    Status.into_raw() -> zx_status_t {
        ZX_OK = OK;
        ZX_ERR_INTERNAL = INTERNAL;
        ZX_ERR_NOT_SUPPORTED = NOT_SUPPORTED;
        ZX_ERR_NO_RESOURCES = NO_RESOURCES;
        ZX_ERR_NO_MEMORY = NO_MEMORY;
        ZX_ERR_INTERNAL_INTR_RETRY = INTERNAL_INTR_RETRY;
        ZX_ERR_INVALID_ARGS = INVALID_ARGS;
        ZX_ERR_BAD_HANDLE = BAD_HANDLE;
        ZX_ERR_WRONG_TYPE = WRONG_TYPE;
        ZX_ERR_BAD_SYSCALL = BAD_SYSCALL;
        ZX_ERR_OUT_OF_RANGE = OUT_OF_RANGE;
        ZX_ERR_BUFFER_TOO_SMALL = BUFFER_TOO_SMALL;
        ZX_ERR_BAD_STATE = BAD_STATE;
        ZX_ERR_TIMED_OUT = TIMED_OUT;
        ZX_ERR_SHOULD_WAIT = SHOULD_WAIT;
        ZX_ERR_CANCELED = CANCELED;
        ZX_ERR_PEER_CLOSED = PEER_CLOSED;
        ZX_ERR_NOT_FOUND = NOT_FOUND;
        ZX_ERR_ALREADY_EXISTS = ALREADY_EXISTS;
        ZX_ERR_ALREADY_BOUND = ALREADY_BOUND;
        ZX_ERR_UNAVAILABLE = UNAVAILABLE;
        ZX_ERR_ACCESS_DENIED = ACCESS_DENIED;
        ZX_ERR_IO = IO;
        ZX_ERR_IO_REFUSED = IO_REFUSED;
        ZX_ERR_IO_DATA_INTEGRITY = IO_DATA_INTEGRITY;
        ZX_ERR_IO_DATA_LOSS = IO_DATA_LOSS;
        ZX_ERR_IO_NOT_PRESENT = IO_NOT_PRESENT;
        ZX_ERR_IO_OVERRUN = IO_OVERRUN;
        ZX_ERR_IO_MISSED_DEADLINE = IO_MISSED_DEADLINE;
        ZX_ERR_IO_INVALID = IO_INVALID;
        ZX_ERR_BAD_PATH = BAD_PATH;
        ZX_ERR_NOT_DIR = NOT_DIR;
        ZX_ERR_NOT_FILE = NOT_FILE;
        ZX_ERR_FILE_BIG = FILE_BIG;
        ZX_ERR_NO_SPACE = NO_SPACE;
        ZX_ERR_NOT_EMPTY = NOT_EMPTY;
        ZX_ERR_STOP = STOP;
        ZX_ERR_NEXT = NEXT;
        ZX_ERR_ASYNC = ASYNC;
        ZX_ERR_PROTOCOL_NOT_SUPPORTED = PROTOCOL_NOT_SUPPORTED;
        ZX_ERR_ADDRESS_UNREACHABLE = ADDRESS_UNREACHABLE;
        ZX_ERR_ADDRESS_IN_USE = ADDRESS_IN_USE;
        ZX_ERR_NOT_CONNECTED = NOT_CONNECTED;
        ZX_ERR_CONNECTION_REFUSED = CONNECTION_REFUSED;
        ZX_ERR_CONNECTION_RESET = CONNECTION_RESET;
        ZX_ERR_CONNECTION_ABORTED = CONNECTION_ABORTED;
        ZX_ERR_INTERRUPTED_RETRY = INTERRUPTED_RETRY;
    }
    Rights.bits() -> zx_rights_t {
        ZX_RIGHT_NONE = NONE;
        ZX_RIGHT_DUPLICATE = DUPLICATE;
        ZX_RIGHT_TRANSFER = TRANSFER;
        ZX_RIGHT_READ = READ;
        ZX_RIGHT_WRITE = WRITE;
        ZX_RIGHT_EXECUTE = EXECUTE;
        ZX_RIGHT_MAP = MAP;
        ZX_RIGHT_GET_PROPERTY = GET_PROPERTY;
        ZX_RIGHT_SET_PROPERTY = SET_PROPERTY;
        ZX_RIGHT_ENUMERATE = ENUMERATE;
        ZX_RIGHT_DESTROY = DESTROY;
        ZX_RIGHT_SET_POLICY = SET_POLICY;
        ZX_RIGHT_GET_POLICY = GET_POLICY;
        ZX_RIGHT_SIGNAL = SIGNAL;
        ZX_RIGHT_SIGNAL_PEER = SIGNAL_PEER;
        ZX_RIGHT_WAIT = WAIT;
        ZX_RIGHT_INSPECT = INSPECT;
        ZX_RIGHT_MANAGE_JOB = MANAGE_JOB;
        ZX_RIGHT_MANAGE_PROCESS = MANAGE_PROCESS;
        ZX_RIGHT_MANAGE_THREAD = MANAGE_THREAD;
        ZX_RIGHT_APPLY_PROFILE = APPLY_PROFILE;
        ZX_RIGHT_SAME_RIGHTS = SAME_RIGHTS;
    }
    ObjectType.into_raw() -> zx_obj_type_t {
        ZX_OBJ_TYPE_NONE = NONE;
        ZX_OBJ_TYPE_PROCESS = PROCESS;
        ZX_OBJ_TYPE_THREAD = THREAD;
        ZX_OBJ_TYPE_VMO = VMO;
        ZX_OBJ_TYPE_CHANNEL = CHANNEL;
        ZX_OBJ_TYPE_EVENT = EVENT;
        ZX_OBJ_TYPE_PORT = PORT;
        ZX_OBJ_TYPE_INTERRUPT = INTERRUPT;
        ZX_OBJ_TYPE_PCI_DEVICE = PCI_DEVICE;
        ZX_OBJ_TYPE_LOG = LOG;
        ZX_OBJ_TYPE_SOCKET = SOCKET;
        ZX_OBJ_TYPE_RESOURCE = RESOURCE;
        ZX_OBJ_TYPE_EVENTPAIR = EVENTPAIR;
        ZX_OBJ_TYPE_JOB = JOB;
        ZX_OBJ_TYPE_VMAR = VMAR;
        ZX_OBJ_TYPE_FIFO = FIFO;
        ZX_OBJ_TYPE_GUEST = GUEST;
        ZX_OBJ_TYPE_VCPU = VCPU;
        ZX_OBJ_TYPE_TIMER = TIMER;
        ZX_OBJ_TYPE_IOMMU = IOMMU;
        ZX_OBJ_TYPE_BTI = BTI;
        ZX_OBJ_TYPE_PROFILE = PROFILE;
        ZX_OBJ_TYPE_PMT = PMT;
        ZX_OBJ_TYPE_SUSPEND_TOKEN = SUSPEND_TOKEN;
        ZX_OBJ_TYPE_PAGER = PAGER;
        ZX_OBJ_TYPE_DEBUGLOG = DEBUGLOG;
    }
    Koid.raw_koid() -> zx_koid_t {
        ZX_KOID_INVALID = INVALID;
        ZX_KOID_KERNEL = KERNEL;
        ZX_KOID_FIRST = FIRST;
    }
    MonotonicInstant.into_nanos() -> zx_time_t {
        ZX_TIME_INFINITE = INFINITE;
        ZX_TIME_INFINITE_PAST = INFINITE_PAST;
    }
    Signals.bits() -> zx_signals_t {
        ZX_SIGNAL_NONE = NONE;
        ZX_OBJECT_SIGNAL_ALL = OBJECT_ALL;
        ZX_USER_SIGNAL_ALL = USER_ALL;
        ZX_OBJECT_SIGNAL_0 = OBJECT_0;
        ZX_OBJECT_SIGNAL_1 = OBJECT_1;
        ZX_OBJECT_SIGNAL_2 = OBJECT_2;
        ZX_OBJECT_SIGNAL_3 = OBJECT_3;
        ZX_OBJECT_SIGNAL_4 = OBJECT_4;
        ZX_OBJECT_SIGNAL_5 = OBJECT_5;
        ZX_OBJECT_SIGNAL_6 = OBJECT_6;
        ZX_OBJECT_SIGNAL_7 = OBJECT_7;
        ZX_OBJECT_SIGNAL_8 = OBJECT_8;
        ZX_OBJECT_SIGNAL_9 = OBJECT_9;
        ZX_OBJECT_SIGNAL_10 = OBJECT_10;
        ZX_OBJECT_SIGNAL_11 = OBJECT_11;
        ZX_OBJECT_SIGNAL_12 = OBJECT_12;
        ZX_OBJECT_SIGNAL_13 = OBJECT_13;
        ZX_OBJECT_SIGNAL_14 = OBJECT_14;
        ZX_OBJECT_SIGNAL_15 = OBJECT_15;
        ZX_OBJECT_SIGNAL_16 = OBJECT_16;
        ZX_OBJECT_SIGNAL_17 = OBJECT_17;
        ZX_OBJECT_SIGNAL_18 = OBJECT_18;
        ZX_OBJECT_SIGNAL_19 = OBJECT_19;
        ZX_OBJECT_SIGNAL_20 = OBJECT_20;
        ZX_OBJECT_SIGNAL_21 = OBJECT_21;
        ZX_OBJECT_SIGNAL_22 = OBJECT_22;
        ZX_OBJECT_HANDLE_CLOSED = HANDLE_CLOSED;
        ZX_USER_SIGNAL_0 = USER_0;
        ZX_USER_SIGNAL_1 = USER_1;
        ZX_USER_SIGNAL_2 = USER_2;
        ZX_USER_SIGNAL_3 = USER_3;
        ZX_USER_SIGNAL_4 = USER_4;
        ZX_USER_SIGNAL_5 = USER_5;
        ZX_USER_SIGNAL_6 = USER_6;
        ZX_USER_SIGNAL_7 = USER_7;
        ZX_OBJECT_READABLE = OBJECT_READABLE;
        ZX_OBJECT_WRITABLE = OBJECT_WRITABLE;
        ZX_OBJECT_PEER_CLOSED = OBJECT_PEER_CLOSED;
        ZX_SIGNAL_HANDLE_CLOSED = HANDLE_CLOSED;
        ZX_EVENT_SIGNALED = EVENT_SIGNALED;
        ZX_EVENTPAIR_SIGNALED = EVENTPAIR_SIGNALED;
        ZX_EVENTPAIR_PEER_CLOSED = EVENTPAIR_PEER_CLOSED;
        ZX_CHANNEL_READABLE = CHANNEL_READABLE;
        ZX_CHANNEL_WRITABLE = CHANNEL_WRITABLE;
        ZX_CHANNEL_PEER_CLOSED = CHANNEL_PEER_CLOSED;
        ZX_TASK_TERMINATED = TASK_TERMINATED;
        ZX_PROCESS_TERMINATED = PROCESS_TERMINATED;
        ZX_THREAD_TERMINATED = THREAD_TERMINATED;
        ZX_THREAD_RUNNING = THREAD_RUNNING;
        ZX_THREAD_SUSPENDED = THREAD_SUSPENDED;
        ZX_JOB_NO_PROCESSES = JOB_NO_PROCESSES;
        ZX_JOB_NO_JOBS = JOB_NO_JOBS;
        ZX_TIMER_SIGNALED = TIMER_SIGNALED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn raw_structures_have_zircons_layout() {
        assert_eq!(size_of::<zx_wait_item_t>(), 12);
        assert_eq!(size_of::<zx_handle_info_t>(), 16);
        assert_eq!(size_of::<zx_handle_disposition_t>(), 20);
        assert_eq!(offset_of!(zx_handle_disposition_t, handle), 4);
        assert_eq!(offset_of!(zx_handle_disposition_t, result), 16);
        assert_eq!(size_of::<zx_packet_signal_t>(), size_of::<zx_packet_user_t>());
        assert_eq!((size_of::<zx_port_packet_t>(), offset_of!(zx_port_packet_t, union)), (48, 16));
    }

    #[test]
    fn raw_numbers_have_zircons_values() {
        assert_eq!((ZX_OK, ZX_ERR_INTERRUPTED_RETRY, ZX_ERR_CONNECTION_ABORTED), (0, -6, -76));
        assert_eq!((ZX_RIGHT_INSPECT, ZX_RIGHT_SAME_RIGHTS), (1 << 15, 1 << 31));
        assert_eq!((ZX_OBJ_TYPE_DEBUGLOG, ZX_OBJ_TYPE_PAGER), (12, 28));
        assert_eq!((ZX_OBJECT_SIGNAL_3, ZX_USER_SIGNAL_7), (1 << 3, 1 << 31));
        assert_eq!((ZX_CHANNEL_MAX_MSG_BYTES, ZX_CHANNEL_MAX_MSG_HANDLES), (65_536, 64));
    }
}
