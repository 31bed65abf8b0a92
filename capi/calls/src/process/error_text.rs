//! What `jacinth_error` says: why this thread's last call of `jacinth.h` failed, or why this process has no arena; and what
//! `jacinth_status_detail` says: why a call of Zircon's gave the status that it gave.
//!
//! INV-WHY-1: a text is shown only in the process that wrote it: a forked child has a copy of its parent's memory.
//! INV-WHY-2: a call that fails for want of an arena leaves its own text, whatever an earlier call has left.

use crate::arena;
use crate::types::zx_status_t;
use crate::user_memory::fault_guard as guard;
use jacinth::Status;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

/// A text, and the process that wrote it.
#[derive(Debug, Default)]
struct Text {
    process: u32,
    words: CString,
}

impl Text {
    fn new(words: &str) -> Self {
        Self {
            process: std::process::id(),
            words: CString::new(words.replace('\0', " ")).unwrap_or_default(),
        }
    }

    /// NULL for one of another process, and for an empty one.
    fn shown(&self) -> *const c_char {
        let is_shown = self.process == std::process::id() && !self.words.is_empty();
        if is_shown { self.words.as_ptr() } else { std::ptr::null() }
    }
}

thread_local! {
    static OWN: RefCell<Text> = RefCell::default();
    static DETAIL: RefCell<Text> = RefCell::default();
}

/// Why there is no arena: said once, and then the answer of every call.
static FAILURE: OnceLock<Text> = OnceLock::new();

/// What the calling thread has to say from now on; "" for nothing.
pub(crate) fn set(words: &str) {
    // A thread whose locals are gone has nobody to tell.
    let _ = OWN.try_with(|own| *own.borrow_mut() = Text::new(words));
}

/// This process has no arena and will find none by itself.
pub(crate) fn set_failure(words: &str) {
    let _ = FAILURE.set(Text::new(words));
}

/// Whether that is so, as far as is known; also of this process's parent.
pub(crate) fn has_failed() -> bool {
    FAILURE.get().is_some()
}

/// Why a call found no arena.
pub(crate) fn failure(status: Status) -> String {
    FAILURE.get().map_or_else(|| status.to_string(), |text| text.words.to_string_lossy().into_owned())
}

/// Runs a call of `jacinth.h`, and keeps what it has to say.
pub(crate) fn explained<T>(call: impl FnOnce() -> Result<T, (Status, String)>) -> Result<T, Status> {
    guard::arm();
    set("");
    call().map_err(|(status, words)| {
        set(&words);
        status
    })
}

/// Why this thread's last call of `jacinth.h` failed, or why this process has no arena; "" if nothing did.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_error() -> *const c_char {
    let own = OWN.try_with(|own| own.borrow().shown()).unwrap_or(std::ptr::null());
    if !own.is_null() {
        return own;
    }
    if arena::is_of_a_forked_child() {
        return c"this process was forked from one that is attached to an arena, and has no use of it"
            .as_ptr();
    }
    match FAILURE.get().map(Text::shown) {
        Some(failure) if !failure.is_null() && !jacinth::is_attached() => failure,
        _ => c"".as_ptr(),
    }
}

/// Why this thread's last call that gave `status` gave it, where there is more to say than the status does; "" otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_status_detail(status: zx_status_t) -> *const c_char {
    let detail = Status::from_raw(status).detail().unwrap_or_default();
    let kept = DETAIL.try_with(|kept| {
        *kept.borrow_mut() = Text::new(&detail);
        kept.borrow().shown()
    });
    kept.ok().filter(|text| !text.is_null()).unwrap_or(c"".as_ptr())
}
