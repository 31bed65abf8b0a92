//! Signals: how a thread changes them, which sleepers the change wakes, and how a thread sleeps until a change.
//!
//! A wait checks, spins, and then sleeps on the low halves of the state words of all its objects (`object/wait`).
//! `process/patience` decides how long it spins.
//!
//! ```text
//! changer of a derived signal                     sleeper
//!   store head or tail                              FENCED, heavy barrier, BARRIER_DONE     (once)
//!   light barrier                                   HAS_WAITERS and counter + 1, by CAS
//!   load the state: no flag, done                   full fence
//!   else full fence, load it again                  check head and tail again
//!   HAS_WAITERS: counter + 1, wake all,             unchanged: sleep while the words are unchanged,
//!     clear HAS_WAITERS if the word is unchanged      then check again from the start
//! ```
//!
//! A waker clears HAS_WAITERS last: if it dies or stops between the two steps, the next changer wakes the sleepers. A thread
//! that has armed in between has advanced the counter, so the waker does not clear its flag (INV-EVENT-2).
//!
//! An event loop waits in steps (`stepwise_wait`), and sleeps with its sockets: `sleep_fd` makes a descriptor readable when a
//! sleep on an event count has ended.
//!
//! `eventcount` has the argument that no wake is lost, `watch` the signals that are cleared again during a wait, and
//! `docs/decisions/fenced-mode-with-an-epoch.md` the reason for the flags.

pub(crate) mod background_sleep;
pub(crate) mod eventcount;
pub(crate) mod observers;
pub(crate) mod set;
#[cfg(not(loom))]
pub(crate) mod sleep_fd;
#[cfg(not(loom))]
pub(crate) mod stepwise_wait;
pub(crate) mod wait_item;
pub(crate) mod wake;
pub(crate) mod watch;
