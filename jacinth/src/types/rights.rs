//! The rights of a handle: the operations that it permits on its object.
//!
//! Rights belong to the handle, not to the object: one process may hold two handles to one object with
//! different rights. They are fixed when the handle is made. A duplicate or a replacement may have fewer,
//! never more.
//!
//! - INV-RIGHTS-1: the bits are Zircon's (`zx_rights_t`).
//! - INV-RIGHTS-2: every right a handle can hold lies in the low 20 bits, which is the room that a handle
//!   entry's word has for them. [`Rights::SAME_RIGHTS`] lies outside: it is a request, and no handle ever
//!   holds it.
//!
//! Follows `docs/rights.md`; the default sets follow `zircon/rights.h` and the pages
//! `docs/syscalls/*_create.md`.

use bitflags::bitflags;
use jacinth_shm as shm;

bitflags! {
    /// A set of rights, Zircon's `zx_rights_t`.
    ///
    /// `Rights::from_bits` refuses bits that Zircon does not define.
    ///
    /// ```
    /// use jacinth::Rights;
    ///
    /// let full = Rights::EVENT_DEFAULT;
    /// let watch_only = full & (Rights::WAIT | Rights::DUPLICATE);
    /// assert!(full.contains(watch_only));
    /// assert!(!watch_only.contains(Rights::SIGNAL));
    /// assert_eq!(format!("{watch_only:?}"), "Rights(DUPLICATE | WAIT)");
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
    #[repr(transparent)]
    pub struct Rights: u32 {
        /// The handle may be duplicated (`zx_handle_duplicate`).
        const DUPLICATE = 1 << 0;
        /// The handle may be sent to another process (`zx_channel_write`, `zx_socket_share`).
        const TRANSFER = 1 << 1;
        /// The contents of the object may be read; with [`MAP`](Self::MAP), mapped readable.
        const READ = 1 << 2;
        /// The contents of the object may be written; with [`MAP`](Self::MAP), mapped writable.
        const WRITE = 1 << 3;
        /// With [`MAP`](Self::MAP), the memory may be mapped executable.
        const EXECUTE = 1 << 4;
        /// The memory may be mapped into an address space.
        const MAP = 1 << 5;
        /// Properties may be read (`zx_object_get_property`).
        const GET_PROPERTY = 1 << 6;
        /// Properties may be changed (`zx_object_set_property`).
        const SET_PROPERTY = 1 << 7;
        /// Child objects may be listed and opened (`zx_object_get_info`, `zx_object_get_child`).
        const ENUMERATE = 1 << 8;
        /// The task may be killed (`zx_task_kill`).
        const DESTROY = 1 << 9;
        /// The job's policy may be changed (`zx_job_set_policy`).
        const SET_POLICY = 1 << 10;
        /// The job's policy may be looked at.
        const GET_POLICY = 1 << 11;
        /// The object's own signals may be raised and cleared (`zx_object_signal`).
        const SIGNAL = 1 << 12;
        /// The peer's signals may be raised and cleared (`zx_object_signal_peer`).
        const SIGNAL_PEER = 1 << 13;
        /// The object's signals may be waited for (`zx_object_wait_one`, `_many`, `_async`).
        const WAIT = 1 << 14;
        /// The object may be inspected (`zx_object_get_info`).
        const INSPECT = 1 << 15;
        /// Processes and child jobs may be made in the job.
        const MANAGE_JOB = 1 << 16;
        /// Threads may be made and started in the process.
        const MANAGE_PROCESS = 1 << 17;
        /// The thread may be suspended and resumed.
        const MANAGE_THREAD = 1 << 18;
        /// The scheduling profile may be applied to a thread.
        const APPLY_PROFILE = 1 << 19;
        /// Asks `zx_handle_duplicate` or `zx_handle_replace` for exactly the rights that the handle has.
        /// Stands alone, and is never held.
        const SAME_RIGHTS = 1 << 31;
    }
}

/// Groups that often go together.
impl Rights {
    /// No right at all.
    pub const NONE: Self = Self::empty();

    /// The rights of nearly every handle: to be transferred, duplicated, waited on and inspected.
    pub const BASIC: Self = Self::TRANSFER.union(Self::DUPLICATE).union(Self::WAIT).union(Self::INSPECT);

    /// Reading and writing.
    pub const IO: Self = Self::READ.union(Self::WRITE);

    /// Reading and changing properties.
    pub const PROPERTY: Self = Self::GET_PROPERTY.union(Self::SET_PROPERTY);

    /// Looking at and changing policy.
    pub const POLICY: Self = Self::GET_POLICY.union(Self::SET_POLICY);

    /// The rights of every resource's handle.
    pub const RESOURCE_BASIC: Self =
        Self::TRANSFER.union(Self::DUPLICATE).union(Self::WRITE).union(Self::INSPECT);
}

/// The rights of the first handle to a new object, by the object's type.
impl Rights {
    /// An event: [`BASIC`](Self::BASIC) and signalling. Follows `docs/syscalls/event_create.md`.
    pub const EVENT_DEFAULT: Self = Self::BASIC.union(Self::SIGNAL);

    /// Each end of an eventpair: an event's, and signalling the other end. Follows
    /// `docs/syscalls/eventpair_create.md`.
    pub const EVENTPAIR_DEFAULT: Self = Self::EVENT_DEFAULT.union(Self::SIGNAL_PEER);

    /// Each end of a channel: it cannot be duplicated, so that each end has one owner and messages have one
    /// order. Follows `docs/syscalls/channel_create.md`.
    pub const CHANNEL_DEFAULT: Self =
        Self::BASIC.difference(Self::DUPLICATE).union(Self::IO).union(Self::SIGNAL).union(Self::SIGNAL_PEER);

    /// Each end of a socket. Follows `docs/syscalls/socket_create.md`.
    pub const SOCKET_DEFAULT: Self =
        Self::BASIC.union(Self::IO).union(Self::PROPERTY).union(Self::SIGNAL).union(Self::SIGNAL_PEER);

    /// Each end of a fifo. Follows `docs/syscalls/fifo_create.md`.
    pub const FIFO_DEFAULT: Self = Self::BASIC.union(Self::IO).union(Self::SIGNAL).union(Self::SIGNAL_PEER);

    /// A port. A program waits *with* it, so it cannot be waited on. Follows
    /// `docs/syscalls/port_create.md`.
    pub const PORT_DEFAULT: Self = Self::BASIC.difference(Self::WAIT).union(Self::IO);

    /// A timer: writing is setting and cancelling it. Follows `docs/syscalls/timer_create.md`.
    pub const TIMER_DEFAULT: Self = Self::BASIC.union(Self::WRITE).union(Self::SIGNAL);

    /// A directory, which is jacinth's own: reading is connecting, writing is serving.
    pub const DIRECTORY_DEFAULT: Self =
        Self::BASIC.difference(Self::WAIT).union(Self::IO).union(Self::ENUMERATE);

    /// A listener, which is jacinth's own: reading is accepting.
    pub const LISTENER_DEFAULT: Self = Self::BASIC.union(Self::READ).union(Self::SIGNAL);

    /// A buffer, which is jacinth's own. It cannot be written: that was done when it was made.
    pub const BUFFER_DEFAULT: Self = Self::BASIC.union(Self::READ).union(Self::SIGNAL);

    /// A VMO. Late-2018 Zircon still gives [`EXECUTE`](Self::EXECUTE) here. Follows
    /// `docs/syscalls/vmo_create.md`.
    pub const VMO_DEFAULT: Self = Self::BASIC
        .union(Self::IO)
        .union(Self::PROPERTY)
        .union(Self::EXECUTE)
        .union(Self::MAP)
        .union(Self::SIGNAL);

    /// An address space region. The rights to map memory into it are added by its creator. Follows
    /// `docs/syscalls/vmar_allocate.md`.
    pub const VMAR_DEFAULT: Self = Self::BASIC.difference(Self::WAIT);

    /// A process. Follows `docs/syscalls/process_create.md`.
    pub const PROCESS_DEFAULT: Self = Self::BASIC
        .union(Self::IO)
        .union(Self::PROPERTY)
        .union(Self::ENUMERATE)
        .union(Self::DESTROY)
        .union(Self::SIGNAL)
        .union(Self::MANAGE_PROCESS)
        .union(Self::MANAGE_THREAD);

    /// A thread. Follows `docs/syscalls/thread_create.md`.
    pub const THREAD_DEFAULT: Self = Self::BASIC
        .union(Self::IO)
        .union(Self::PROPERTY)
        .union(Self::DESTROY)
        .union(Self::SIGNAL)
        .union(Self::MANAGE_THREAD);

    /// A job. Follows `docs/syscalls/job_create.md`.
    pub const JOB_DEFAULT: Self = Self::BASIC
        .union(Self::IO)
        .union(Self::PROPERTY)
        .union(Self::POLICY)
        .union(Self::ENUMERATE)
        .union(Self::DESTROY)
        .union(Self::SIGNAL)
        .union(Self::MANAGE_JOB)
        .union(Self::MANAGE_PROCESS);
}

// INV-RIGHTS-2.
impl From<Rights> for shm::Rights {
    #[inline(always)]
    fn from(rights: Rights) -> Self {
        Self::from_bits_retain(rights.bits())
    }
}

impl From<shm::Rights> for Rights {
    #[inline(always)]
    fn from(rights: shm::Rights) -> Self {
        Self::from_bits_retain(rights.bits())
    }
}

const _: () = assert!(Rights::all().difference(Rights::SAME_RIGHTS).bits() == (1 << 20) - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_has_zircons_bit() {
        let by_bit = [
            Rights::DUPLICATE,
            Rights::TRANSFER,
            Rights::READ,
            Rights::WRITE,
            Rights::EXECUTE,
            Rights::MAP,
            Rights::GET_PROPERTY,
            Rights::SET_PROPERTY,
            Rights::ENUMERATE,
            Rights::DESTROY,
            Rights::SET_POLICY,
            Rights::GET_POLICY,
            Rights::SIGNAL,
            Rights::SIGNAL_PEER,
            Rights::WAIT,
            Rights::INSPECT,
            Rights::MANAGE_JOB,
            Rights::MANAGE_PROCESS,
            Rights::MANAGE_THREAD,
            Rights::APPLY_PROFILE,
        ];
        for (bit, right) in by_bit.into_iter().enumerate() {
            assert_eq!(right.bits(), 1 << bit, "{right:?}");
        }
        assert_eq!(Rights::SAME_RIGHTS.bits(), 0x8000_0000);
        assert_eq!(Rights::NONE.bits(), 0);
    }

    #[test]
    fn groups_have_zircons_values() {
        assert_eq!(Rights::BASIC.bits(), 0xc003);
        assert_eq!(Rights::IO.bits(), 0x000c);
        assert_eq!(Rights::PROPERTY.bits(), 0x00c0);
        assert_eq!(Rights::POLICY.bits(), 0x0c00);
        assert_eq!(Rights::RESOURCE_BASIC.bits(), 0x800b);
    }

    #[test]
    fn default_rights_have_zircons_values() {
        assert_eq!(Rights::EVENT_DEFAULT.bits(), 0x0_d003);
        assert_eq!(Rights::EVENTPAIR_DEFAULT.bits(), 0x0_f003);
        assert_eq!(Rights::CHANNEL_DEFAULT.bits(), 0x0_f00e);
        assert_eq!(Rights::SOCKET_DEFAULT.bits(), 0x0_f0cf);
        assert_eq!(Rights::FIFO_DEFAULT.bits(), 0x0_f00f);
        assert_eq!(Rights::PORT_DEFAULT.bits(), 0x0_800f);
        assert_eq!(Rights::TIMER_DEFAULT.bits(), 0x0_d00b);
        assert_eq!(Rights::VMO_DEFAULT.bits(), 0x0_d0ff);
        assert_eq!(Rights::VMAR_DEFAULT.bits(), 0x0_8003);
        assert_eq!(Rights::PROCESS_DEFAULT.bits(), 0x6_d3cf);
        assert_eq!(Rights::THREAD_DEFAULT.bits(), 0x4_d2cf);
        assert_eq!(Rights::JOB_DEFAULT.bits(), 0x3_dfcf);
    }

    #[test]
    fn defaults_lack_channel_duplication_and_port_waits() {
        assert!(!Rights::CHANNEL_DEFAULT.intersects(Rights::DUPLICATE));
        assert!(!Rights::PORT_DEFAULT.intersects(Rights::WAIT));
    }

    #[test]
    fn undefined_right_bits_are_refused() {
        for bit in 20..31 {
            assert_eq!(Rights::from_bits(1 << bit), None, "bit {bit}");
            assert_eq!(Rights::from_bits(Rights::BASIC.bits() | 1 << bit), None, "bit {bit}");
        }
        assert_eq!(Rights::from_bits(0x800f_ffff), Some(Rights::all()));
    }

    #[test]
    fn rights_are_laid_out_as_a_u32() {
        assert_eq!(size_of::<Rights>(), 4);
        assert_eq!(align_of::<Rights>(), 4);
    }
}
