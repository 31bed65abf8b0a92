//! Zircon's calls with Zircon's C signatures.

/// Closes a handle.
#[unsafe(no_mangle)]
pub extern "C" fn zx_handle_close(handle: u32) -> i32 {
    jacinth::raw::close(handle).map_or_else(|status| status.into_raw(), |()| 0)
}
