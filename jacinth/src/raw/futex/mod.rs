//! Futexes by the address of their word: words of one process that threads sleep on.
//!
//! No call here touches the arena, or the word itself: the caller says how the word is compared. Zircon's calls in C
//! and [`Futex`](crate::Futex) both are made of these calls, so threads of both meet at one word.

mod own_thread;
mod queues;
mod sleep;
mod thread;

pub(crate) use own_thread::{own_futex_thread, set_own_koid};
pub use queues::{
    FutexRequeue, FutexWakeCount, add_futex_thread, futex_owner, futex_requeue, futex_thread, futex_wait,
    futex_wake, remove_futex_thread,
};
pub use sleep::FutexSleep;
pub use thread::FutexThread;
