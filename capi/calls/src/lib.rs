//! Zircon's calls with Zircon's C signatures: what `libjacinth` exports, callable from Rust too.
//!
//! | | |
//! |---|---|
//! | what the calls do | `handle`, `object`, `info`, `property`, `event`, `channel`, `own`, `clock`, `futex`, `system`, `exit`, `status` |
//! | what Zircon has no calls for | `arena`, `fate`, `why` (`jacinth.h`), `threads` (`jacinth/compat.h`) |
//! | what a process has of its own | `threads`, `futex/queues`, `forked` (that a child begins without both) |
//! | what C hands over | `types` (its structures), `user` (its pointers, allegations until looked into), `guard` (how they are looked into) |
//!
//! Each call is documented for its users in the headers, `capi/include/zircon/` and `capi/include/jacinth.h`; here is
//! only what its code needs to have said. Nearly everything is a call of [`jacinth::raw`] between two pointers.
//!
//! INV-CALLS-1: nothing of the caller's memory is touched but through `user`: a pointer that leads nowhere gives
//! `ZX_ERR_INVALID_ARGS`, and what the call had made is unmade.
//! INV-CALLS-2: a call that needs the arena begins with `arena::enter`.
#![allow(non_camel_case_types)]

macro_rules! calls {
    ($(
        $(#[$about:meta])*
        fn $name:ident, $alias:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    )*) => {$(
        calls!(@define [$(#[$about])*] $name [$($argument: $type),*] [$($result)?] $body);

        #[doc = concat!("[`", stringify!($name), "`], by its other name.")]
        ///
        /// # Safety
        /// The same.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $alias($($argument: $type),*) -> calls!(@result $($result)?) {
            // SAFETY: the caller vouches for the same.
            unsafe { $name($($argument),*) }
        }
    )*};
    // A call that gives a status.
    (@define [$($about:tt)*] $name:ident [$($argument:ident: $type:ty),*] [] $body:block) => {
        $($about)*
        ///
        /// # Safety
        /// Pointers are what the C declaration says; memory that cannot be reached is an error, memory that is
        /// somebody else's is not noticed.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $crate::types::zx_status_t {
            let answer = || -> Result<(), jacinth::Status> { $body };
            match answer() {
                Ok(()) => 0,
                Err(status) => status.into_raw(),
            }
        }
    };
    // A call that gives something else.
    (@define [$($about:tt)*] $name:ident [$($argument:ident: $type:ty),*] [$result:ty] $body:block) => {
        $($about)*
        ///
        /// # Safety
        /// Pointers are what the C declaration says.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result $body
    };
    (@result) => { $crate::types::zx_status_t };
    (@result $result:ty) => { $result };
}

mod arena;
mod futex;
mod object;
mod process;
mod system;
pub mod types;
pub mod user_memory;

pub use arena::fate::*;
pub use arena::*;
pub use futex::{
    _zx_futex_get_owner, _zx_futex_requeue, _zx_futex_requeue_deprecated, _zx_futex_requeue_single_owner,
    _zx_futex_wait, _zx_futex_wait_deprecated, _zx_futex_wake, _zx_futex_wake_single_owner,
    zx_futex_get_owner, zx_futex_requeue, zx_futex_requeue_deprecated, zx_futex_requeue_single_owner,
    zx_futex_wait, zx_futex_wait_deprecated, zx_futex_wake, zx_futex_wake_single_owner,
};
pub use object::*;
pub use process::error_text::{jacinth_error, jacinth_status_detail};
pub use process::thread_exit::*;
pub use process::threads::{
    ThreadMain, ThreadStart, jacinth_thrd_create_with_name, jacinth_thrd_get_zx_handle,
};
pub use system::*;
pub use user_memory::{UserIn, UserOut};
