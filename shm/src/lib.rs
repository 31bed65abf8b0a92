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
//! | what threads do | `create`, `count` (duplicate, close), `dying`, `send`, `payload`, `transfer`, `receive`, `call`, `signal`, `wait` |
//! | after a death | `tripwire`, `recover`, `audit` |
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

mod ahead;
mod arena;
#[cfg(any(loom, test))]
mod asleep;
mod audit;
mod bits;
mod block;
mod block_quota;
mod burial;
mod call;
mod copy;
mod count;
mod counter;
mod create;
mod cycle;
mod drain;
mod dying;
mod endpoint;
mod error;
mod exhausted;
#[cfg(not(loom))]
mod exit;
mod fork;
mod free_map;
mod give_back;
#[cfg(not(loom))]
mod held;
#[cfg(not(loom))]
mod in_place;
mod keeper;
mod late;
mod layout;
mod leader;
mod object;
mod object_quota;
mod owner;
mod pace;
mod payload;
mod process;
mod quiet;
mod quota;
mod receive;
mod recover;
mod refused;
mod region;
mod returned;
mod ring;
mod send;
mod settle;
mod signal;
mod sink;
mod slot;
mod slot_pages;
mod step;
mod sync;
mod table;
mod thread;
mod transfer;
mod trim;
#[cfg(not(loom))]
mod tripwire;
mod wait;
mod watch;
mod way;

pub use arena::{Arena, AttachError};
#[cfg(loom)]
pub use asleep::Asleep;
pub use audit::Audit;
pub use burial::Burials;
pub use call::Pending;
pub use count::Found;
pub use counter::Counters;
pub use create::Created;
pub use error::{Error, Result};
#[cfg(not(loom))]
pub use exit::at_exit;
pub use give_back::{IdleMemory, Unused};
#[cfg(not(loom))]
pub use held::{FileId, Held};
#[cfg(not(loom))]
pub use in_place::InPlace;
pub use late::ChannelOptions;
pub use layout::{Config, OutOfRange};
pub use leader::{Leader, Occupant, Seated};
pub use object::{Shape, signal as signals};
pub use process::{Process, Seat};
pub use receive::{Received, Sink, TooSmall};
pub use recover::Recovered;
#[cfg(not(loom))]
pub use region::Limited;
pub use ring::MAX_MESSAGE_HANDLES;
pub use send::{Loan, MAX_MESSAGE_BYTES};
pub use signal::{Basic, MAX_NAME_BYTES};
pub use sink::{Fixed, Growing};
#[cfg(feature = "skip-steps")]
pub use step::{Step, skip_step};
pub use sync::DEADLINE_INFINITE_NS;
#[cfg(loom)]
pub use sync::{
    Barriers, FutexLock, Grace, Inside, Killed, Missing, Retired, SparseTable, Turn, Visits, barriers,
    kernel_barriers, killed_after,
};
#[cfg(not(loom))]
pub use sync::{Giver, Taker, handover, now_ns};
pub use thread::Thread;
#[cfg(not(loom))]
pub use tripwire::{Seen, Tripwire, Tripwires};
pub use wait::{MAX_WAIT_ITEMS, WaitItem};
