//! The shared arena of jacinth: objects, handles, rings and waits in memory that processes share. Processes hold no
//! lock against each other, and the arena is recoverable when one of them dies at any instruction.
//!
//! This crate is *mechanism*. It knows words, records, rings and intents. It knows no Zircon right by name, and no
//! status. Users link the `jacinth` crate, which knows Zircon and no atomics. All the unsafe code of the project is
//! here and at the C boundary.
//!
//! `ARCHITECTURE.md` has one line for each folder, the lowest first. A file imports from its own folder and from lower ones.
//!
//! The same sources run under loom (`cfg(loom)`): see the `jacinth-loom-tests` package.
//!
//! ## Guarantees
//! * Every value read from the arena is checked before it is used as an index, a length or a bound. A damaged arena
//!   gives [`Error::Corrupt`].
//! * Recovery relies on the order of some stores. Each of these is at least Release, so the compiler keeps them in
//!   program order, and recovery sees them in that order. A Relaxed store says why its place is free.

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
#[cfg(not(loom))]
pub use api::object::port_fd::{PortFd, Step};
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
#[cfg(not(loom))]
pub use arena::region::window::Access;
pub use arena::segment::{MAX_MESSAGE_BYTES, MAX_MESSAGE_HANDLES};
pub use arena::size_class::SizeClass;
pub use arena::word::block::BlockIndex;
pub use arena::word::handle::{HandleValue, Rights};
pub use arena::word::leader::{Leader, Member, ProcessIdentity};
pub use arena::word::reference::{ProcessIndex, Slot};
pub use arena::word::ring::Txid;
pub use arena::word::row::{ProcessSlot, SlotState};
pub use arena::word::signals::Signals;
pub use arena::word::stream::geometry::{MAX_SOCKET_BYTES, SocketOptions};
pub use handle::lookup::{HandleName, ResolvedHandle};
pub use lifecycle::create::Created;
pub use memory::decommit::Unused;
pub use memory::idle_memory::IdleMemory;
pub use object::ObjectClass;
pub use object::bind::Received;
pub use object::buffer::BufferMut;
#[cfg(not(loom))]
pub use object::buffer::BufferView;
#[cfg(not(loom))]
pub use object::buffer::unsent::{UnsentBytes, UnsentBytesMut};
pub use object::channel::call::Pending;
pub use object::channel::options::ChannelOptions;
#[cfg(not(loom))]
pub use object::channel::read::in_place::InPlace;
pub use object::channel::read::recv_buf::{Actual, OnOverflow, RecvBuf, SliceBuf, UninitBuf, VecBuf};
pub use object::channel::write::loan::Loan;
pub use object::directory::meet::Meeting;
pub use object::directory::names::MAX_NAMES;
pub use object::directory::view::{MAX_VIEW_BYTES, MAX_VIEW_DEPTH};
pub use object::fifo::MAX_FIFO_BYTES;
pub use object::info::handles::CLASS_NUMBERS;
pub use object::info::{Basic, MAX_NAME_BYTES};
pub use object::listener::block::{LISTENER_BACKLOG, MAX_LISTENER_NAME_BYTES};
pub use object::port::observe::AsyncWait;
pub use object::port::packet::{Packet, PacketContent};
pub use object::socket::Shutdown;
pub use object::socket::control::MAX_CONTROL_BYTES;
pub use object::socket::info::{SocketInfo, Threshold};
pub use object::stream::read::Taking;
#[cfg(not(loom))]
pub use object::vmo::info::VmoInfo;
#[cfg(not(loom))]
pub use object::vmo::listing::MappedRange;
#[cfg(not(loom))]
pub use object::vmo::map::{MapRequest, MemoryPromise};
pub use object::vmo::pages::VmoRangeOp;
pub use process::Process;
#[cfg(not(loom))]
pub use process::exit::at_exit;
#[cfg(not(loom))]
pub use process::fork_guard::PerProcess;
pub use process::thread::Thread;
pub use recovery::audit::Audit;
pub use recovery::listing::{ListedSide, ListedThread};
pub use recovery::queue::RecoveryQueue;
pub use recovery::report::Recovered;
#[cfg(not(loom))]
pub use recovery::robust_futex::{DeathNotice, DeathWatch, NoticeState};
pub use signal::wait_item::WaitItem;
pub use sync::DEADLINE_INFINITE_NS;
#[cfg(loom)]
pub use sync::{
    Barriers, CrashOutcome, Grace, Inside, LostStores, RawLock, Retired, SparseTable, Turn, Visits, barriers,
    crash_after, give_word_back, kernel_barriers, lock_biases, now_ns, pass_time_until, take_word,
    time_passes,
};
#[cfg(not(loom))]
pub use sync::{Giver, Taker, handover, now_ns, request_short_slice};
