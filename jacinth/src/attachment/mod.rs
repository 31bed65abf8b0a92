//! A process's attachment to an arena: at most one, made once, for as long as the process lives.
//!
//! ```text
//!  create   Supervisor::create(&config)       makes an arena; a thread of this process is its supervisor
//!  join     attach(socket path)               asks a supervisor for admission
//!           take_startup_handle()             a spawned program finds its arena by its environment
//!  meet     join_or_create(name)              joins the arena of a name, or makes it
//! ```
//!
//! INV-ATTACH-1: every call goes through `current_thread::with_thread`. It refuses a call in an unattached process, in
//! a child that was forked from an attached process, in a poisoned arena, and inside another call (from a signal
//! handler).
//! INV-ATTACH-2: no code of the caller runs inside a call, except signal handlers: iterators are read before the call,
//! and received values are handed over after it.
//! INV-ATTACH-3: a drop releases the dropped value. Inside a call the release is deferred to the end of that call
//! (`current_thread::release`). The exception is a signal handler that interrupts another handler's deferral: its value
//! stays until the process ends.
//!
//! The public functions of this module are for libraries that offer the arena to other languages.

pub(crate) mod admission;
pub(crate) mod create;
pub(crate) mod current_process;
pub(crate) mod current_thread;
pub(crate) mod dropped;
pub(crate) mod error;
pub(crate) mod join;
pub(crate) mod meet;

pub use current_process::before_exit;
pub use current_thread::{detach_thread, on_thread_attach};
pub use jacinth_shm::PerProcess;
