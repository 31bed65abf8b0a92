//! The calls on handles and objects.
//!
//! `handle`, `wait`, `info` and `property` are the calls that work on every object. Each other file is one object: to add
//! an object, add its file and its line in both lists. (A macro could write both lists from one, but `cargo fmt` does not
//! format files that a macro declares.)

mod channel;
mod event;
mod eventpair;
pub(crate) mod handle;
mod info;
mod property;
mod task;
mod wait;

pub use channel::*;
pub use event::*;
pub use eventpair::*;
pub use handle::*;
pub use info::*;
pub use property::*;
pub use task::*;
pub use wait::*;
