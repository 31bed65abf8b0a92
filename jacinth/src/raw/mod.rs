//! Every call by handle *value*, as in Zircon's own interface. The typed API is made of these calls, and so is a
//! library that binds jacinth to another language.
//!
//! A value is only meaningful in the process that got it. These calls own no handle: a value that is dropped
//! stays open, and one that is closed twice gives [`Status::BAD_HANDLE`](crate::Status::BAD_HANDLE) the second time.

/// Declares the module of each object's calls, and exports what is public in it.
macro_rules! calls {
    ($( $module:ident )+) => {
        $(
            mod $module;
            pub use $module::*;
        )+
    };
}

pub use jacinth_shm::HandleValue;

calls! { call channel directory disposition fifo futex handle object port port_fd socket timer vmo }

/// The value that is never a handle (`ZX_HANDLE_INVALID`).
pub const INVALID: u32 = crate::types::sys::ZX_HANDLE_INVALID;
