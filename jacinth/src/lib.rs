//! Zircon handles, and the objects behind them, in user space on Linux.
//!
//! Cooperating processes map one shared arena. Creating, duplicating, transferring, waiting on and closing
//! handles, and sending messages, never enter the Linux kernel on the fast path. A process may be killed between
//! any two instructions, and no handle, message or byte of memory is lost, leaked or stuck.
//!
//! # A program of two processes
//! ```no_run
#![doc = include_str!("../examples/two_processes.rs")]
//! ```
//! `cargo run --example two_processes` runs it.
//!
//! # Contents
//! | | |
//! |---|---|
//! | objects | [`Event`], [`EventPair`], [`Channel`], [`Fifo`], [`Socket`], [`Vmo`], [`Timer`], [`Port`], [`Directory`], [`Listener`]; [`Process`], [`Thread`], [`Job`], [`Vmar`] |
//! | handles | [`Handle`], [`NullableHandle`], [`Unowned`], the traits in [`prelude`] |
//! | rights | [`Rights`], [`Handle::duplicate`], [`Handle::replace`] |
//! | waiting | [`Signals`], [`Handle::wait_one`], [`object_wait_many`], [`Deadline`] |
//! | waiting for any number of objects | [`Port`], [`Handle::wait_async`], [`Packet`] |
//! | messages | [`Channel::write`], [`Channel::read`], [`Channel::call`], [`MessageBuf`], [`HandleDisposition`] |
//! | bytes and datagrams | [`Socket::write`], [`Socket::read`], [`Socket::share`], [`Socket::accept`] |
//! | elements of one size | [`Fifo::write`], [`Fifo::read`] |
//! | memory that is shared | [`Vmo::write`], [`Vmo::read`] |
//! | names to meet by | [`serve`], [`connect`], [`Listener`], [`Directory`] |
//! | words that threads sleep on | [`Futex`] |
//! | messages without a copy, and many at once | [`Channel::reserve`], [`Channel::read_in_place`], [`Channel::write_batch`] |
//! | arenas and processes | [`Supervisor`], [`Config`], [`join_or_create`], [`attach`], [`Seat`], [`take_startup_handle`] |
//! | calls by handle value, for other languages | [`raw`], [`sys`], [`attachment`], [`library_threads`] |
//!
//! # Coming from Fuchsia's `zx`
//! Names, signatures and traits are those of the `zx` crate, for every object that exists here: `use jacinth as zx;`. The
//! numbers are those of late-2018 Zircon. These differ:
//!
//! - An arena comes first: [`Supervisor::create`], [`attach`], or [`Supervisor::spawn`] of another process.
//! - Creating can fail for want of room. `create()` panics then, as in `zx`; `try_create()` gives the error.
//!   [`Fifo::create`] gives it itself, also as in `zx`.
//! - A write can fail for want of room, with [`Status::SHOULD_WAIT`] or [`Status::NO_RESOURCES`]; the handles stay with the
//!   caller. On every other error they are closed, as in Zircon.
//! - `from_raw` is safe: a wrong value gives [`Status::BAD_HANDLE`], and can close another handle of the same process.
//! - `Handle` converts into an object's type by `TryFrom`, with a check. `NullableHandle` does so without one, as in `zx`.
//! - [`Status::detail`] has the reason for an error.
//!
//! # Trust
//! Processes in an arena cooperate: they run as one user, and any of them could forge any word of it. Even then a
//! process that uses this library does not read or write outside the arena, loop for ever, or hang past a deadline.
//!
//! # Calls fail, they do not crash
//! Every call gives [`Status::BAD_STATE`] in an unattached process, in a child that was forked from an
//! attached process, and in a signal handler that interrupts a call; [`Status::detail`] says which of these it is. In a
//! damaged arena every call gives [`Status::IO_DATA_INTEGRITY`]. Only calls that are documented to panic do.
//!
//! # Features
//! `serde`: plain data serializes. Statuses, koids, object types and times are numbers, and a name is a text. Rights and
//! signals are texts in formats for people, and numbers in others. [`Config`] and [`ChannelOptions`] may leave limits
//! out, which have their defaults then; a limit that is out of its range is an error. [`HandleBasicInfo`],
//! [`HandleCountInfo`], [`WaitResult`], [`SpawnStatus`], [`CollectReport`], [`Counters`], [`Audit`] and the lists of objects and
//! threads have their fields by name.
#![forbid(unsafe_code)]

pub mod attachment;
mod detail;
mod handle;
pub mod library_threads;
mod membership;
mod object;
pub mod raw;
mod startup_handle;
mod supervisor;
mod system;
mod types;

pub use attachment::current_process::is_attached;
pub use attachment::current_thread::set_spin;
pub use attachment::error::{AttachError, LostSeat};
pub use attachment::join::attach;
pub use handle::{
    AsHandleRef, Handle, HandleBased, HandleBasicInfo, HandleCountInfo, HandleDisposition, HandleInfo,
    HandleOp, HandleRef, HasCookie, Name, NullableHandle, Peered, TryFromHandleError, Unowned, WaitItem,
    WaitResult, object_wait_many,
};
// For the interface to C.
#[doc(hidden)]
pub use jacinth_shm::with_limits;
pub use jacinth_shm::{Audit, Config, Counters, ListedSide, ListedThread, MemoryPromise, ObjectClass};
pub use membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE};
pub use membership::report::CollectReport;
pub use membership::spawn_error::SpawnError;
pub use membership::spawn_status::{Obstacle, SpawnStatus};
pub use object::*;
pub use raw::OnOverflow;
pub use startup_handle::take_startup_handle;
pub use supervisor::meeting::{join_or_create, join_or_create_with};
pub use supervisor::seat::Seat;
pub use supervisor::{Supervisor, set_supervisor_timeout};
pub use system::{
    CPRNG_ADD_ENTROPY_MAX_LEN, cprng_add_entropy, cprng_draw, system_get_dcache_line_size,
    system_get_num_cpus, system_get_page_size, system_get_physmem, system_get_version_string,
};
pub use types::channel_options::ChannelOptions;
pub use types::koid::Koid;
pub use types::object_type::ObjectType;
pub use types::packet::{Packet, PacketContents, PortOptions, SignalPacket, UserPacket, WaitAsyncOpts};
pub use types::rights::Rights;
pub use types::signals::Signals;
pub use types::status::{Status, ok};
pub use types::sys;
pub use types::time::{
    BootDuration, BootDurationTicks, BootInstant, BootTicks, BootTimeline, Deadline, Duration, Instant,
    MonotonicDuration, MonotonicDurationTicks, MonotonicInstant, MonotonicTicks, MonotonicTimeline, NsUnit,
    SyntheticDuration, SyntheticInstant, SyntheticTimeline, Ticks, TicksUnit, TimeUnit, Timeline,
};
pub use types::vmo::{VmarFlags, VmoChildOptions, VmoOp, VmoOptions};

/// The traits of handles: `use jacinth::prelude::*;`.
pub mod prelude {
    pub use crate::handle::{AsHandleRef, HandleBased, HasCookie, Peered};
}
