//! Handles: owned and borrowed, and their operations.
//!
//! ```text
//!  Handle            owns a value, which is never 0; closes when dropped
//!  NullableHandle    a Handle or none: carried by messages, and inside every typed owner
//!  Event, Channel …  typed owners (`crate::object`), which convert from and into a NullableHandle
//!  Unowned<'a, T>    a T that is borrowed: it does not close; HandleRef is the one without a type
//! ```
//!
//! Each of them has the operations that every object knows ([`Handle::wait_one`] and the rest); `operations` writes them
//! once. The shapes are those of Fuchsia's `zx`.

mod borrowed;
mod disposition;
mod info;
mod name;
mod nullable;
mod operations;
mod owned;
mod peered;
mod try_from;
mod wait_many;
mod wait_result;

pub use borrowed::{AsHandleRef, HandleBased, HandleRef, Unowned};
pub use disposition::{HandleDisposition, HandleInfo, HandleOp};
pub use info::{HandleBasicInfo, HandleCountInfo};
pub use name::Name;
pub use nullable::NullableHandle;
pub(crate) use operations::handle_operations;
pub use owned::Handle;
pub use peered::{HasCookie, Peered};
pub use try_from::TryFromHandleError;
pub(crate) use try_from::checked;
pub use wait_many::{WaitItem, object_wait_many};
pub use wait_result::WaitResult;
