//! The texts of errors, for C.

use crate::process::entry;
use crate::process::error_text::{self, Text};
use crate::types::zx_status_t;
use jacinth::Status;
use std::cell::RefCell;
use std::ffi::c_char;

thread_local! {
    /// Keeps the text of `jacinth_status_detail` until the thread's next call of it.
    static DETAIL: RefCell<Text> = RefCell::default();
}

/// Why this thread's last call of `jacinth.h` failed, or why this process has no arena; "" if neither is so.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_error() -> *const c_char {
    let last = error_text::last();
    if !last.is_null() {
        return last;
    }
    if entry::is_forked_from_attached() {
        return c"this process was forked from one that is attached to an arena, and has no use of it"
            .as_ptr();
    }
    let no_arena = error_text::no_arena_text();
    if no_arena.is_null() { c"".as_ptr() } else { no_arena }
}

/// Why this thread's last call returned `status`, if there is more to say than its name; "" otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_status_detail(status: zx_status_t) -> *const c_char {
    let detail = Status::from_raw(status).detail().unwrap_or_default();
    let kept = DETAIL.try_with(|kept| {
        *kept.borrow_mut() = Text::new(&detail);
        kept.borrow().as_ptr()
    });
    kept.ok().filter(|text| !text.is_null()).unwrap_or(c"".as_ptr())
}
