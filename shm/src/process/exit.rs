//! Work to be done when this process exits in good order.

/// Registers `run` to be called when the process exits by `exit(3)` or by the end of `main`. It is not called when the
/// process is killed or calls `_exit(2)`. It is also called in children forked from now on, so `run` must check which
/// process it is in. Returns whether the C library accepted it.
///
/// If the program unloads the library that called this, `run` is called then.
pub fn at_exit(run: extern "C" fn()) -> bool {
    // SAFETY: `run` exists until it is called: it belongs to this library, and the C library calls it before unloading
    // that.
    unsafe { libc::atexit(run) == 0 }
}
