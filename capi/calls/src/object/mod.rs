//! The calls on handles and objects: one file for each object.

mod channel;
mod event;
pub(crate) mod handle;
mod info;
mod property;
mod task;
mod wait;

pub use channel::*;
pub use event::*;
pub use handle::*;
pub use info::*;
pub use property::*;
pub use task::*;
pub use wait::*;
