//! The shared arena of jacinth: objects, handles, rings and waits in memory that processes share, without locks
//! between them, and recoverable when one of them dies at any instruction.
//!
//! This crate is *mechanism*. It knows words, records, rings and intents; it has never heard of a channel right
//! or a status. What users link is the `jacinth` crate, which knows Zircon and no atomics. All the unsafe code
//! of the project is here.
//!
//! | | |
//! |---|---|
//! | the memory | `region`, `layout`, `arena`, `block`, `copy` |
//! | the words | `object` (life, count, state), `table` (handle entries), `owner` (rows and intents), `ring` (headers) |
//! | what threads do | `create`, `count` (duplicate, close), `release_queue`, `send`, `payload`, `transfer`, `receive`, `call`, `signal`, `wait` |
//! | after a death | `death_notice`, `recover`, `audit` |
//! | garbage | `cycle` |
//! | private halves | `process`, `thread`, `endpoint`, `quota` |
//!
//! The same sources run under loom (`cfg(loom)`): see the `jacinth-loom-tests` package.
//!
//! ## What may be relied on
//! * Every value read from the arena is checked before it is used as an index, a length or a bound; a damaged
//!   arena gives [`Error::Corrupt`].
//! * Every store on whose place among the others recovery relies is at least Release, so that the compiler keeps them
//!   in program order: that is the order in which recovery sees them. A Relaxed one says why its place is free.

mod api;
mod arena;
mod handle;
mod lifecycle;
mod memory;
mod object;
mod process;
mod recovery;
mod refcount;
mod signal;
mod sync;

#[cfg(loom)]
pub use api::asleep::Asleep;
pub use arena::Arena;
pub use arena::attach_error::AttachError;
pub use arena::config::{Config, OutOfRange};
pub use arena::error::{Error, Result};
pub use arena::record::counter::Counters;
pub use arena::record::watch::MAX_WAIT_ITEMS;
#[cfg(not(loom))]
pub use arena::region::Limited;
#[cfg(not(loom))]
pub use arena::region::held::{FileId, Held};
pub use arena::segment::MAX_MESSAGE_HANDLES;
pub use arena::word::leader::{Leader, Member, ProcessIdentity};
pub use arena::word::row::ProcessSlot;
pub use arena::word::signals::signal as signals;
pub use handle::lookup::ResolvedHandle;
pub use lifecycle::create::Created;
pub use memory::give_back::Unused;
pub use memory::idle_memory::IdleMemory;
pub use object::ObjectClass;
pub use object::arrive::Received;
pub use object::channel::call::Pending;
pub use object::channel::options::ChannelOptions;
#[cfg(not(loom))]
pub use object::channel::read::in_place::InPlace;
pub use object::channel::read::sink::{OnOverflow, RecvBuf, SliceBuf, VecBuf};
pub use object::channel::write::MAX_MESSAGE_BYTES;
pub use object::channel::write::loan::Loan;
pub use object::info::{Basic, MAX_NAME_BYTES};
pub use process::Process;
#[cfg(not(loom))]
pub use process::exit::at_exit;
pub use process::thread::Thread;
pub use recovery::audit::Audit;
pub use recovery::queue::RecoveryQueue;
pub use recovery::report::Recovered;
#[cfg(not(loom))]
pub use recovery::robust_futex::{DeathNotice, DeathWatch, NoticeState};
pub use signal::wait_item::WaitItem;
pub use sync::DEADLINE_INFINITE_NS;
#[cfg(loom)]
pub use sync::{
    Barriers, CrashOutcome, FutexLock, Grace, Inside, LostStores, Retired, SparseTable, Turn, Visits,
    barriers, crash_after, kernel_barriers,
};
#[cfg(not(loom))]
pub use sync::{Giver, Taker, handover, now_ns};
