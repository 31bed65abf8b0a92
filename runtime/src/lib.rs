//! Zircon handles, and the objects behind them, in user space on Linux.
//!
//! Cooperating processes map one shared arena. Creating, duplicating, transferring, waiting on and closing
//! handles, and sending messages, never enter the Linux kernel on the fast path; a process may be killed between
//! any two instructions, and nothing is lost, leaked or stuck.
//!
//! ```
//! use jacinth::*;
//!
//! let supervisor = Supervisor::create(&Config::default())?; // An arena; this process is attached to it.
//! let (ours, theirs) = Channel::create();
//! let event = Event::create();
//! let observer = event.duplicate(Rights::WAIT | Rights::TRANSFER)?; // A handle of fewer rights.
//! ours.write(b"watch this", &mut [observer.into()])?; // The handle travels in the message.
//!
//! let mut message = MessageBuf::new();
//! theirs.read(&mut message)?; // In another process, usually: see `Supervisor::spawn`.
//! let observer: Event = message.take_handle(0).unwrap().into();
//! assert_eq!(observer.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
//! event.signal(Signals::NONE, Signals::USER_0)?;
//! observer.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).to_result()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Trust
//! Processes in an arena cooperate: they run as one user, and any of them could forge anything in it. What holds
//! even then: a process that uses this library is not made to read or write outside the arena, to loop for ever,
//! or to hang past a deadline.
//!
//! # Calls fail, they do not crash
//! In a process that is attached to nothing, in a child that was forked from an attached process, and in a signal
//! handler that interrupts a call, every call gives [`Status::BAD_STATE`], and [`Status::detail`] says which of these it is. In an arena that is damaged it gives
//! [`Status::IO_DATA_INTEGRITY`].
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
pub use attachment::error::AttachError;
pub use attachment::join::attach;
pub use handle::{
    AsHandleRef, Handle, HandleBased, HandleBasicInfo, HandleCountInfo, HandleDisposition, HandleInfo,
    HandleOp, HandleRef, Name, NullableHandle, Peered, TryFromHandleError, Unowned, WaitItem, WaitResult,
    object_wait_many,
};
pub use jacinth_shm::{Audit, Config, Counters};
pub use membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE};
pub use membership::fate::{Fate, Obstacle};
pub use membership::report::CollectReport;
pub use object::*;
pub use raw::TooSmall;
pub use startup_handle::take_startup_handle;
pub use supervisor::{SpawnError, Supervisor, set_answer_time};
pub use system::{
    CPRNG_ADD_ENTROPY_MAX_LEN, cprng_add_entropy, cprng_draw, system_get_dcache_line_size,
    system_get_num_cpus, system_get_page_size, system_get_physmem, system_get_version_string,
};
pub use types::channel_options::ChannelOptions;
pub use types::koid::Koid;
pub use types::object_type::ObjectType;
pub use types::rights::Rights;
pub use types::signals::Signals;
pub use types::status::{Status, ok};
pub use types::time::{
    BootDuration, BootDurationTicks, BootInstant, BootTicks, BootTimeline, Deadline, Duration, Instant,
    MonotonicDuration, MonotonicDurationTicks, MonotonicInstant, MonotonicTicks, MonotonicTimeline, NsUnit,
    SyntheticDuration, SyntheticInstant, SyntheticTimeline, Ticks, TicksUnit, TimeUnit, Timeline,
};

/// The traits of handles: `use jacinth::prelude::*;`.
pub mod prelude {
    pub use crate::handle::{AsHandleRef, HandleBased, Peered};
}
