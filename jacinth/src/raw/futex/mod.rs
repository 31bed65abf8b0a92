//! Futexes by the address of their word: words of one process that threads sleep on.
//!
//! No call here touches the arena, or the word itself: the caller says how the word is compared. Zircon's calls in C
//! and [`Futex`](crate::Futex) both are made of these calls, so threads of both meet at one word.

mod own_thread;
mod owners;
mod queues;
mod sleep;
mod thread;

pub(crate) use own_thread::{own_futex_thread, set_own_koid};
pub use owners::{add_futex_thread, futex_thread, remove_futex_thread};
pub use queues::{FutexRequeue, FutexWakeCount, futex_owner, futex_requeue, futex_wait, futex_wake};
pub use sleep::FutexSleep;
pub use thread::FutexThread;
