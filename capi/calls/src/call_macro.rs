//! The macro that gives each call its two exported names, `zx_name` and `_zx_name`, and turns a result into a status.

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
            // SAFETY: the caller guarantees the same.
            unsafe { $name($($argument),*) }
        }
    )*};
    // A call that returns a status.
    (@define [$($about:tt)*] $name:ident [$($argument:ident: $type:ty),*] [] $body:block) => {
        $($about)*
        ///
        /// # Safety
        /// Pointers are as the C declaration says. The call detects memory that is not mapped, and cannot detect memory
        /// that is used for something else.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $crate::types::zx_status_t {
            let call = || -> Result<(), jacinth::Status> { $body };
            match call() {
                Ok(()) => 0,
                Err(status) => status.into_raw(),
            }
        }
    };
    // A call that returns something else.
    (@define [$($about:tt)*] $name:ident [$($argument:ident: $type:ty),*] [$result:ty] $body:block) => {
        $($about)*
        ///
        /// # Safety
        /// Pointers are as the C declaration says.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result $body
    };
    (@result) => { $crate::types::zx_status_t };
    (@result $result:ty) => { $result };
}

pub(crate) use calls;
