//! Every call by handle *value*, as in Zircon's own interface. The typed API is made of these calls, and so is a
//! library that binds jacinth to another language.
//!
//! A value is only meaningful in the process that got it. These calls own no handle: a value that is dropped
//! stays open, and one that is closed twice gives [`Status::BAD_HANDLE`](crate::Status::BAD_HANDLE) the second time.

mod call;
mod channel;
mod disposition;
mod handle;
mod object;

pub use call::{call, call_etc, call_finish, call_noretry};
pub use channel::{
    Actual, OnOverflow, Received, RecvBuf, channel_create, channel_read, channel_write, receive,
};
pub use disposition::{Disposition, channel_write_etc};
pub use handle::{Basic, basic, check_valid, close, close_many, duplicate, handle_count, replace};
pub(crate) use object::too_many_items;
pub use object::{
    MAX_NAME_BYTES, WAIT_MANY_MAX_ITEMS, WaitItem, create, name, set_name, signal, signal_peer, wait_many,
    wait_one,
};

/// The value that is never a handle (`ZX_HANDLE_INVALID`).
pub const INVALID: u32 = 0;
