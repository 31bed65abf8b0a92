//! Keeps the stacks of modelled threads for the next execution.
//!
//! loom gives each thread of each execution a stack of its own, by `mmap(2)`, and returns it: a third of a model's time, and
//! each return interrupts the other thread that runs models. A function that an executable defines stands in for the C
//! library's of that name. So these two keep the mappings that loom's coroutines ask for: those with `MAP_STACK`. All others
//! go to the kernel.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};

/// The stacks of this thread: those that are used, and those that are kept.
struct Stacks {
    used: Vec<(usize, usize)>,
    kept: Vec<(usize, usize)>,
}

/// More than a model has threads.
const MOST_KEPT: usize = 8;

thread_local! {
    static STACKS: RefCell<Stacks> = const { RefCell::new(Stacks { used: Vec::new(), kept: Vec::new() }) };
}

/// # Safety
/// That of `mmap(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn mmap(
    at: *mut c_void,
    len: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off_t,
) -> *mut c_void {
    let is_stack = at.is_null() && flags & libc::MAP_STACK != 0;
    let kept =
        is_stack.then(|| STACKS.try_with(|stacks| stacks.borrow_mut().reuse(len)).ok().flatten()).flatten();
    if let Some(base) = kept {
        return base as *mut c_void;
    }
    // SAFETY: the caller's promise.
    let mapped = unsafe { libc::syscall(libc::SYS_mmap, at, len, protection, flags, file, offset) };
    if is_stack && mapped != -1 {
        let _ = STACKS.try_with(|stacks| stacks.borrow_mut().used.push((mapped as usize, len)));
    }
    mapped as *mut c_void
}

/// # Safety
/// That of `munmap(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn munmap(at: *mut c_void, len: usize) -> c_int {
    let is_kept = STACKS.try_with(|stacks| stacks.borrow_mut().keep((at as usize, len)));
    if is_kept == Ok(true) {
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { libc::syscall(libc::SYS_munmap, at, len) as c_int }
}

impl Stacks {
    fn reuse(&mut self, len: usize) -> Option<usize> {
        let index = self.kept.iter().rposition(|(_, kept)| *kept == len)?;
        let stack = self.kept.swap_remove(index);
        self.used.push(stack);
        Some(stack.0)
    }

    /// Whether this is a stack, which is kept from here on.
    fn keep(&mut self, stack: (usize, usize)) -> bool {
        let Some(index) = self.used.iter().position(|used| *used == stack) else { return false };
        self.used.swap_remove(index);
        if self.kept.len() < MOST_KEPT {
            self.kept.push(stack);
            return true;
        }
        false
    }
}
