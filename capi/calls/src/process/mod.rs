//! The state that each process has of its own: its attachment, its threads, its error texts, what it
//! was lent, and its actions at a fork and at the end of a thread.
//!
//! ```text
//!   entry ──▶ thread_exit ──▶ last_thread        threads ──▶ entry, thread_exit
//!     └─────▶ error_text ◀── lent
//! ```

pub(crate) mod entry;
pub(crate) mod error_text;
pub(crate) mod last_thread;
pub(crate) mod lent;
pub(crate) mod thread_exit;
pub(crate) mod threads;
