//! The calls of `jacinth.h`: arenas, the programs in them, and the texts of errors.

mod attach;
mod collect;
mod config;
mod error;
mod seat;
mod spawn;
mod spawn_status;

pub use attach::*;
pub use collect::*;
pub use config::*;
pub use error::*;
pub use seat::*;
pub use spawn::*;
pub use spawn_status::*;
