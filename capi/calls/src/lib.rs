//! Zircon's calls with Zircon's C signatures: the functions that `libjacinth` exports, callable from Rust too.
//!
//! The headers document each call for its users: `capi/include/zircon/` and `capi/include/jacinth.h`. Nearly every call
//! here is one call of [`jacinth::raw`] between checks of user pointers. `capi/README.md` has the design.
//!
//! ```text
//!   arena      futex      compat          jacinth.h; futexes; jacinth/compat.h
//!     │          │           │
//!     ▼          ▼           │
//!   object ◀─────┘           │            calls on handles and objects, one file an object
//!     │                      │
//!     ▼                      ▼
//!   process                               attachment, threads, error texts, ends of threads
//!     │         system                    clocks, the machine, random numbers
//!     ▼           │
//!   user_memory ◀─┘                       untrusted user pointers        types: C's structures
//! ```
//!
//! INV-CALLS-1: only `user_memory` touches the caller's memory. A bad pointer gives `ZX_ERR_INVALID_ARGS`, and the call
//! removes the objects that it has made.
//! INV-CALLS-2: a call that needs the arena starts with `process::entry::enter`.
#![allow(non_camel_case_types)]

mod arena;
mod call_macro;
mod compat;
mod futex;
mod object;
mod process;
mod system;
pub mod types;
pub mod user_memory;

pub use arena::*;
pub use compat::*;
pub use futex::*;
pub use object::*;
pub use system::*;
pub use user_memory::{UserIn, UserOut};
