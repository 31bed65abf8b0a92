//! The names of statuses.

use crate::call_macro::calls;
use crate::types::zx_status_t;
use jacinth::Status;
use std::ffi::c_char;

calls! {
    /// Zircon's name for a status.
    fn zx_status_get_string, _zx_status_get_string(status: zx_status_t) -> *const c_char {
        Status::from_raw(status).c_name().unwrap_or(c"(UNKNOWN)").as_ptr()
    }
}
