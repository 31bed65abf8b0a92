//! What is to be done when this process exits in good order.

/// Has `run` called when the process exits: by `exit(3)`, or by the end of `main`. Not in one that is killed, and not by
/// `_exit(2)`; but in children forked from now on, which have to look who they are. Gives whether the C library took note.
///
/// In a library that the program unloads, `run` is called then.
pub fn at_exit(run: extern "C" fn()) -> bool {
    // SAFETY: the function is there until then, since it goes with this library, which calls it first.
    unsafe { libc::atexit(run) == 0 }
}
