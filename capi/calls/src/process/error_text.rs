//! The texts of `jacinth_error`: why the thread's last call of `jacinth.h` failed, or why the process has no arena.
//!
//! INV-TEXT-1: a text is shown only in the process that wrote it. A forked child has a copy of its parent's memory.
//! INV-TEXT-2: a call that fails because there is no arena sets its own text, and so replaces an older one.

use crate::types::zx_status_t;
use crate::user_memory::fault_guard;
use jacinth::{AttachError, SpawnError, Status};
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

/// A text, and the process that wrote it.
#[derive(Debug, Default)]
pub(crate) struct Text {
    process: u32,
    text: CString,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        Self { process: std::process::id(), text: CString::new(text.replace('\0', " ")).unwrap_or_default() }
    }

    /// The text for C: NULL if it is empty or another process wrote it.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        let is_shown = self.process == std::process::id() && !self.text.is_empty();
        if is_shown { self.text.as_ptr() } else { std::ptr::null() }
    }
}

thread_local! {
    static LAST_ERROR: RefCell<Text> = RefCell::default();
}

/// Why this process has no arena. Set once: every later call fails for the same reason.
static NO_ARENA: OnceLock<Text> = OnceLock::new();

/// Sets the calling thread's text; "" for none.
pub(crate) fn set(text: &str) {
    // A thread whose locals are destroyed keeps no text.
    let _ = LAST_ERROR.try_with(|last| {
        let mut last = last.borrow_mut();
        // The usual case, which needs neither memory nor the number of the process.
        if !(text.is_empty() && last.text.is_empty()) {
            *last = Text::new(text);
        }
    });
}

/// The calling thread's text; NULL if it has none.
pub(crate) fn last() -> *const c_char {
    LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(std::ptr::null())
}

/// Notes that this process has no arena, and that its calls cannot find one.
pub(crate) fn set_no_arena(text: &str) {
    let _ = NO_ARENA.set(Text::new(text));
}

/// Whether this process, or the parent that forked it, found no arena.
pub(crate) fn has_no_arena() -> bool {
    NO_ARENA.get().is_some()
}

/// Why this process found no arena; the name of the status if no reason is known.
pub(crate) fn no_arena(status: Status) -> String {
    NO_ARENA.get().map_or_else(|| status.to_string(), |known| known.text.to_string_lossy().into_owned())
}

/// Why this process found no arena, for C: NULL if it has one, or if another process found none.
pub(crate) fn no_arena_text() -> *const c_char {
    match NO_ARENA.get() {
        Some(text) if !jacinth::is_attached() => text.as_ptr(),
        _ => std::ptr::null(),
    }
}

/// The error of a call of `jacinth.h`: its status, and the text for `jacinth_error`.
#[derive(Debug)]
pub(crate) struct CallError {
    status: Status,
    text: String,
}

impl CallError {
    pub(crate) fn new(status: Status, text: String) -> Self {
        Self { status, text }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The error of a call that found no arena.
    pub(crate) fn no_arena(status: Status) -> Self {
        Self::new(status, no_arena(status))
    }
}

impl From<AttachError> for CallError {
    fn from(error: AttachError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl From<SpawnError> for CallError {
    fn from(error: SpawnError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

/// Adds the subject of a call to its error.
pub(crate) trait Context<T> {
    /// The text is `subject`, and the status by name.
    fn context(self, subject: &str) -> Result<T, CallError>;

    /// The text is `subject`, and the detail of this thread's last failed call. Only for a call that has just failed.
    fn context_with_detail(self, subject: &str) -> Result<T, CallError>;

    /// As [`Self::context_with_detail`], but SHOULD_WAIT has no text, which would take memory: it is no failure to a program that
    /// waits then, and part of every loop.
    fn context_unless_waiting(self, subject: &str) -> Result<T, CallError>;
}

impl<T> Context<T> for Result<T, Status> {
    fn context(self, subject: &str) -> Result<T, CallError> {
        self.map_err(|status| CallError::new(status, format!("{subject}: {status}")))
    }

    fn context_with_detail(self, subject: &str) -> Result<T, CallError> {
        match self.as_ref().err().and_then(|status| status.detail()) {
            Some(detail) => self
                .context(subject)
                .map_err(|error| CallError::new(error.status, format!("{subject}: {detail}"))),
            None => self.context(subject),
        }
    }

    fn context_unless_waiting(self, subject: &str) -> Result<T, CallError> {
        match self {
            Err(Status::SHOULD_WAIT) => Err(CallError::new(Status::SHOULD_WAIT, String::new())),
            other => other.context_with_detail(subject),
        }
    }
}

/// Runs a call of `jacinth.h` and keeps the text of its error.
pub(crate) fn with_error_text(call: impl FnOnce() -> Result<(), CallError>) -> zx_status_t {
    // Such a call may read a user pointer before the process has attached, and so before `enter` installs the handler.
    fault_guard::install_handler();
    set("");
    match call() {
        Ok(()) => 0,
        Err(CallError { status, text }) => {
            set(&text);
            status.into_raw()
        }
    }
}
