//! The supervisor's thread. It admits processes, watches each one, and recovers the handles and memory of the dead.
//!
//! ```text
//!  event_loop   waits until something is ready, and calls the others
//!  accept       new connections              requests, admission    the questions of processes
//!  deaths       which processes are dead     recovery               of the dead, in slices
//!  collect      all of it now                spawned                programs that have not attached yet
//! ```
//!
//! **Death.** A process that is stopped is not dead, and no timeout makes it so; a zombie is dead. The proof of a death
//! is the pidfd. It was opened while the process was held by its own admission request or by its parent, which had not
//! reaped it; or by the process's number and start time. So the number cannot have passed on to another process.
//!
//! The pidfd of a process with much memory is late. So each process is watched through its robust futex too, which only
//! says when to look whether all of its threads are exiting (`failure_detector`).
//!
//! **exec() while attached.** The new program has no arena. Its connection hangs up (it is closed on exec, unless a
//! forked child has it too), and its robust futex reports. Either says when to look. The proof is that the process lives
//! and that the arena's file is gone from its maps.
//!
//! **Descriptors.** The program may close descriptors that are not its own ([`jacinth_shm::Held`]). So a descriptor that
//! is ready is only a reason to look, and once a second the supervisor checks that each one is still open and the same file.

pub(crate) mod accept;
pub(crate) mod admission;
pub(crate) mod collect;
pub(crate) mod deaths;
pub(crate) mod event_loop;
pub(crate) mod listener;
pub(crate) mod member;
pub(crate) mod recovery;
pub(crate) mod requests;
pub(crate) mod spawned;
pub(crate) mod state;
