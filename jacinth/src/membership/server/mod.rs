//! The supervisor's thread. It admits processes, watches each one, and recovers the handles and memory of the dead.
//!
//! ```text
//!  event_loop   waits until something is ready, and calls the others
//!  accept       new connections              requests, admission    the questions of processes
//!  deaths       which processes are dead     recovery               of the dead, in slices
//!  collect      all of it now                spawned                programs that have not attached yet
//! ```
//!
//! `docs/supervisor.md` has the requests, and the proof of a death or of an exec (`failure_detector`). Any descriptor may be
//! closed by the program ([`jacinth_shm::Held`]). So a ready one is only a reason to look, and once a second the supervisor
//! checks that each one is still open and the same file.

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
