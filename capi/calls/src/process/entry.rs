//! The start of each call that needs the arena, and the first call of a process, which attaches it.
//!
//! ```text
//!  the first call of a program
//!    │ attached already (jacinth_create, jacinth_attach, an earlier call)   ─▶ continues
//!    │ spawned into an arena, or JACINTH_SOCKET names a supervisor's socket  ─▶ joins that arena, or BAD_STATE
//!    │ otherwise, if it may                                                 ─▶ makes an arena of its own
//!    └ otherwise (JACINTH_NO_OWN_ARENA, jacinth_forbid_own_arena)           ─▶ BAD_STATE
//! ```

use crate::process::error_text::{CallError, Context};
use crate::process::{error_text, thread_exit};
use crate::user_memory::fault_guard;
use jacinth::{AttachError, Config, Status, Supervisor};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Set once, when this process has an arena.
static IS_ATTACHED: AtomicBool = AtomicBool::new(false);

/// Starts a call that needs the arena. The call may check user pointers from then on.
#[inline(always)]
pub(crate) fn enter() -> Result<(), Status> {
    // Relaxed: `jacinth` checks for itself. This flag only says that the process needs no search for an arena.
    if IS_ATTACHED.load(Ordering::Relaxed) { Ok(()) } else { first_call() }
}

/// This process has an arena: its calls search for none any more.
pub(crate) fn set_attached() {
    thread_exit::exit_when_last_thread_ends();
    IS_ATTACHED.store(true, Ordering::Relaxed);
}

/// Whether this process was forked from one that is attached.
pub(crate) fn is_forked_from_attached() -> bool {
    IS_ATTACHED.load(Ordering::Relaxed) && !jacinth::is_attached()
}

/// Starts a call that looks into a table of this process. A forked child has a copy of the table, perhaps locked for ever, and
/// does not look.
pub(crate) fn enter_unforked() -> Result<(), CallError> {
    enter().map_err(CallError::no_arena)?;
    if is_forked_from_attached() {
        return Err(Status::BAD_STATE)
            .context("a child that was forked from a process with an arena has none");
    }
    Ok(())
}

/// The environment variable that forbids the first call to make an arena, unless it is empty or 0.
const NO_OWN_VARIABLE: &str = "JACINTH_NO_OWN_ARENA";

/// Set by [`forbid_own_arena`].
static IS_OWN_FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// The first call of this process makes no arena.
pub(crate) fn forbid_own_arena() {
    IS_OWN_FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Whether this process may make an arena at its first call.
fn may_make_own_arena() -> bool {
    let variable = std::env::var_os(NO_OWN_VARIABLE).unwrap_or_default();
    !IS_OWN_FORBIDDEN.load(Ordering::Relaxed) && (variable.is_empty() || variable == "0")
}

/// The process whose threads search for an arena; 0 before the first search.
static SEARCHER: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static IS_SEARCHING: Cell<bool> = const { Cell::new(false) };
}

#[cold]
fn first_call() -> Result<(), Status> {
    // Relaxed: a forked child has the value from before the fork.
    let searcher = SEARCHER.compare_exchange(0, std::process::id(), Ordering::Relaxed, Ordering::Relaxed);
    if searcher.is_err_and(|searcher| searcher != std::process::id()) {
        // Another thread of the parent may have held the locks of the search at the fork. They stay locked here.
        error_text::set("this process was forked from one that was looking for an arena, or had found none");
        return Err(Status::BAD_STATE);
    }
    if IS_SEARCHING.replace(true) {
        // A signal handler interrupted this function and makes a call. It gets no text, because a text takes memory.
        return Err(Status::BAD_STATE);
    }
    let attached = find_arena();
    IS_SEARCHING.set(false);
    error_text::set(&attached.err().map(error_text::no_arena).unwrap_or_default());
    attached
}

fn find_arena() -> Result<(), Status> {
    static SEARCH: Mutex<()> = Mutex::new(());
    fault_guard::install_handler();
    let _one_at_a_time = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    if IS_ATTACHED.load(Ordering::Relaxed) {
        return Ok(());
    }
    if error_text::has_no_arena() && !jacinth::is_attached() {
        return Err(Status::BAD_STATE);
    }
    // `get` finds the arena that this process was invited to, or has; a forked child has one that it cannot use.
    let found = match Supervisor::get() {
        Err(AttachError::NotAttached) if may_make_own_arena() => Supervisor::create(&Config::default()),
        Err(AttachError::NotAttached) => {
            error_text::set_no_arena(&format!(
                "this program was started by hand: it was not spawned into an arena, {} is not in its environment, and it \
                 may not make an arena of its own at its first call ({NO_OWN_VARIABLE}, jacinth_forbid_own_arena)",
                jacinth::SOCKET_VARIABLE
            ));
            return Err(Status::BAD_STATE);
        }
        found => found,
    };
    match found {
        Ok(_) | Err(AttachError::AlreadyAttached) => {
            set_attached();
            Ok(())
        }
        Err(error) => {
            error_text::set_no_arena(&error.to_string());
            Err(Status::BAD_STATE)
        }
    }
}
